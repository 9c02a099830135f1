//! The options of a stage that is spawned by hand.

use std::fmt;

use crate::base::options::{Capacity, DemandMode, Keep, OnCancel, Pace, Placement};
use crate::dispatch::{AnyDispatcher, Dispatcher};

/// The options of a stage that emits events of type `Out`.
///
/// ```
/// use stage_core::spawn::{StageOptions, producer};
/// use stage_core::stage::FromIter;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::spawn::SpawnError> {
/// let numbers = producer(FromIter::new(0..3), StageOptions::named("numbers")).await?;
/// assert_eq!(numbers.name(), "numbers");
/// // Without a name, it is that of its type.
/// let unnamed = producer(FromIter::new(0..3), StageOptions::new()).await?;
/// assert!(unnamed.name().contains("FromIter"));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct StageOptions<Out> {
    pub(super) name: Option<String>,
    pub(super) placement: Placement,
    pub(super) capacity: Option<Capacity>,
    pub(super) keep: Keep,
    pub(super) mode: DemandMode,
    pub(super) pace: Pace,
    pub(super) on_cancel: OnCancel,
    pub(super) dispatcher: AnyDispatcher<Out>,
}

impl<Out> StageOptions<Out> {
    /// Creates the default options.
    pub fn new() -> Self {
        Self {
            name: None,
            placement: Placement::default(),
            capacity: None,
            keep: Keep::default(),
            mode: DemandMode::default(),
            pace: Pace::default(),
            on_cancel: OnCancel::default(),
            dispatcher: AnyDispatcher::default(),
        }
    }

    /// Creates options with only the name set.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::new() }
    }

    /// Sets where the callbacks run. Default: on the runtime.
    pub fn placement(mut self, placement: Placement) -> Self {
        self.placement = placement;
        self
    }

    /// Sets how many events without demand the stage buffers. Default: 10,000 for a producer, unlimited for a
    /// producer-consumer. Has no effect on a consumer.
    pub fn buffer(mut self, capacity: Capacity) -> Self {
        self.capacity = Some(capacity);
        self
    }

    /// Sets which events a full buffer keeps. Default: the last.
    pub fn keep(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }

    /// Sets the dispatcher, which decides which subscriber gets which events. Default:
    /// [`DemandDispatcher`](crate::dispatch::DemandDispatcher).
    /// Has no effect on a consumer.
    pub fn dispatcher(mut self, dispatcher: impl Dispatcher<Out> + 'static) -> Self {
        self.dispatcher = AnyDispatcher::new(dispatcher);
        self
    }

    /// Sets how far a producer-consumer runs ahead of its subscribers. Default: it handles whole messages.
    /// Has no effect on other stages.
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Sets what the stage does when its last consumer has left, by a cancel or by its end. Default: it
    /// continues. Has no effect on a consumer.
    ///
    /// The first consumer may leave before the second one arrives: to avoid this, hold demand back
    /// ([`demand`](Self::demand), [`DemandMode::Accumulate`]) until all have subscribed.
    ///
    /// ```
    /// use stage_core::spawn::{OnCancel, StageOptions, producer};
    /// use stage_core::stage::FromIter;
    /// use stage_core::testing::ManualConsumer;
    /// use stage_core::{ExitReason, SubscribeOptions};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let options = StageOptions::named("numbers").on_cancel(OnCancel::Stop);
    /// let numbers = producer(FromIter::new(0_u64..), options).await?;
    /// let mut consumer = ManualConsumer::spawn("consumer").await;
    /// let subscription = consumer.subscribe(&numbers.producer(), SubscribeOptions::new()).await?;
    /// subscription.cancel(ExitReason::Shutdown);
    /// assert!(numbers.ended().await.is_normal());
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_cancel(mut self, on_cancel: OnCancel) -> Self {
        self.on_cancel = on_cancel;
        self
    }

    /// Sets whether demand is held back at first. Default: it is forwarded.
    pub fn demand(mut self, mode: DemandMode) -> Self {
        self.mode = mode;
        self
    }
}

impl<Out> Default for StageOptions<Out> {
    fn default() -> Self {
        Self::new()
    }
}

impl<Out> fmt::Debug for StageOptions<Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StageOptions")
            .field("name", &self.name)
            .field("placement", &self.placement)
            .field("capacity", &self.capacity)
            .field("keep", &self.keep)
            .field("mode", &self.mode)
            .field("pace", &self.pace)
            .field("on_cancel", &self.on_cancel)
            .finish_non_exhaustive()
    }
}
