//! The loops of stages that contain their source: one delivers the output of its fused steps to subscribers,
//! the other also contains the sink and needs no subscription at all.
//!
//! ```text
//!   run_fused_source:     source ▶ steps ▶ outlet    asked for the demand of the subscribers
//!   run_fused_pipeline:   source ▶ steps ▶ sink      asked for `max − min` events, again and again; the window may be tuned
//! ```
//!
//! A source that emits fewer events than asked for and has not finished still owes the rest, as any source
//! does. It is asked only for demand that is not outstanding yet; if there is none, the stage parks.

use std::future::Future;
use std::marker::PhantomData;

use super::assemble::AssembledStage;
use super::attend::attend;
use super::kind::Kind;
use super::life::live;
use super::no_input::NoInput;
use super::no_output::NoOutput;
use super::outlet::Outlet;
use super::sides::Output;
use super::stage_loop::{StageLoop, run_callback, turn};
use crate::base::error::{BoxError, ExitReason, StageResult};
use crate::base::future::BoxFuture;
use crate::base::options::DiscardLog;
use crate::base::stats::Short;
use crate::stage::{Context, Emitter, Init, Nothing, Producer, ProducerConsumer, SourceThen};
use crate::sync::Arc;
use crate::wire::signal::WantsCredit;
use crate::wire::subscription::{Asking, Cancellation, Role, Subscription};

/// A stage that begins with a source, with an output side of type `O`.
pub(crate) struct ProducingFused<P: Producer, S, O>(SourceThen<P, S>, PhantomData<fn() -> O>);

impl<P: Producer, S, O> ProducingFused<P, S, O> {
    fn new(stage: SourceThen<P, S>) -> Self {
        Self(stage, PhantomData)
    }
}

impl<P, S, O> Kind for ProducingFused<P, S, O>
where
    P: Producer,
    S: ProducerConsumer<In = P::Event>,
    O: FusedOutput<Event = S::Out>,
{
    type Stage = SourceThen<P, S>;
    type In = Nothing;
    type Out = S::Out;
    type Input = NoInput;
    type Output = O;

    const IS_SOURCE: bool = true;
    const STARTS_OVER: bool = P::STARTS_OVER;

    fn stage(&mut self) -> &mut SourceThen<P, S> {
        &mut self.0
    }

    fn init(&mut self, cx: &mut Context<'_>) -> impl Future<Output = Result<Init, BoxError>> + Send {
        self.0.init(cx)
    }

    fn subscribed(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        out: &mut Emitter<'_, S::Out>,
    ) -> impl Future<Output = Result<Asking, BoxError>> + Send {
        self.0.last().handle_subscribe(peer, subscription, out)
    }

    fn cancelled(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        cancellation: &Cancellation,
        out: &mut Emitter<'_, S::Out>,
    ) -> impl Future<Output = StageResult> + Send {
        self.0.last().handle_cancel(peer, subscription, cancellation, out)
    }

    fn terminate(&mut self, reason: &ExitReason) -> impl Future<Output = ()> + Send {
        self.0.terminate(reason)
    }

    fn discarded(&mut self, events: usize) -> DiscardLog {
        self.0.discarded(events)
    }

    fn work(stage_loop: &mut StageLoop<Self>) -> impl Future<Output = Result<ExitReason, ExitReason>> + Send {
        O::work(stage_loop)
    }
}

/// An output side of a stage that begins with a source.
pub(crate) trait FusedOutput: Output + Sized + 'static {
    /// Works until the stage has a reason to end.
    fn work<P, S>(
        stage_loop: &mut StageLoop<ProducingFused<P, S, Self>>,
    ) -> impl Future<Output = Result<ExitReason, ExitReason>> + Send
    where
        P: Producer,
        S: ProducerConsumer<In = P::Event, Out = Self::Event>;
}

impl<E: Send + 'static> FusedOutput for Outlet<E> {
    fn work<P, S>(
        stage_loop: &mut StageLoop<ProducingFused<P, S, Self>>,
    ) -> impl Future<Output = Result<ExitReason, ExitReason>> + Send
    where
        P: Producer,
        S: ProducerConsumer<In = P::Event, Out = E>,
    {
        produce_fused(stage_loop)
    }
}

impl FusedOutput for NoOutput {
    fn work<P, S>(
        stage_loop: &mut StageLoop<ProducingFused<P, S, Self>>,
    ) -> impl Future<Output = Result<ExitReason, ExitReason>> + Send
    where
        P: Producer,
        S: ProducerConsumer<In = P::Event, Out = Nothing>,
    {
        consume_fused(stage_loop)
    }
}

