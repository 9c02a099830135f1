//! A consumer that shows every batch to the test.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::log::{Log, Writer, log};
use crate::base::error::{BoxError, StageResult};
use crate::stage::{Cast, Consumer, Context, Emitter, Events, Nothing};
use crate::wire::subscription::{Asking, Cancellation, Subscription};

/// A consumer that asks according to its window, like any other, and passes every batch to the test.
///
/// Spawn it, or finish a pipeline with it: it is its own recipe, and all its clones report to the same
/// [`Observed`].
///
/// ```
/// use stage_core::testing::Probe;
/// use stage_core::{Pipeline, StepOptions};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (probe, mut seen) = Probe::new();
/// let running = Pipeline::builder("squares")
///     .start_fn("numbers", || Ok(1..=4_u64))
///     .step_fn("square", |number| number * number) // the step under test
///     .finish(StepOptions::named("probe").max_demand(2).min_demand(0), move || Ok(probe.clone()))
///     .start()
///     .await?;
/// let batch = seen.next_seen().await;
/// assert_eq!((&*batch.from.producer(), batch.events), ("square/0", vec![1, 4]));
/// assert_eq!(seen.next_batch().await, [9, 16]);
/// running.join().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Probe<E> {
    asking: Asking,
    batches: Writer<ObservedBatch<E>>,
    subscribed: Writer<Subscription>,
    ends: Writer<(Subscription, Cancellation)>,
    /// Blocks each batch until it may count as handled, if the probe hangs.
    gate: Option<Arc<Semaphore>>,
}

/// The observations of a [`Probe`], in order.
///
/// ```
/// use stage_core::spawn::{StageOptions, consumer};
/// use stage_core::testing::{ManualProducer, Probe, settle};
/// use stage_core::{CancelMode, SubscribeOptions};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (probe, mut seen) = Probe::new();
/// let probe = consumer(probe, StageOptions::named("probe")).await?;
/// let source = ManualProducer::spawn(StageOptions::named("source")).await;
/// let options = SubscribeOptions::new().cancel(CancelMode::Temporary);
/// let subscription = probe.subscribe(&source.producer(), options).await?;
/// assert_eq!(seen.next_subscribed().await, subscription);
///
/// source.emit(["a", "b"]);
/// settle().await;
/// let batches = seen.batches();
/// assert_eq!((batches.len(), &batches[0].from), (1, &subscription));
/// assert_eq!(batches[0].to_string(), "2 events from source");
///
/// source.emit(["c"]);
/// assert_eq!(seen.next_batch().await, ["c"]);
/// source.emit(["d"]);
/// settle().await;
/// assert_eq!(seen.events(), ["d"]);
/// seen.release(1); // only a probe that hangs waits for this
///
/// source.finish();
/// let (ended, cancellation) = seen.next_end().await;
/// assert_eq!(ended, subscription);
/// assert!(cancellation.reason.is_normal());
/// assert!(seen.ends().is_empty(), "each end is taken once");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Observed<E> {
    batches: Log<ObservedBatch<E>>,
    subscribed: Log<Subscription>,
    ends: Log<(Subscription, Cancellation)>,
    gate: Option<Arc<Semaphore>>,
}

/// One batch, as passed to `handle_events`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedBatch<E> {
    /// The subscription it arrived on.
    pub from: Subscription,
    /// Its events, in order.
    pub events: Vec<E>,
}

impl<E> Probe<E> {
    /// Creates a probe, and the log of its observations.
    pub fn new() -> (Self, Observed<E>) {
        Self::asking(Asking::Automatic)
    }

    /// Creates a probe that hangs: it shows each batch, then holds it until [`Observed::release`]. Its callback
    /// does not react to a drain or a stop, which must wait for it or abort it.
    ///
    /// ```
    /// use stage_core::testing::{Probe, settle};
    /// use stage_core::{Pipeline, StepOptions};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (probe, mut seen) = Probe::hanging();
    /// let options = StepOptions::named("probe").max_demand(1).min_demand(0);
    /// let running = Pipeline::builder("hangs")
    ///     .start_fn("numbers", || Ok(1..=3_u64))
    ///     .finish(options, move || Ok(probe.clone()))
    ///     .start()
    ///     .await?;
    /// settle().await;
    /// assert_eq!(seen.events(), [1], "the first is in hand");
    /// seen.release(1);
    /// settle().await;
    /// assert_eq!(seen.events(), [2]);
    /// let report = running.stop().await?;
    /// assert_eq!(report.cut_off, ["probe/0"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn hanging() -> (Self, Observed<E>) {
        Self::gated(Asking::Automatic, Some(Arc::new(Semaphore::new(0))))
    }

    pub(super) fn asking(asking: Asking) -> (Self, Observed<E>) {
        Self::gated(asking, None)
    }

    fn gated(asking: Asking, gate: Option<Arc<Semaphore>>) -> (Self, Observed<E>) {
        let (batches, batches_log) = log();
        let (subscribed, subscribed_log) = log();
        let (ends, ends_log) = log();
        let seen =
            Observed { batches: batches_log, subscribed: subscribed_log, ends: ends_log, gate: gate.clone() };
        (Self { asking, batches, subscribed, ends, gate }, seen)
    }

    pub(super) fn show(&self, events: Events<'_, E>) {
        let from = events.from().clone();
        self.batches.write(ObservedBatch { from, events: events.into_iter().collect() });
    }

    pub(super) fn show_subscribed(&self, subscription: &Subscription) {
        self.subscribed.write(subscription.clone());
    }

    pub(super) fn show_end(&self, subscription: &Subscription, cancellation: &Cancellation) {
        self.ends.write((subscription.clone(), cancellation.clone()));
    }
}

