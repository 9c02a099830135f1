//! A producer controlled by the test: it emits on command and logs the demand it receives.

use std::future::Future;

use super::log::{Log, Writer, log};
use crate::base::error::{BoxError, ExitReason, StageResult};
use crate::base::options::{DemandMode, DiscardLog};
use crate::credit::demand::Demand;
use crate::pipeline::handle::StageRef;
use crate::spawn::{self, StageOptions};
use crate::stage::{Cast, Emitter, Nothing, Producer};
use crate::wire::ProducerRef;
use crate::wire::subscription::{Cancellation, Subscription};

/// A running producer controlled by a test: it emits events on command, and logs the demands, subscribers and
/// cancellations it sees.
///
/// It emits regardless of demand, as every producer may; events without demand wait in its buffer. To feed a
/// step or a sink:
///
/// ```
/// use stage_core::spawn::{StageOptions, consumer};
/// use stage_core::stage::ForEach;
/// use stage_core::testing::ManualProducer;
/// use stage_core::SubscribeOptions;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (handled, mut seen) = tokio::sync::mpsc::unbounded_channel();
/// // The stage under test.
/// let sink = ForEach::new(move |event: u32| handled.send(event).expect("the test listens"));
/// let sink = consumer(sink, StageOptions::named("sink")).await?;
///
/// let mut source = ManualProducer::spawn(StageOptions::named("source")).await;
/// sink.subscribe(&source.producer(), SubscribeOptions::new().max_demand(4).min_demand(2)).await?;
/// assert_eq!(source.next_demand().await, 4);
/// source.emit([1, 2]);
/// assert_eq!((seen.recv().await, seen.recv().await), (Some(1), Some(2)));
/// // Two of four were handled, so the sink asks for two more.
/// assert_eq!(source.next_demand().await, 2);
/// source.finish();
/// assert!(sink.ended().await.is_normal());
/// # Ok(())
/// # }
/// ```
///
/// The stage continues to run when this handle is dropped.
///
/// It logs what `handle_subscribe`, `handle_cancel` and `terminate` were called with:
///
/// ```
/// use stage_core::spawn::StageOptions;
/// use stage_core::subscribe::CancelKind;
/// use stage_core::testing::{ManualConsumer, ManualProducer};
/// use stage_core::{ExitReason, SubscribeOptions};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let mut source = ManualProducer::<u32>::spawn(StageOptions::named("source")).await;
/// let mut consumer = ManualConsumer::spawn("consumer").await;
/// let subscription = consumer.subscribe(&source.producer(), SubscribeOptions::new()).await?;
/// assert_eq!(source.next_subscriber().await, subscription);
/// subscription.cancel(ExitReason::Shutdown);
/// let (ended, cancellation) = source.next_cancel().await;
/// assert_eq!((ended, cancellation.kind), (subscription, CancelKind::Cancelled));
/// assert!(source.cancels().is_empty() && source.demands().is_empty());
///
/// source.fail("the disk is full");
/// assert_eq!(source.next_terminate().await.to_string(), source.ended().await.to_string());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ManualProducer<E> {
    stage: StageRef<ManualProducerStage<E>, Nothing, E>,
    demands: Log<usize>,
    subscribers: Log<Subscription>,
    cancels: Log<(Subscription, Cancellation)>,
    discards: Log<usize>,
    terminated: Log<ExitReason>,
}

/// The stage of a [`ManualProducer`]: the type of its [address](ManualProducer::stage).
#[derive(Debug)]
pub struct ManualProducerStage<E> {
    demands: Writer<usize>,
    subscribers: Writer<Subscription>,
    cancels: Writer<(Subscription, Cancellation)>,
    discards: Writer<usize>,
    terminated: Writer<ExitReason>,
    emits: std::marker::PhantomData<fn() -> E>,
}

/// An order to the stage.
enum Order<E> {
    Emit(Vec<E>),
    Finish,
    Fail(BoxError),
    Panic(String),
}

