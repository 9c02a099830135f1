//! Logs the demand that reaches a producer.

use std::future::Future;

use super::log::{Log, Writer, log};
use crate::base::error::{BoxError, ExitReason, StageResult};
use crate::base::options::DiscardLog;
use crate::credit::demand::Demand;
use crate::stage::{Call, Cast, Context, Emitter, Init, Producer, Reply};
use crate::wire::subscription::{Cancellation, Subscription};

/// A log of every demand that reaches a producer. The producer is otherwise unchanged: its callbacks, calls
/// and casts pass through.
///
/// ```
/// use stage_core::spawn::{StageOptions, producer};
/// use stage_core::testing::{DemandLog, ManualConsumer, settle};
/// use stage_core::{Demand, Emitter, Producer, StageResult, SubscribeOptions};
///
/// /// The stage under test: counts upwards.
/// struct Counter(u64);
///
/// impl Producer for Counter {
///     type Event = u64;
///
///     async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
///         let next = self.0 + demand.get() as u64;
///         out.extend(self.0..next);
///         self.0 = next;
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut demands = DemandLog::new();
/// let counter = producer(demands.around(Counter(0)), StageOptions::named("counter")).await?;
/// let mut consumer = ManualConsumer::spawn("consumer").await;
/// consumer.subscribe(&counter.producer(), SubscribeOptions::new()).await?;
/// consumer.ask(7);
/// assert_eq!(demands.next_demand().await, 7);
/// settle().await;
/// assert!(demands.demands().is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct DemandLog {
    recorder: Recorder,
    demands: Log<usize>,
}

/// Wraps producers so that they report to one [`DemandLog`], for use in the recipe of a pipeline.
///
/// ```
/// use stage_core::stage::FromIter;
/// use stage_core::testing::DemandLog;
/// use stage_core::{Pipeline, StepOptions};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut demands = DemandLog::new();
/// let recorder = demands.recorder();
/// let running = Pipeline::builder("sum")
///     .start(StepOptions::named("numbers"), move || Ok(recorder.around(FromIter::new(0..20_u64))))
///     .finish_fn(StepOptions::named("sum").max_demand(10).min_demand(5), |_| ())
///     .start()
///     .await?;
/// assert_eq!((demands.next_demand().await, demands.next_demand().await), (10, 5));
/// running.join().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Recorder {
    demands: Writer<usize>,
}

/// A producer whose demands are logged.
#[derive(Debug)]
pub struct Recorded<P> {
    producer: P,
    demands: Writer<usize>,
}

impl DemandLog {
    /// Creates an empty log.
    pub fn new() -> Self {
        let (writer, demands) = log();
        Self { recorder: Recorder { demands: writer }, demands }
    }

    /// Wraps `producer` so that its demands are logged.
    pub fn around<P>(&self, producer: P) -> Recorded<P> {
        self.recorder.around(producer)
    }

    /// Returns a wrapper for producers made by a recipe.
    pub fn recorder(&self) -> Recorder {
        self.recorder.clone()
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
}

impl Default for DemandLog {
    fn default() -> Self {
        Self::new()
    }
}

impl Recorder {
    /// Wraps `producer` so that its demands are logged.
    pub fn around<P>(&self, producer: P) -> Recorded<P> {
        Recorded { producer, demands: self.demands.clone() }
    }
}

impl<P: Producer> Producer for Recorded<P> {
    type Event = P::Event;

    const SINGLE: bool = P::SINGLE;
    const STARTS_OVER: bool = P::STARTS_OVER;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.producer.init(cx).await
    }

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, P::Event>) -> StageResult {
        self.demands.write(demand.get());
        self.producer.handle_demand(demand, out).await
    }

    async fn handle_subscribe(
        &mut self,
        subscription: &Subscription,
        out: &mut Emitter<'_, P::Event>,
    ) -> StageResult {
        self.producer.handle_subscribe(subscription, out).await
    }

    async fn handle_cancel(
        &mut self,
        subscription: &Subscription,
        cancellation: &Cancellation,
        out: &mut Emitter<'_, P::Event>,
    ) -> StageResult {
        self.producer.handle_cancel(subscription, cancellation, out).await
    }

    fn handle_discarded(&mut self, events: usize) -> DiscardLog {
        self.producer.handle_discarded(events)
    }

    fn take_back(&mut self, events: Vec<P::Event>) -> Vec<P::Event> {
        self.producer.take_back(events)
    }

    async fn terminate(&mut self, reason: &ExitReason) {
        self.producer.terminate(reason).await;
    }
}

impl<P: Call<M>, M: Send + 'static> Call<M> for Recorded<P> {
    type Out = P::Out;
    type Reply = P::Reply;

    async fn handle_call(
        &mut self,
        message: M,
        reply: Reply<P::Reply>,
        out: &mut Emitter<'_, P::Out>,
    ) -> StageResult {
        self.producer.handle_call(message, reply, out).await
    }
}

impl<P: Cast<M>, M: Send + 'static> Cast<M> for Recorded<P> {
    type Out = P::Out;

    async fn handle_cast(&mut self, message: M, out: &mut Emitter<'_, P::Out>) -> StageResult {
        self.producer.handle_cast(message, out).await
    }
}
