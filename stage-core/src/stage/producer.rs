//! A stage that makes events.

use std::future::{Future, ready};

use super::{Context, Emitter, Init};
use crate::base::error::{BoxError, ExitReason, StageResult};
use crate::base::options::DiscardLog;
use crate::credit::demand::Demand;
use crate::wire::subscription::{Cancellation, Subscription};

/// Makes events when they are asked for.
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
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot start a pipeline: it is not a `Producer`",
    label = "not a `Producer`",
    note = "implement `stage_core::Producer` for it, or start from a closure that returns an iterator",
    note = "a recipe that returns a `Result` ends in `?`"
)]
pub trait Producer: Send + 'static {
    /// What it emits.
    type Event: Send + 'static;

    /// Whether there must be only one copy of it, because two would make the same events twice. A step
    /// with such a producer refuses a count above 1.
    const SINGLE: bool = false;

    /// Runs before anything else, also after each restart; a pipeline starts only when every stage is up.
    ///
    /// A source that cannot reach its service returns an error. At the first start, that is the error of
    /// [`Pipeline::start`](crate::Pipeline::start), unless
    /// [`retry_init`](crate::PipelineBuilder::retry_init) says otherwise; at a restart, `init` runs again after a wait,
    /// from 100 ms to 10 s or as [`backoff`](crate::PipelineBuilder::backoff) says, for as long as it takes, while the
    /// rest of the pipeline is left alone. A [`Fatal`](crate::Fatal) error ends the pipeline.
    fn init(&mut self, cx: &mut Context<'_>) -> impl Future<Output = Result<Init, BoxError>> + Send {
        let _ = cx;
        ready(Ok(Init::Ready))
    }

    /// Subscribers want `demand` more events than are there.
    ///
    /// Demand is announced once: a producer that emits fewer events must remember the rest, and emit it
    /// later. It may wait in here until it has them; asks, cancels, subscriptions and drain are taken in
    /// meanwhile, and other callbacks wait. More events than were asked for are buffered.
    fn handle_demand(
        &mut self,
        demand: Demand,
        out: &mut Emitter<'_, Self::Event>,
    ) -> impl Future<Output = StageResult> + Send;

    /// A consumer has subscribed.
    fn handle_subscribe(
        &mut self,
        subscription: &Subscription,
        out: &mut Emitter<'_, Self::Event>,
    ) -> impl Future<Output = StageResult> + Send {
        let _ = (subscription, out);
        ready(Ok(()))
    }

    /// The subscription of a consumer has ended.
    fn handle_cancel(
        &mut self,
        subscription: &Subscription,
        cancellation: &Cancellation,
        out: &mut Emitter<'_, Self::Event>,
    ) -> impl Future<Output = StageResult> + Send {
        let _ = (subscription, cancellation, out);
        ready(Ok(()))
    }

    /// `events` events of this stage were discarded: its buffer was full, or nobody takes them. Called
    /// after the callback that emitted them; says whether a warning is logged too. They are counted in
    /// any case.
    fn handle_discarded(&mut self, events: usize) -> DiscardLog {
        let _ = events;
        DiscardLog::Warn
    }

    /// Events that this stage emitted and nobody received come back when the stage ends, before `terminate`: what its
    /// buffer and its dispatcher hold, and what consumers left behind that ended before it. They are in an order in
    /// which they could be emitted again; with a dispatcher by key or tenant, in order within each. Returns those that
    /// it does not keep: they are counted as discarded. Default: all.
    ///
    /// A source that outlives its stage, as [`Queue`](crate::source::Queue) does, keeps them for the next run. Not
    /// called when the stage panicked or was cut off, and, with a broadcast, not for events that some branch may have
    /// got.
    fn take_back(&mut self, events: Vec<Self::Event>) -> Vec<Self::Event> {
        events
    }

    /// Runs when the stage ends, unless it panicked or was cut off.
    fn terminate(&mut self, reason: &ExitReason) -> impl Future<Output = ()> + Send {
        let _ = reason;
        ready(())
    }
}
