//! A stage that turns events into others.

use std::future::{Future, ready};

use super::unused::Unused;
use super::{Context, Emitter, Events, Init};
use crate::base::error::{BoxError, ExitReason, StageResult};
use crate::base::options::DiscardLog;
use crate::credit::demand::Demand;
use crate::wire::subscription::{Asking, Cancellation, Role, Subscription};

/// Turns batches of events into others: one to one, to none, to many.
///
/// It takes events in only while its own subscribers want some; what it emits beyond that is buffered.
///
/// ```
/// use stage_core::{Emitter, Events, ProducerConsumer, StageResult};
///
/// struct Double;
///
/// impl ProducerConsumer for Double {
///     type In = u64;
///     type Out = u64;
///
///     async fn handle_events(&mut self, events: Events<'_, u64>, out: &mut Emitter<'_, u64>) -> StageResult {
///         out.extend(events.into_iter().map(|event| event * 2));
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a step: it is not a `ProducerConsumer`",
    label = "not a `ProducerConsumer`",
    note = "implement `stage_core::ProducerConsumer` for it, or write the step as a closure of one event"
)]
pub trait ProducerConsumer: Send + 'static {
    /// What it takes.
    type In: Send + 'static;
    /// What it emits.
    type Out: Send + 'static;

    /// Whether each event it emits is a batch of many that it took. The `max_demand` of a pipeline counts events, so a
    /// step behind such a stage does not inherit it as a number of batches; see
    /// [`StepOptions::max_demand`](crate::StepOptions::max_demand).
    const BATCHES: bool = false;

    /// Runs before anything else, also after each restart; a pipeline starts only when every stage is up.
    fn init(&mut self, cx: &mut Context<'_>) -> impl Future<Output = Result<Init, BoxError>> + Send {
        let _ = cx;
        ready(Ok(Init::Ready))
    }

    /// Handles one batch. More is asked for after it returned.
    fn handle_events(
        &mut self,
        events: Events<'_, Self::In>,
        out: &mut Emitter<'_, Self::Out>,
    ) -> impl Future<Output = StageResult> + Send;

    /// Subscribers want `demand` more events than are there or were announced before. The engine sees to
    /// the demand by itself; a stage that limits or shapes it can ask its producers itself, with
    /// [`Asking::Manual`], for as much as it lets through.
    fn handle_demand(
        &mut self,
        demand: Demand,
        out: &mut Emitter<'_, Self::Out>,
    ) -> impl Future<Output = StageResult> + Send {
        let _ = (demand, out);
        Unused
    }

    /// `peer` is a producer: this stage is about to subscribe to it, and says who asks for events, the
    /// engine or the stage itself by [`Subscription::ask`]. Or `peer` is a consumer: it has subscribed to
    /// this stage, and asks by itself, so that the answer is not looked at.
    fn handle_subscribe(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        out: &mut Emitter<'_, Self::Out>,
    ) -> impl Future<Output = Result<Asking, BoxError>> + Send {
        let _ = (peer, subscription, out);
        ready(Ok(Asking::Automatic))
    }

    /// The subscription to a producer, or of a consumer, has ended. After that of a producer, the stage
    /// does what the subscription's [`CancelMode`](crate::CancelMode) says.
    fn handle_cancel(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        cancellation: &Cancellation,
        out: &mut Emitter<'_, Self::Out>,
    ) -> impl Future<Output = StageResult> + Send {
        let _ = (peer, subscription, cancellation, out);
        ready(Ok(()))
    }

    /// `events` events of this stage were discarded: its buffer was full, or nobody takes them. Called
    /// after the callback that emitted them; says whether a warning is logged too. They are counted in
    /// any case.
    fn handle_discarded(&mut self, events: usize) -> DiscardLog {
        let _ = events;
        DiscardLog::Warn
    }

    /// Runs when the stage ends, unless it panicked or was cut off.
    fn terminate(&mut self, reason: &ExitReason) -> impl Future<Output = ()> + Send {
        let _ = reason;
        ready(())
    }
}
