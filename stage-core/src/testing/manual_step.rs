//! A step controlled by the test: it asks and emits on command, shows the events it receives, and logs
//! demand.

use std::future::Future;
use std::ops::{Deref, DerefMut};

use super::log::{Log, Writer, log};
use super::probe::{Observed, Probe};
use crate::base::error::{BoxError, ExitReason, StageResult, SubscribeError};
use crate::credit::demand::Demand;
use crate::pipeline::handle::StageRef;
use crate::spawn::{self, StageOptions};
use crate::stage::{Cast, Emitter, Events, ProducerConsumer};
use crate::wire::subscription::{Asking, Cancellation, Role, Subscription};
use crate::wire::{ProducerRef, SubscribeOptions};

/// A running producer-consumer controlled by a test, placed between a producer and a consumer under test: it
/// asks on command, shows the events that arrive, emits on command, and logs its demand. Read its
/// observations as from a [`Probe`]: it derefs to [`Observed`].
///
/// Like every step, it receives events only while its own consumers have demand.
///
/// ```
/// use stage_core::spawn::{StageOptions, producer};
/// use stage_core::stage::FromIter;
/// use stage_core::testing::{ManualConsumer, ManualStep};
/// use stage_core::SubscribeOptions;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let numbers = producer(FromIter::new(0..5), StageOptions::named("numbers")).await?;
/// let mut step = ManualStep::spawn(StageOptions::<String>::named("step")).await;
/// step.subscribe(&numbers.producer(), SubscribeOptions::new()).await?;
/// let mut consumer = ManualConsumer::spawn("consumer").await;
/// consumer.subscribe(&step.producer(), SubscribeOptions::new()).await?;
///
/// consumer.ask(2);
/// assert_eq!(step.next_demand().await, 2);
/// step.ask(3);
/// assert_eq!(step.next_batch().await, [0, 1, 2]);
/// step.emit(["zero".to_owned()]);
/// assert_eq!(consumer.next_batch().await, ["zero"]);
/// # Ok(())
/// # }
/// ```
///
/// The stage continues to run when this handle is dropped.
///
/// A step that ends, in whatever way, ends the consumer behind it, and tells the producer before it:
///
/// ```
/// use stage_core::spawn::StageOptions;
/// use stage_core::testing::{ManualConsumer, ManualProducer, ManualStep};
/// use stage_core::{ExitReason, SubscribeOptions};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let mut source = ManualProducer::<u32>::spawn(StageOptions::named("source")).await;
/// for end in ["finish", "fail", "crash", "abort", "stop"] {
///     let mut step = ManualStep::<u32, u32>::spawn(StageOptions::named("step")).await;
///     let subscription = step.subscribe(&source.producer(), SubscribeOptions::new()).await?;
///     let mut consumer = ManualConsumer::spawn("consumer").await;
///     consumer.subscribe(&step.producer(), SubscribeOptions::new()).await?;
///     match end {
///         "finish" => step.finish(),
///         "fail" => step.fail("no connection"),
///         "crash" => step.crash("a bug"),
///         "abort" => step.abort(),
///         _ => _ = step.stop(ExitReason::Shutdown).await,
///     }
///     let is_normal = ["finish", "stop"].contains(&end);
///     assert_eq!(step.ended().await.is_normal(), is_normal);
///     assert_eq!(consumer.ended().await.is_normal(), is_normal);
///     assert_eq!(source.next_cancel().await.0, subscription);
///     assert!(step.demands().is_empty());
///     if is_normal || end == "fail" {
///         assert_eq!(step.next_terminate().await.is_normal(), is_normal);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ManualStep<In, Out> {
    stage: StageRef<ManualStepStage<In, Out>, In, Out>,
    seen: Observed<In>,
    demands: Log<usize>,
    left: Log<(Subscription, Cancellation)>,
    terminated: Log<ExitReason>,
    latest: Option<Subscription>,
}

/// The stage of a [`ManualStep`]: the type of its [address](ManualStep::stage).
#[derive(Debug)]
pub struct ManualStepStage<In, Out> {
    probe: Probe<In>,
    demands: Writer<usize>,
    left: Writer<(Subscription, Cancellation)>,
    terminated: Writer<ExitReason>,
    emits: std::marker::PhantomData<fn() -> Out>,
}

/// An order to the stage.
enum Order<Out> {
    Emit(Vec<Out>),
    Finish,
    Fail(BoxError),
    Panic(String),
}