/// Number of batches handled in one callback if callbacks are short: the work between two callbacks costs as
/// much as handling a few hundred numbers.
const ROUNDS: usize = 8;

/// Runs a callback that may fail while it holds events. (A macro for the same reason as `run_callback`.)
macro_rules! run_holding {
    ($stage_loop:ident, |$kind:ident, $out:ident| $callback:expr) => {{
        let result = run_callback!(result of $stage_loop, |$kind, $out| $callback);
        $stage_loop.io.inlet.hold($stage_loop.kind.0.in_hand());
        $stage_loop.emit(result)?;
    }};
}

/// Runs a source with its fused steps until it ends; returns the reason.
pub(crate) fn run_fused_source<P, S>(
    assembled: AssembledStage<SourceThen<P, S>, S::Out>,
) -> BoxFuture<'static, ExitReason>
where
    P: Producer,
    S: ProducerConsumer<In = P::Event>,
{
    live(assembled, ProducingFused::<_, _, Outlet<S::Out>>::new)
}

async fn produce_fused<P, S>(
    stage_loop: &mut StageLoop<ProducingFused<P, S, Outlet<S::Out>>>,
) -> Result<ExitReason, ExitReason>
where
    P: Producer,
    S: ProducerConsumer<In = P::Event>,
{
    let mut told = false;
    stage_loop.io.outlet.ignore_demand();
    run_callback!(stage_loop, |kind, out| kind.0.begin(usize::MAX, out))?;
    loop {
        turn!(stage_loop);
        if stage_loop.io.outlet.has_had_enough() {
            return Ok(ExitReason::Normal);
        }
        if stage_loop.state.finished || told {
            if stage_loop.is_done() && !stage_loop.state.holds.any() {
                return Ok(ExitReason::Normal);
            }
        } else if stage_loop.kind.0.has_ended() || stage_loop.io.inbox.is_draining() {
            told = true;
            run_callback!(stage_loop, |kind, out| kind.0.end(out))?;
            continue;
        } else if !stage_loop.io.orders.paused
            && let Some(demand) = stage_loop.kind.0.missing(stage_loop.io.outlet.wanted())
        {
            stage_loop.begin_batch(demand.get());
            run_holding!(stage_loop, |kind, out| kind.0.round(demand, out));
            stage_loop.end_batch();
            // A source has no input to count as handled.
            stage_loop.kind.0.take_handled();
            continue;
        }
        stage_loop.park(WantsCredit::Yes).await;
    }
}

/// Runs a whole pipeline in one stage until it ends; returns the reason.
pub(crate) fn run_fused_pipeline<P, S>(
    assembled: AssembledStage<SourceThen<P, S>, Nothing>,
) -> BoxFuture<'static, ExitReason>
where
    P: Producer,
    S: ProducerConsumer<In = P::Event, Out = Nothing>,
{
    live(assembled, ProducingFused::<_, _, NoOutput>::new)
}

async fn consume_fused<P, S>(
    stage_loop: &mut StageLoop<ProducingFused<P, S, NoOutput>>,
) -> Result<ExitReason, ExitReason>
where
    P: Producer,
    S: ProducerConsumer<In = P::Event, Out = Nothing>,
{
    let mut chunk = stage_loop.io.inlet.begin_tuning().chunk();
    let signal = Arc::clone(stage_loop.io.inbox.mailbox.signal());
    let (mut told, mut short) = (false, Short::default());
    run_callback!(stage_loop, |kind, out| kind.0.begin(chunk, out))?;
    loop {
        turn!(stage_loop);
        if stage_loop.state.finished || told {
            if !stage_loop.state.holds.any() {
                return Ok(ExitReason::Normal);
            }
        } else if stage_loop.kind.0.has_ended() || stage_loop.io.inbox.is_draining() {
            told = true;
            run_callback!(stage_loop, |kind, out| kind.0.end(out))?;
            continue;
        } else if !stage_loop.io.orders.paused && stage_loop.kind.0.missing(chunk).is_some() {
            let rounds = if short.proved() { ROUNDS } else { 1 };
            stage_loop.state.counters.hold(chunk, 0);
            short.start();
            run_holding!(stage_loop, |kind, out| kind.0.rounds(rounds, chunk, &signal, out));
            short.stop();
            let next = stage_loop.io.inlet.tune().chunk();
            if next != chunk {
                chunk = next;
                stage_loop.kind.0.set_chunk(chunk);
            }
            continue;
        }
        stage_loop.park(WantsCredit::No).await;
    }
}