impl<E: Send + 'static> ManualProducer<E> {
    /// Starts a producer with these options.
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime.
    pub async fn spawn(options: StageOptions<E>) -> Self {
        let (demands, demands_log) = log();
        let (subscribers, subscribers_log) = log();
        let (cancels, cancels_log) = log();
        let (discards, discards_log) = log();
        let (terminated, terminated_log) = log();
        let emits = std::marker::PhantomData;
        let told = ManualProducerStage { demands, subscribers, cancels, discards, terminated, emits };
        let stage = spawn::producer(told, options).await.expect("a stage without `init` starts");
        Self {
            stage,
            demands: demands_log,
            subscribers: subscribers_log,
            cancels: cancels_log,
            discards: discards_log,
            terminated: terminated_log,
        }
    }

    /// Returns the address of the stage: to inspect it, or to register it under a name.
    pub fn stage(&self) -> &StageRef<ManualProducerStage<E>, Nothing, E> {
        &self.stage
    }

    /// Returns the reference that consumers subscribe to.
    pub fn producer(&self) -> ProducerRef<E> {
        self.stage.producer()
    }

    /// Emits these events in one callback.
    ///
    /// # Panics
    ///
    /// Panics if the stage has ended.
    #[track_caller]
    pub fn emit(&self, events: impl IntoIterator<Item = E>) {
        self.order(Order::Emit(events.into_iter().collect()));
    }

    /// Finishes the stage after all emitted events: buffered events are still delivered.
    ///
    /// # Panics
    ///
    /// Panics if the stage has ended.
    #[track_caller]
    pub fn finish(&self) {
        self.order(Order::Finish);
    }

    /// Ends the stage by returning this error from a callback.
    ///
    /// # Panics
    ///
    /// Panics if the stage has ended.
    #[track_caller]
    pub fn fail(&self, error: impl Into<BoxError>) {
        self.order(Order::Fail(error.into()));
    }

    /// Ends the stage by a panic with this message in a callback.
    ///
    /// ```
    /// use stage_core::ExitReason;
    /// use stage_core::spawn::StageOptions;
    /// use stage_core::testing::ManualProducer;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// for end in ["crash", "abort", "stop"] {
    ///     let source = ManualProducer::<u32>::spawn(StageOptions::named("source")).await;
    ///     match end {
    ///         "crash" => source.crash("a bug"),
    ///         "abort" => source.abort(),
    ///         _ => _ = source.stop(ExitReason::Shutdown).await,
    ///     }
    ///     let reason = source.ended().await;
    ///     assert_eq!(matches!(reason, ExitReason::Panicked(_)), end == "crash");
    ///     assert_eq!(matches!(reason, ExitReason::Aborted), end == "abort");
    ///     assert_eq!(matches!(reason, ExitReason::Shutdown), end == "stop");
    /// }
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the stage has ended; the panic in the callback stays within the stage.
    #[track_caller]
    pub fn crash(&self, message: impl Into<String>) {
        self.order(Order::Panic(message.into()));
    }

    #[track_caller]
    fn order(&self, order: Order<E>) {
        if let Err(error) = self.stage.cast(order) {
            panic!("{error}");
        }
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

    /// Holds demand back, or forwards it again.
    ///
    /// ```
    /// use stage_core::SubscribeOptions;
    /// use stage_core::spawn::{DemandMode, StageOptions};
    /// use stage_core::testing::{ManualConsumer, ManualProducer, settle};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let mut source = ManualProducer::<u32>::spawn(StageOptions::named("source")).await;
    /// source.set_demand_mode(DemandMode::Accumulate);
    /// let mut consumer = ManualConsumer::spawn("consumer").await;
    /// consumer.subscribe(&source.producer(), SubscribeOptions::new()).await?;
    /// consumer.ask(3);
    /// settle().await;
    /// assert!(source.demands().is_empty());
    /// source.set_demand_mode(DemandMode::Forward);
    /// assert_eq!(source.next_demand().await, 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_demand_mode(&self, mode: DemandMode) {
        self.stage.set_demand_mode(mode);
    }

    /// Waits for the next demand that reaches `handle_demand`; returns its number of events.
    ///
    /// # Panics
    ///
    /// Panics after a minute of the runtime's time; with a paused clock, as soon as nothing can make
    /// progress.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it completes loses nothing.
    #[track_caller]
    pub fn next_demand(&mut self) -> impl Future<Output = usize> {
        self.demands.next("a demand")
    }

    /// Takes the logged demands not yet taken, in events.
    pub fn demands(&mut self) -> Vec<usize> {
        self.demands.there()
    }

    /// Waits for the next consumer that subscribes.
    ///
    /// # Panics
    ///
    /// Like [`next_demand`](Self::next_demand), whose cancel safety also applies.
    #[track_caller]
    pub fn next_subscriber(&mut self) -> impl Future<Output = Subscription> {
        self.subscribers.next("a subscriber")
    }

    /// Waits for the next subscription that ends; returns how it ended.
    ///
    /// # Panics
    ///
    /// Like [`next_demand`](Self::next_demand), whose cancel safety also applies.
    #[track_caller]
    pub fn next_cancel(&mut self) -> impl Future<Output = (Subscription, Cancellation)> {
        self.cancels.next("the end of a subscription")
    }

    /// Takes the logged ends of subscriptions not yet taken.
    pub fn cancels(&mut self) -> Vec<(Subscription, Cancellation)> {
        self.cancels.there()
    }

    /// Takes the numbers of events passed to each call of `handle_discarded`, for calls not yet taken.
    ///
    /// ```
    /// use stage_core::Capacity;
    /// use stage_core::spawn::StageOptions;
    /// use stage_core::testing::{ManualProducer, settle};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let options = StageOptions::named("source").buffer(Capacity::Bounded(2));
    /// let mut source = ManualProducer::spawn(options).await;
    /// source.emit(1..=5);
    /// settle().await;
    /// assert_eq!(source.discards(), [3]);
    /// # }
    /// ```
    pub fn discards(&mut self) -> Vec<usize> {
        self.discards.there()
    }

    /// Waits for the reason passed to `terminate`, which is not called when a stage panics or is aborted.
    ///
    /// # Panics
    ///
    /// Like [`next_demand`](Self::next_demand), whose cancel safety also applies.
    #[track_caller]
    pub fn next_terminate(&mut self) -> impl Future<Output = ExitReason> {
        self.terminated.next("a call of `terminate`")
    }
}

