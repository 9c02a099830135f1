//! A consumer controlled by the test: it asks on command and shows the events it receives.

use std::ops::{Deref, DerefMut};

use super::probe::{Ending, Observed, Probe};
use crate::base::error::{BoxError, ExitReason, SubscribeError};
use crate::credit::demand::Demand;
use crate::pipeline::handle::StageRef;
use crate::spawn::{self, StageOptions};
use crate::stage::Nothing;
use crate::wire::subscription::{Asking, Subscription};
use crate::wire::{ProducerRef, SubscribeOptions};

/// A running consumer controlled by a test: it asks only on command, and keeps the events it receives. Read
/// its observations as from a [`Probe`]: it derefs to [`Observed`].
///
/// To observe a producer or a step, one demand at a time:
///
/// ```
/// use stage_core::spawn::{StageOptions, producer};
/// use stage_core::stage::FromIter;
/// use stage_core::testing::{ManualConsumer, settle};
/// use stage_core::SubscribeOptions;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // The stage under test.
/// let numbers = producer(FromIter::new(0..5), StageOptions::named("numbers")).await?;
///
/// let mut consumer = ManualConsumer::spawn("consumer").await;
/// consumer.subscribe(&numbers.producer(), SubscribeOptions::new()).await?;
/// settle().await;
/// assert!(consumer.batches().is_empty(), "nothing was asked for");
/// consumer.ask(3);
/// assert_eq!(consumer.next_batch().await, [0, 1, 2]);
/// consumer.ask(3);
/// assert_eq!(consumer.next_batch().await, [3, 4]);
/// let (_, end) = consumer.next_end().await;
/// assert!(end.reason.is_normal());
/// # Ok(())
/// # }
/// ```
///
/// The stage continues to run when this handle is dropped.
///
/// A consumer that fails, or ends in another way, tells so to its producer:
///
/// ```
/// use stage_core::spawn::StageOptions;
/// use stage_core::testing::{ManualConsumer, ManualProducer};
/// use stage_core::{ExitReason, SubscribeOptions};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let mut source = ManualProducer::<u32>::spawn(StageOptions::named("source")).await;
/// for end in ["finish", "fail", "crash", "abort", "stop"] {
///     let mut consumer = ManualConsumer::spawn(end).await;
///     let subscription = consumer.subscribe(&source.producer(), SubscribeOptions::new()).await?;
///     assert_eq!(consumer.subscription(), Some(&subscription));
///     match end {
///         "finish" => consumer.finish(),
///         "fail" => consumer.fail("no connection"),
///         "crash" => consumer.crash("a bug"),
///         "abort" => consumer.abort(),
///         _ => _ = consumer.stop(ExitReason::Shutdown).await,
///     }
///     let is_normal = ["finish", "stop"].contains(&end);
///     assert_eq!(consumer.ended().await.is_normal(), is_normal);
///     assert_eq!(source.next_cancel().await.0, subscription);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ManualConsumer<E> {
    stage: StageRef<Probe<E>, E, Nothing>,
    seen: Observed<E>,
    latest: Option<Subscription>,
}

impl<E: Send + 'static> ManualConsumer<E> {
    /// Starts a consumer with this name.
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime.
    pub async fn spawn(name: impl Into<String>) -> Self {
        let (probe, seen) = Probe::asking(Asking::Manual);
        let options = StageOptions::named(name);
        let stage = spawn::consumer(probe, options).await.expect("a stage without `init` starts");
        Self { stage, seen, latest: None }
    }

    /// Subscribes to `producer` without asking for events; the window only limits how much may be asked for.
    ///
    /// # Errors
    ///
    /// Like [`StageRef::subscribe`].
    ///
    /// # Cancel safety
    ///
    /// Like [`StageRef::subscribe`].
    pub async fn subscribe(
        &mut self,
        producer: &ProducerRef<E>,
        options: SubscribeOptions<E>,
    ) -> Result<Subscription, SubscribeError> {
        let subscription = self.stage.subscribe(producer, options).await?;
        self.latest = Some(subscription.clone());
        Ok(subscription)
    }

    /// Asks for `events` more, at least 1, through the most recent subscription. For another subscription,
    /// see [`Subscription::ask`].
    ///
    /// # Panics
    ///
    /// Panics without a subscription, and if `events` is 0.
    #[track_caller]
    pub fn ask(&self, events: usize) {
        let demand = Demand::new(events).expect("at least 1 event is asked for");
        self.latest.as_ref().expect("a subscription was made before").ask(demand);
    }

    /// Returns the most recent subscription.
    pub fn subscription(&self) -> Option<&Subscription> {
        self.latest.as_ref()
    }

    /// Returns the address of the stage.
    pub fn stage(&self) -> &StageRef<Probe<E>, E, Nothing> {
        &self.stage
    }

    /// Finishes the stage: it wants no more events, ever.
    pub fn finish(&self) {
        self.order(Ending::Finish);
    }

    /// Ends the stage by returning this error from a callback.
    pub fn fail(&self, error: impl Into<BoxError>) {
        self.order(Ending::Fail(error.into()));
    }

    /// Ends the stage by a panic with this message in a callback.
    pub fn crash(&self, message: impl Into<String>) {
        self.order(Ending::Panic(message.into()));
    }

    fn order(&self, ending: Ending) {
        // A stage that has already ended needs no order.
        let _ = self.stage.cast(ending);
    }

    /// Ends the stage with `reason` after its current callback, and waits until it has ended.
    pub async fn stop(&self, reason: ExitReason) -> ExitReason {
        self.stage.stop(reason).await
    }

    /// Aborts the stage at its next await point: no more callbacks run, and its peers see
    /// [`ExitReason::Aborted`].
    pub fn abort(&self) {
        self.stage.abort();
    }

    /// Waits until the stage has ended; returns the reason.
    pub async fn ended(&self) -> ExitReason {
        self.stage.ended().await
    }
}

impl<E> Deref for ManualConsumer<E> {
    type Target = Observed<E>;

    fn deref(&self) -> &Observed<E> {
        &self.seen
    }
}

impl<E> DerefMut for ManualConsumer<E> {
    fn deref_mut(&mut self) -> &mut Observed<E> {
        &mut self.seen
    }
}