impl<E> Observed<E> {
    /// Waits for the next batch.
    ///
    /// # Panics
    ///
    /// Panics if the stage ends before, and after a minute of the runtime's time; with a paused clock, as
    /// soon as nothing can make progress.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it completes loses nothing.
    #[track_caller]
    pub fn next_seen(&mut self) -> impl Future<Output = ObservedBatch<E>> {
        self.batches.next("a batch")
    }

    /// Waits for the next batch; returns its events.
    ///
    /// # Panics
    ///
    /// Like [`next_seen`](Self::next_seen), whose cancel safety also applies.
    #[track_caller]
    pub fn next_batch(&mut self) -> impl Future<Output = Vec<E>> {
        let next = self.next_seen();
        async move { next.await.events }
    }

    /// Takes the batches not yet taken. After [`settle`](super::settle), an empty list means that no batch
    /// will arrive.
    pub fn batches(&mut self) -> Vec<ObservedBatch<E>> {
        self.batches.there()
    }

    /// Takes the events of the batches not yet taken, in one list.
    pub fn events(&mut self) -> Vec<E> {
        self.batches().into_iter().flat_map(|batch| batch.events).collect()
    }

    /// Waits for the next subscription of the stage, reported just before it is made.
    ///
    /// # Panics
    ///
    /// Like [`next_seen`](Self::next_seen), whose cancel safety also applies.
    #[track_caller]
    pub fn next_subscribed(&mut self) -> impl Future<Output = Subscription> {
        self.subscribed.next("a subscription")
    }

    /// Waits for the next subscription that ends; returns how it ended. All its events have been shown
    /// before.
    ///
    /// # Panics
    ///
    /// Like [`next_seen`](Self::next_seen), whose cancel safety also applies.
    #[track_caller]
    pub fn next_end(&mut self) -> impl Future<Output = (Subscription, Cancellation)> {
        self.ends.next("the end of a subscription")
    }

    /// Lets a probe that [hangs](Probe::hanging) handle `batches` more batches, beginning with the current
    /// one. Has no effect on other probes.
    pub fn release(&self, batches: usize) {
        if let Some(gate) = &self.gate {
            gate.add_permits(batches.min(Semaphore::MAX_PERMITS - gate.available_permits()));
        }
    }

    /// Takes the ends of subscriptions not yet taken.
    pub fn ends(&mut self) -> Vec<(Subscription, Cancellation)> {
        self.ends.there()
    }
}

impl<E: Send + 'static> Consumer for Probe<E> {
    type Event = E;

    async fn handle_events(&mut self, events: Events<'_, E>, _cx: &mut Context<'_>) -> StageResult {
        self.show(events);
        if let Some(gate) = &self.gate
            && let Ok(permit) = gate.acquire().await
        {
            permit.forget();
        }
        Ok(())
    }

    async fn handle_subscribe(
        &mut self,
        subscription: &Subscription,
        _cx: &mut Context<'_>,
    ) -> Result<Asking, BoxError> {
        self.show_subscribed(subscription);
        Ok(self.asking)
    }

    async fn handle_cancel(
        &mut self,
        subscription: &Subscription,
        cancellation: &Cancellation,
        _cx: &mut Context<'_>,
    ) -> StageResult {
        self.show_end(subscription, cancellation);
        Ok(())
    }
}

/// An order that ends a probe.
pub(super) enum Ending {
    Finish,
    Fail(BoxError),
    Panic(String),
}

impl<E: Send + 'static> Cast<Ending> for Probe<E> {
    type Out = Nothing;

    async fn handle_cast(&mut self, ending: Ending, out: &mut Emitter<'_, Nothing>) -> StageResult {
        match ending {
            Ending::Finish => out.finish(),
            Ending::Fail(error) => return Err(error),
            Ending::Panic(message) => panic!("{message}"),
        }
        Ok(())
    }
}

impl<E> Clone for Probe<E> {
    fn clone(&self) -> Self {
        Self {
            asking: self.asking,
            batches: self.batches.clone(),
            subscribed: self.subscribed.clone(),
            ends: self.ends.clone(),
            gate: self.gate.clone(),
        }
    }
}

impl<E> fmt::Display for ObservedBatch<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events from {}", self.events.len(), self.from.producer())
    }
}
