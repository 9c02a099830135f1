//! The trait of a stage that produces events.

use std::future::{Future, ready};

use super::{Context, Emitter, Init};
use crate::base::error::{BoxError, ExitReason, StageResult};
use crate::base::options::DiscardLog;
use crate::credit::demand::Demand;
use crate::wire::subscription::{Cancellation, Subscription};

/// Produces events on demand.
///
/// ```
/// use stage_core::{Demand, Emitter, Producer, StageResult};
///
/// /// Counts upwards from a number.
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
/// ```
///
/// The other callbacks are optional. This source keeps what was not delivered:
///
/// ```
/// use std::sync::mpsc::Sender;
///
/// use stage_core::spawn::{DiscardLog, StageOptions, producer};
/// use stage_core::subscribe::{Cancellation, Subscription};
/// use stage_core::testing::ManualConsumer;
/// use stage_core::{BoxError, Context, Demand, Emitter, ExitReason, Init, Producer, StageResult, SubscribeOptions};
///
/// struct Lines {
///     kept: Sender<&'static str>,
///     subscribers: usize,
/// }
///
/// impl Producer for Lines {
///     type Event = &'static str;
///
///     const SINGLE: bool = true;
///
///     async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
///         println!("{} opens its file", cx.name());
///         Ok(Init::Ready)
///     }
///
///     async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, Self::Event>) -> StageResult {
///         out.extend(["one", "two", "three"]);
///         Ok(())
///     }
///
///     async fn handle_subscribe(&mut self, _: &Subscription, _: &mut Emitter<'_, Self::Event>) -> StageResult {
///         self.subscribers += 1;
///         Ok(())
///     }
///
///     async fn handle_cancel(
///         &mut self,
///         _: &Subscription,
///         _: &Cancellation,
///         out: &mut Emitter<'_, Self::Event>,
///     ) -> StageResult {
///         self.subscribers -= 1;
///         if self.subscribers == 0 {
///             out.finish();
///         }
///         Ok(())
///     }
///
///     fn handle_discarded(&mut self, events: usize) -> DiscardLog {
///         println!("{events} lines are lost");
///         DiscardLog::Silent
///     }
///
///     fn take_back(&mut self, events: Vec<Self::Event>) -> Vec<Self::Event> {
///         // Those whose receiver is gone are discarded.
///         events.into_iter().filter(|line| self.kept.send(line).is_err()).collect()
///     }
///
///     async fn terminate(&mut self, reason: &ExitReason) {
///         println!("the file is closed: the source {reason}");
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), BoxError> {
/// let (kept, lines) = std::sync::mpsc::channel();
/// let source = producer(Lines { kept, subscribers: 0 }, StageOptions::named("lines")).await?;
/// let mut consumer = ManualConsumer::spawn("consumer").await;
/// consumer.subscribe(&source.producer(), SubscribeOptions::new()).await?;
/// consumer.ask(1);
/// assert_eq!(consumer.next_batch().await, ["one"]);
/// source.stop(ExitReason::Shutdown).await;
/// assert_eq!(lines.iter().collect::<Vec<_>>(), ["two", "three"]);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot start a pipeline: it is not a `Producer`",
    label = "not a `Producer`",
    note = "implement `stage_core::Producer` for it, or start from a closure that returns an iterator",
    note = "a channel or a stream becomes a source by `source::from_channel(receiver)` or `source::from_stream(stream)`",
    note = "a connector becomes a source by `stage_connect::source::pulled(connector, PullOptions::new())`, and a queue of stage-sqlite by its `source()`",
    note = "a recipe that returns a `Result` ends in `?`"
)]
pub trait Producer: Send + 'static {
    /// The type of the events it emits.
    type Event: Send + 'static;

    /// Whether only one copy of it is allowed, because a second would emit the same events again. A step with
    /// such a producer refuses a count above 1.
    const SINGLE: bool = false;

    /// Whether a restarted copy usually emits its first events again. A lint of
    /// [`watch`](crate::watch::Lint::StartsOver) then reports restarts.
    const STARTS_OVER: bool = false;

    /// Runs before any other callback, at the start and after each restart; a pipeline starts only once every
    /// stage is initialised.
    ///
    /// A source that cannot reach its service returns an error. At the first start,
    /// [`Pipeline::start`](crate::Pipeline::start) returns that error, unless
    /// [`retry_init`](crate::pipeline::PipelineBuilder::retry_init) is set. At a restart, `init` runs again, without
    /// limit, after a delay from 100 ms to 10 s or as set by [`backoff`](crate::pipeline::PipelineBuilder::backoff),
    /// while the rest of the pipeline is unaffected. A [`Fatal`](crate::Fatal) error ends the pipeline.
    ///
    /// An error of a later callback counts as a restart: with the default
    /// [`Intensity`](crate::Intensity), the fourth within 5 seconds ends the pipeline, which takes a source without a
    /// [`backoff`](crate::pipeline::PipelineBuilder::backoff) some 50 ms while its service is away. So a source waits
    /// for its service itself, in `init` or in `handle_demand`, with a [`Backoff`](crate::Backoff) and beside
    /// [`draining`](Emitter::draining), or its pipeline sets `backoff`.
    fn init(&mut self, cx: &mut Context<'_>) -> impl Future<Output = Result<Init, BoxError>> + Send {
        let _ = cx;
        ready(Ok(Init::Ready))
    }

    /// Handles a demand: subscribers want `demand` more events than are available.
    ///
    /// Demand is announced once: a producer that emits fewer events must remember the rest, and emit them
    /// later. It may wait here until it has them; meanwhile, the engine handles asks, cancellations,
    /// subscriptions and drains, and other callbacks wait. Events beyond the demand are buffered.
    ///
    /// Demand that arrives during a wait is announced by the next call, and is part of [`Emitter::demand`] at once. So
    /// a source that waits for its service may ask it for as many events as `out.demand()` returns; it must then
    /// subtract those that it delivered from the demand of the next call.
    fn handle_demand(
        &mut self,
        demand: Demand,
        out: &mut Emitter<'_, Self::Event>,
    ) -> impl Future<Output = StageResult> + Send;

    /// Called when a consumer has subscribed.
    fn handle_subscribe(
        &mut self,
        subscription: &Subscription,
        out: &mut Emitter<'_, Self::Event>,
    ) -> impl Future<Output = StageResult> + Send {
        let _ = (subscription, out);
        ready(Ok(()))
    }

    /// Called when the subscription of a consumer has ended.
    fn handle_cancel(
        &mut self,
        subscription: &Subscription,
        cancellation: &Cancellation,
        out: &mut Emitter<'_, Self::Event>,
    ) -> impl Future<Output = StageResult> + Send {
        let _ = (subscription, cancellation, out);
        ready(Ok(()))
    }

    /// Called after the callback that emitted them if `events` events were discarded, because the buffer was
    /// full or no subscriber accepts them. Returns whether a warning is logged as well. They are counted in
    /// any case.
    fn handle_discarded(&mut self, events: usize) -> DiscardLog {
        let _ = events;
        DiscardLog::Warn
    }

    /// Receives the undelivered events of this stage when it ends, before `terminate`: those in its buffer
    /// and its dispatcher, and those left by consumers that ended before it. They are in an order in which
    /// they could be emitted again; with a dispatcher by key or tenant, in order within each. Returns the
    /// events it does not keep, which are counted as discarded. Default: all.
    ///
    /// A source that outlives its stage, such as [`PushQueue`](crate::source::PushQueue), keeps them for the next
    /// run. Not called if the stage panicked or was cut off, nor, with a broadcast, for events that some
    /// branch may have received.
    fn take_back(&mut self, events: Vec<Self::Event>) -> Vec<Self::Event> {
        events
    }

    /// Runs when the stage ends, unless it panicked or was cut off.
    fn terminate(&mut self, reason: &ExitReason) -> impl Future<Output = ()> + Send {
        let _ = reason;
        ready(())
    }
}