impl<E: Send + 'static> Producer for ManualProducerStage<E> {
    type Event = E;

    async fn handle_demand(&mut self, demand: Demand, _out: &mut Emitter<'_, E>) -> StageResult {
        self.demands.write(demand.get());
        Ok(())
    }

    async fn handle_subscribe(
        &mut self,
        subscription: &Subscription,
        _out: &mut Emitter<'_, E>,
    ) -> StageResult {
        self.subscribers.write(subscription.clone());
        Ok(())
    }

    async fn handle_cancel(
        &mut self,
        subscription: &Subscription,
        cancellation: &Cancellation,
        _out: &mut Emitter<'_, E>,
    ) -> StageResult {
        self.cancels.write((subscription.clone(), cancellation.clone()));
        Ok(())
    }

    fn handle_discarded(&mut self, events: usize) -> DiscardLog {
        self.discards.write(events);
        DiscardLog::Warn
    }

    async fn terminate(&mut self, reason: &ExitReason) {
        self.terminated.write(reason.clone());
    }
}

impl<E: Send + 'static> Cast<Order<E>> for ManualProducerStage<E> {
    type Out = E;

    async fn handle_cast(&mut self, order: Order<E>, out: &mut Emitter<'_, E>) -> StageResult {
        match order {
            Order::Emit(events) => out.extend(events),
            Order::Finish => out.finish(),
            Order::Fail(error) => return Err(error),
            Order::Panic(message) => panic!("{message}"),
        }
        Ok(())
    }
}