impl<In: Send + 'static, Out: Send + 'static> ManualStep<In, Out> {
    /// Starts a step with these options.
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime.
    pub async fn spawn(options: StageOptions<Out>) -> Self {
        let (probe, seen) = Probe::asking(Asking::Manual);
        let (demands, demands_log) = log();
        let (left, left_log) = log();
        let (terminated, terminated_log) = log();
        let told = ManualStepStage { probe, demands, left, terminated, emits: std::marker::PhantomData };
        let stage = spawn::producer_consumer(told, options).await.expect("a stage without `init` starts");
        Self { stage, seen, demands: demands_log, left: left_log, terminated: terminated_log, latest: None }
    }

    /// Returns the reference that consumers subscribe to.
    pub fn producer(&self) -> ProducerRef<Out> {
        self.stage.producer()
    }

    /// Returns the address of the stage.
    pub fn stage(&self) -> &StageRef<ManualStepStage<In, Out>, In, Out> {
        &self.stage
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
        producer: &ProducerRef<In>,
        options: SubscribeOptions<In>,
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

    /// Emits these events in one callback, with or without demand.
    ///
    /// # Panics
    ///
    /// Panics if the stage has ended.
    #[track_caller]
    pub fn emit(&self, events: impl IntoIterator<Item = Out>) {
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
    /// # Panics
    ///
    /// Panics if the stage has ended; the panic in the callback stays within the stage.
    #[track_caller]
    pub fn crash(&self, message: impl Into<String>) {
        self.order(Order::Panic(message.into()));
    }

    #[track_caller]
    fn order(&self, order: Order<Out>) {
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

    /// Waits for the next consumer that leaves; returns how its subscription ended. (For producers, see
    /// [`Observed::next_end`].)
    ///
    /// ```
    /// use stage_core::spawn::StageOptions;
    /// use stage_core::subscribe::CancelKind;
    /// use stage_core::testing::{ManualConsumer, ManualStep};
    /// use stage_core::{ExitReason, SubscribeOptions};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let mut step = ManualStep::<u32, u32>::spawn(StageOptions::named("step")).await;
    /// let mut consumer = ManualConsumer::spawn("consumer").await;
    /// let subscription = consumer.subscribe(&step.producer(), SubscribeOptions::new()).await?;
    /// consumer.stop(ExitReason::Shutdown).await;
    /// let (left, cancellation) = step.next_cancel().await;
    /// assert_eq!((left, cancellation.kind), (subscription, CancelKind::Down));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Like [`next_demand`](Self::next_demand), whose cancel safety also applies.
    #[track_caller]
    pub fn next_cancel(&mut self) -> impl Future<Output = (Subscription, Cancellation)> {
        self.left.next("the end of a consumer's subscription")
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

impl<In: Send + 'static, Out: Send + 'static> ProducerConsumer for ManualStepStage<In, Out> {
    type In = In;
    type Out = Out;

    async fn handle_events(&mut self, events: Events<'_, In>, _out: &mut Emitter<'_, Out>) -> StageResult {
        self.probe.show(events);
        Ok(())
    }

    async fn handle_demand(&mut self, demand: Demand, _out: &mut Emitter<'_, Out>) -> StageResult {
        self.demands.write(demand.get());
        Ok(())
    }

    async fn handle_subscribe(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        _out: &mut Emitter<'_, Out>,
    ) -> Result<Asking, BoxError> {
        if peer == Role::Producer {
            self.probe.show_subscribed(subscription);
        }
        Ok(Asking::Manual)
    }

    async fn handle_cancel(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        cancellation: &Cancellation,
        _out: &mut Emitter<'_, Out>,
    ) -> StageResult {
        match peer {
            Role::Producer => self.probe.show_end(subscription, cancellation),
            Role::Consumer => self.left.write((subscription.clone(), cancellation.clone())),
        }
        Ok(())
    }

    async fn terminate(&mut self, reason: &ExitReason) {
        self.terminated.write(reason.clone());
    }
}

impl<In: Send + 'static, Out: Send + 'static> Cast<Order<Out>> for ManualStepStage<In, Out> {
    type Out = Out;

    async fn handle_cast(&mut self, order: Order<Out>, out: &mut Emitter<'_, Out>) -> StageResult {
        match order {
            Order::Emit(events) => out.extend(events),
            Order::Finish => out.finish(),
            Order::Fail(error) => return Err(error),
            Order::Panic(message) => panic!("{message}"),
        }
        Ok(())
    }
}

impl<In, Out> Deref for ManualStep<In, Out> {
    type Target = Observed<In>;

    fn deref(&self) -> &Observed<In> {
        &self.seen
    }
}

impl<In, Out> DerefMut for ManualStep<In, Out> {
    fn deref_mut(&mut self) -> &mut Observed<In> {
        &mut self.seen
    }
}
