//! The options with which a flow is started.

use std::sync::Arc;
use std::time::Duration;

use stage_core::registry::Registry;

use crate::exec::Workers;
use crate::plan::SUBSCRIBE_TIMEOUT;

/// The options of a flow that is started in the background.
///
/// ```
/// use std::time::Duration;
///
/// use flow::{Flow, StartOptions, Workers};
/// use stage_core::registry::Registry;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), flow::FlowError> {
/// let registry = Registry::new();
/// let options = StartOptions::new()
///     .workers(Workers::Current)
///     .named(&registry, "numbers")
///     .subscribe_timeout(Duration::from_secs(60));
/// let running = Flow::from_items(0..10_u64).start_with(options).await?;
/// assert_eq!(running.join().await?.events(), 10);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct StartOptions {
    pub(crate) workers: Workers,
    pub(crate) name: Option<(Registry, Arc<str>)>,
    pub(crate) subscribe_timeout: Duration,
    pub(crate) held: bool,
}

impl StartOptions {
    /// Default options: the flow's own threads, and no name.
    pub fn new() -> Self {
        Self { workers: Workers::default(), name: None, subscribe_timeout: SUBSCRIBE_TIMEOUT, held: false }
    }

    /// Sets the threads that run its stages. Default: [`Workers::Own`].
    pub fn workers(mut self, workers: Workers) -> Self {
        self.workers = workers;
        self
    }

    /// Gives the flow a name, by which [`FlowRef::named`](super::FlowRef::named) finds it while it runs. If
    /// external stages may subscribe to its last layer, the stages of that layer are named `name/0`, `name/1`
    /// and so on. Default: none.
    pub fn named(mut self, registry: &Registry, name: impl Into<Arc<str>>) -> Self {
        self.name = Some((registry.clone(), name.into()));
        self
    }

    /// Sets how long each stage may take to subscribe to one of its producers, including external ones, which
    /// may be busy. With zero, no flow of more than one stage starts. Default: 5 seconds.
    pub fn subscribe_timeout(mut self, within: Duration) -> Self {
        self.subscribe_timeout = within;
        self
    }

    /// Holds the flow back once it is wired, until [`FlowRef::release`](super::FlowRef::release): its sources
    /// read nothing, so that more consumers can subscribe before the first event. Default: events flow at
    /// once.
    ///
    /// ```
    /// use flow::{Flow, StartOptions};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let numbers = Flow::from_items(0..10_u64);
    /// let running = numbers.start_with(StartOptions::new().held()).await?;
    /// assert!(running.stats().iter().all(|stage| stage.events_out == 0));
    /// running.release();
    /// assert_eq!(running.join().await?.events(), 10);
    /// # Ok(())
    /// # }
    /// ```
    pub fn held(mut self) -> Self {
        self.held = true;
        self
    }
}

impl Default for StartOptions {
    fn default() -> Self {
        Self::new()
    }
}
