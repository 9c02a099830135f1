//! A consumer that asks for what the test says, and shows what it gets.

use std::ops::{Deref, DerefMut};

use super::probe::{Ending, Probe, Seen};
use crate::base::error::{BoxError, ExitReason, SubscribeError};
use crate::credit::demand::Demand;
use crate::pipeline::handle::StageRef;
use crate::spawn::{self, StageOptions};
use crate::stage::Nothing;
use crate::wire::subscription::{Asking, Subscription};
use crate::wire::{ProducerRef, SubscribeOptions};

/// A running consumer in the hands of a test: it asks only when told to, and keeps what it gets. What it saw is
/// read as from a [`Probe`]: it derefs to [`Seen`].
///
/// To look at a producer or a step of your own, one demand at a time:
///
/// ```
/// use stage_core::spawn::{StageOptions, producer};
/// use stage_core::testing::{ManualConsumer, settle};
/// use stage_core::{FromIter, SubscribeOptions};
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
/// The stage goes on when this is dropped.
#[derive(Debug)]
pub struct ManualConsumer<E> {
    stage: StageRef<Probe<E>, E, Nothing>,
    seen: Seen<E>,
    latest: Option<Subscription>,
}

impl<E: Send + 'static> ManualConsumer<E> {
    /// Starts one of this name.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn spawn(name: impl Into<String>) -> Self {
        let (probe, seen) = Probe::asking(Asking::Manual);
        let options = StageOptions::named(name);
        let stage = spawn::consumer(probe, options).await.expect("a stage without `init` starts");
        Self { stage, seen, latest: None }
    }

    /// Subscribes to `producer` without asking for anything; the window only says what is legal.
    ///
    /// # Errors
    ///
    /// As [`StageRef::subscribe`].
    ///
    /// # Cancel safety
    ///
    /// As [`StageRef::subscribe`].
    pub async fn subscribe(
        &mut self,
        producer: &ProducerRef<E>,
        options: SubscribeOptions<E>,
    ) -> Result<Subscription, SubscribeError> {
        let subscription = self.stage.subscribe(producer, options).await?;
        self.latest = Some(subscription.clone());
        Ok(subscription)
    }

    /// Asks for `events` more, at least 1, by the subscription that was made last. For another one, see
    /// [`Subscription::ask`].
    ///
    /// # Panics
    ///
    /// Without a subscription, and for zero events: asking for nothing is not asking.
    #[track_caller]
    pub fn ask(&self, events: usize) {
        let demand = Demand::new(events).expect("at least 1 event is asked for");
        self.latest.as_ref().expect("a subscription was made before").ask(demand);
    }

    /// The subscription that was made last.
    pub fn subscription(&self) -> Option<&Subscription> {
        self.latest.as_ref()
    }

    /// The address of the stage.
    pub fn stage(&self) -> &StageRef<Probe<E>, E, Nothing> {
        &self.stage
    }

    /// Has the stage finish: it wants no more events, ever.
    pub fn finish(&self) {
        self.order(Ending::Finish);
    }

    /// Has a callback return this error, which ends the stage.
    pub fn fail(&self, error: impl Into<BoxError>) {
        self.order(Ending::Fail(error.into()));
    }

    /// Has a callback panic with this message, which ends the stage.
    pub fn crash(&self, message: impl Into<String>) {
        self.order(Ending::Panic(message.into()));
    }

    fn order(&self, ending: Ending) {
        // A stage that has ended already need not be ended.
        let _ = self.stage.cast(ending);
    }

    /// Ends the stage for `reason` after its current callback, and waits until it has.
    pub async fn stop(&self, reason: ExitReason) -> ExitReason {
        self.stage.stop(reason).await
    }

    /// Cuts the stage off at its next wait: no hook runs any more, and its peers see
    /// [`ExitReason::Aborted`].
    pub fn abort(&self) {
        self.stage.abort();
    }

    /// Waits until the stage has ended; says why.
    pub async fn ended(&self) -> ExitReason {
        self.stage.ended().await
    }
}

impl<E> Deref for ManualConsumer<E> {
    type Target = Seen<E>;

    fn deref(&self) -> &Seen<E> {
        &self.seen
    }
}

impl<E> DerefMut for ManualConsumer<E> {
    fn deref_mut(&mut self) -> &mut Seen<E> {
        &mut self.seen
    }
}
