//! The loops of stages that contain their source: one delivers the output of its fused steps to subscribers,
//! the other also contains the sink and needs no subscription at all.
//!
//! ```text
//!   fused_source:   source ▶ steps ▶ outlet      asked for what the subscribers want
//!   whole:          source ▶ steps ▶ sink        asked for `max − min` events, again and again
//! ```
//!
//! A source that emits fewer events than asked for and has not finished still owes the rest, as any source
//! does. It is asked only for demand that is not outstanding yet; if there is none, the stage parks.

use super::attend::attend;
use super::body::{Body, run, turn};
use super::inlet::Inlet;
use super::kind::Kind;
use super::outlet::Outlet;
use super::port::Port;
use super::run::{Ready, begin, end, live};
use crate::base::error::{BoxError, ExitReason, StageResult};
use crate::base::options::DiscardLog;
use crate::base::stats::{Short, StageState};
use crate::stage::{Context, Core, Emitter, Init, Nothing, Producer, ProducerConsumer, SourceThen};
use crate::sync::Arc;
use crate::wire::signal::WantsCredit;
use crate::wire::subscription::{Asking, Cancellation, Role, Subscription};

/// A stage that begins with a source.
pub(crate) struct Feeding<P: Producer, S>(SourceThen<P, S>);

impl<P, S> Kind for Feeding<P, S>
where
    P: Producer,
    S: ProducerConsumer<In = P::Event>,
{
    type Stage = SourceThen<P, S>;
    type In = Nothing;
    type Out = S::Out;

    const IS_SOURCE: bool = true;

    fn stage(&mut self) -> &mut SourceThen<P, S> {
        &mut self.0
    }

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.0.init(cx).await
    }

    async fn subscribed(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        out: &mut Emitter<'_, S::Out>,
    ) -> Result<Asking, BoxError> {
        self.0.last().handle_subscribe(peer, subscription, out).await
    }

    async fn cancelled(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        cancellation: &Cancellation,
        out: &mut Emitter<'_, S::Out>,
    ) -> StageResult {
        self.0.last().handle_cancel(peer, subscription, cancellation, out).await
    }

    fn discarded(&mut self, events: usize) -> DiscardLog {
        self.0.discarded(events)
    }

    async fn terminate(&mut self, reason: &ExitReason) {
        self.0.terminate(reason).await;
    }
}

/// Number of batches handled in one callback if callbacks are short: the work between two callbacks costs as
/// much as handling a few hundred numbers.
const ROUNDS: usize = 8;

/// Runs a callback that may fail while it holds events. (A macro for the same reason as `run`.)
macro_rules! feed {
    ($body:ident, |$kind:ident, $out:ident| $callback:expr) => {{
        let result = run!(result of $body, |$kind, $out| $callback);
        $body.hands.inlet.hold($body.kind.0.in_hand());
        $body.emit(result)?;
    }};
}

/// Runs a source with its fused steps until it ends; returns the reason.
pub(crate) async fn fused_source<P, S>(
    stage: SourceThen<P, S>,
    core: Core,
    port: Port<SourceThen<P, S>, Nothing, S::Out>,
    inlet: Inlet<Nothing>,
    outlet: Outlet<S::Out>,
    ready: Ready,
) -> ExitReason
where
    P: Producer,
    S: ProducerConsumer<In = P::Event>,
{
    live!(Feeding(stage), core, port, inlet, outlet, ready, feed)
}

async fn feed<P, S>(body: &mut Body<Feeding<P, S>>) -> Result<ExitReason, ExitReason>
where
    P: Producer,
    S: ProducerConsumer<In = P::Event>,
{
    let mut told = false;
    body.hands.outlet.ignore_demand();
    run!(body, |kind, out| kind.0.begin(usize::MAX, out))?;
    loop {
        turn!(body);
        if body.hands.outlet.has_had_enough() {
            return Ok(ExitReason::Normal);
        }
        if body.core.finished || told {
            if body.is_done() && !body.core.holds.any() {
                return Ok(ExitReason::Normal);
            }
        } else if body.kind.0.has_ended() || body.hands.port.is_draining() {
            told = true;
            run!(body, |kind, out| kind.0.end(out))?;
            continue;
        } else if let Some(demand) = body.kind.0.missing(body.hands.outlet.wanted()) {
            body.core.begin_batch(demand.get());
            feed!(body, |kind, out| kind.0.round(demand, out));
            // A source has no input to count as handled.
            body.kind.0.take_handled();
            continue;
        }
        body.park(WantsCredit::Yes).await;
    }
}

/// Runs a whole pipeline in one stage until it ends; returns the reason.
pub(crate) async fn whole<P, S>(
    stage: SourceThen<P, S>,
    core: Core,
    port: Port<SourceThen<P, S>, Nothing, Nothing>,
    inlet: Inlet<Nothing>,
    outlet: Outlet<Nothing>,
    ready: Ready,
) -> ExitReason
where
    P: Producer,
    S: ProducerConsumer<In = P::Event, Out = Nothing>,
{
    live!(Feeding(stage), core, port, inlet, outlet, ready, circulate)
}

async fn circulate<P, S>(body: &mut Body<Feeding<P, S>>) -> Result<ExitReason, ExitReason>
where
    P: Producer,
    S: ProducerConsumer<In = P::Event, Out = Nothing>,
{
    let chunk = body.hands.inlet.window().chunk();
    let signal = Arc::clone(body.hands.port.mailbox.signal());
    let (mut told, mut short) = (false, Short::default());
    run!(body, |kind, out| kind.0.begin(chunk, out))?;
    loop {
        turn!(body);
        if body.core.finished || told {
            if !body.core.holds.any() {
                return Ok(ExitReason::Normal);
            }
        } else if body.kind.0.has_ended() || body.hands.port.is_draining() {
            told = true;
            run!(body, |kind, out| kind.0.end(out))?;
            continue;
        } else if body.kind.0.missing(chunk).is_some() {
            let rounds = if short.proved() { ROUNDS } else { 1 };
            body.core.counters.hold(chunk, 0);
            short.start();
            feed!(body, |kind, out| kind.0.rounds(rounds, chunk, &signal, out));
            short.stop();
            continue;
        }
        body.park(WantsCredit::No).await;
    }
}
