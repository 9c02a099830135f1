//! The loop of one stage: a plain future, spawned in one place (`runtime/placement.rs`).
//!
//! Every turn takes in new arrivals, then runs at most one callback for events or demand. An idle stage parks
//! until its signal is marked; a stage that is never idle yields to other tasks now and then.

use tokio::sync::oneshot;

use super::assemble::AssembledStage;
use super::attend::{attend, attend_inline};
use super::inlet::{Appetite, Received};
use super::kind::{Consuming, Kind, Producing, Transforming};
use super::stage_loop::{StageLoop, gone, run_callback, turn};
use crate::base::error::{BoxError, ExitReason};
use crate::base::options::Pace;
use crate::base::stats::StageState;
use crate::stage::{Consumer, Context, Emitter, Events, Init, Nothing, Producer, ProducerConsumer, is_used};
use crate::sync::Arc;
use crate::wire::signal::WantsCredit;

/// The start handshake of a stage: it reports the result of its `init`, and waits until the other stages are
/// up too.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) up: oneshot::Sender<Init>,
    pub(crate) go: oneshot::Receiver<()>,
}

/// Handles the outcome of `init`: waits until all other stages are up, or returns the reason to end.
pub(super) async fn begin(
    init: Result<Result<Init, BoxError>, ExitReason>,
    Ready { up, go }: Ready,
) -> Result<(), ExitReason> {
    let init = init?.map_err(ExitReason::from)?;
    // If the pipeline was given up, the receiver is gone and `go` is never sent.
    let _ = up.send(init);
    match init {
        Init::Ready => go.await.map_err(|_| ExitReason::Shutdown),
        Init::Declined => Err(ExitReason::Normal),
    }
}

/// Ends a stage: calls `terminate` unless it panicked, then closes its subscriptions.
macro_rules! end_stage {
    ($stage_loop:ident, $reason:expr) => {{
        let mut reason = $reason;
        if !matches!(reason, ExitReason::Panicked(_))
            && let Err(panicked) = $stage_loop.give_back()
        {
            reason = panicked;
        }
        if let Err(panicked) = $stage_loop.hand_over(&reason) {
            reason = panicked;
        }
        if !matches!(reason, ExitReason::Panicked(_)) {
            let kind = &mut $stage_loop.kind;
            let given = reason.clone();
            let timekeeper = &mut $stage_loop.timekeeper;
            let ended = attend(
                std::pin::pin!(async { kind.terminate(&given).await }),
                &tracing::Span::none(),
                timekeeper,
                &mut |_| StageState::Waiting,
            )
            .await;
            if let Err(panicked) = ended {
                reason = panicked;
            }
            $stage_loop.answer();
        }
        $stage_loop.close(reason)
    }};
}
pub(super) use end_stage;

/// Runs the callback for one batch; its emptied buffer returns to the producer.
macro_rules! handle_batch {
    ($stage_loop:expr, $slot:expr, |$kind:ident, $events:ident, $out:ident| $callback:expr) => {{
        $stage_loop.begin_batch($stage_loop.batch.len());
        $stage_loop.remember_sender($slot);
        debug_assert!($stage_loop.from.is_some(), "a batch comes by a subscription that stands");
        run_callback!(batch of $stage_loop, |$kind, $events, $out| $callback)?;
        $stage_loop.end_batch();
        let events = std::mem::take(&mut $stage_loop.batch);
        $stage_loop.io.inlet.handled($slot, events);
    }};
}

/// Runs a stage from its `init` to its end. (A macro for the same reason as `run_callback`.)
macro_rules! run_stage {
    ($kind:expr, $assembled:ident, $work:ident) => {{
        let AssembledStage { stage, state, inbox, input, output, ready } = $assembled;
        let mailbox = Arc::clone(&inbox.mailbox);
        let life = async {
            let mut stage_loop = StageLoop::new($kind(stage), state, inbox, input, output);
            let StageLoop { kind, state, timekeeper, .. } = &mut stage_loop;
            let init = attend(
                std::pin::pin!(async { kind.init(&mut Context { state }).await }),
                &tracing::Span::none(),
                timekeeper,
                &mut |_| StageState::Waiting,
            )
            .await;
            timekeeper.rest(StageState::Starved);
            let begun = begin(init, ready).await;
            stage_loop.timekeeper.work();
            let reason = match begun {
                Ok(()) => $work(&mut stage_loop).await.unwrap_or_else(|reason| reason),
                Err(reason) => reason,
            };
            end_stage!(stage_loop, reason)
        };
        mailbox.run(life).await
    }};
}
pub(super) use run_stage;

/// Runs a producer until it ends; returns the reason.
pub(crate) async fn run_producer<P: Producer>(assembled: AssembledStage<P, Nothing, P::Event>) -> ExitReason {
    run_stage!(Producing, assembled, produce)
}

async fn produce<P: Producer>(stage_loop: &mut StageLoop<Producing<P>>) -> Result<ExitReason, ExitReason> {
    loop {
        turn!(stage_loop);
        if stage_loop.io.outlet.has_had_enough() {
            return Ok(ExitReason::Normal);
        }
        if stage_loop.state.finished || stage_loop.io.inbox.is_draining() {
            if stage_loop.is_done() {
                return Ok(ExitReason::Normal);
            }
        } else if !stage_loop.io.orders.paused
            && let Some(demand) = stage_loop.io.outlet.next_demand()
        {
            stage_loop.begin_batch(demand.get());
            run_callback!(stage_loop, |kind, out| kind.0.handle_demand(demand, out))?;
            stage_loop.end_batch();
            continue;
        }
        stage_loop.park(WantsCredit::Yes).await;
    }
}

/// Runs a producer-consumer until it ends; returns the reason.
pub(crate) async fn run_producer_consumer<S: ProducerConsumer>(
    assembled: AssembledStage<S, S::In, S::Out>,
) -> ExitReason {
    run_stage!(Transforming, assembled, transform)
}

/// Handles batches while there is demand; a message that was begun is handled completely (spec §12).
async fn transform<S: ProducerConsumer>(
    stage_loop: &mut StageLoop<Transforming<S>>,
) -> Result<ExitReason, ExitReason> {
    stage_loop.io.inlet.open();
    let pace = stage_loop.state.pace;
    let mut begun = false;
    let mut ending = None;
    loop {
        turn!(stage_loop);
        if stage_loop.io.outlet.tells_demand()
            && let Some(demand) = stage_loop.io.outlet.all_demand()
        {
            let mut used = true;
            run_callback!(stage_loop, |kind, out| {
                let hook = kind.0.handle_demand(demand, out);
                used = is_used(&hook);
                hook
            })?;
            if !used {
                stage_loop.io.outlet.ignore_demand();
            }
            continue;
        }
        if stage_loop.io.outlet.has_had_enough() {
            return Ok(ExitReason::Normal);
        }
        if stage_loop.state.finished || stage_loop.io.inlet.has_ended() {
            ending.get_or_insert(ExitReason::Normal);
        } else if stage_loop.io.inlet.has_left() {
            ending.get_or_insert(ExitReason::Shutdown);
        }
        if let Some(reason) = &ending {
            if stage_loop.is_done() && !stage_loop.state.holds.any() {
                return Ok(reason.clone());
            }
            stage_loop.park(WantsCredit::Yes).await;
            continue;
        }
        let wanted =
            S::AHEAD_OF_DEMAND || (begun && pace == Pace::Message) || stage_loop.io.outlet.wanted() > 0;
        let appetite = if wanted { Appetite::All } else { Appetite::Ends };
        match stage_loop.io.inlet.receive(appetite, &mut stage_loop.batch) {
            Received::Batch { slot, more } => {
                begun = more;
                handle_batch!(stage_loop, slot, |kind, events, out| kind.0.handle_events(events, out));
            }
            Received::Lost(lost) => ending = gone(stage_loop, lost).await?,
            Received::Progress => stage_loop.hear_progress(),
            Received::Nothing => {
                begun = false;
                stage_loop.park(stage_loop.io.wants_credit()).await;
            }
        }
    }
}

/// Runs a consumer until it ends; returns the reason.
pub(crate) async fn run_consumer<C: Consumer>(assembled: AssembledStage<C, C::Event, Nothing>) -> ExitReason {
    run_stage!(Consuming, assembled, consume)
}

async fn consume<C: Consumer>(stage_loop: &mut StageLoop<Consuming<C>>) -> Result<ExitReason, ExitReason> {
    stage_loop.io.inlet.open();
    let mut ending = None;
    loop {
        turn!(stage_loop);
        if stage_loop.state.finished || stage_loop.io.inlet.has_ended() {
            ending.get_or_insert(ExitReason::Normal);
        } else if stage_loop.io.inlet.has_left() {
            ending.get_or_insert(ExitReason::Shutdown);
        }
        if let Some(reason) = &ending {
            if !stage_loop.state.holds.any() {
                return Ok(reason.clone());
            }
            stage_loop.park(WantsCredit::No).await;
            continue;
        }
        match stage_loop.io.inlet.receive(Appetite::All, &mut stage_loop.batch) {
            Received::Batch { slot, .. } => {
                handle_batch!(stage_loop, slot, |kind, events, out| kind
                    .0
                    .handle_events(events, &mut Context { state: &mut *out.state }));
            }
            Received::Lost(lost) => ending = gone(stage_loop, lost).await?,
            Received::Progress => stage_loop.hear_progress(),
            Received::Nothing => stage_loop.park(WantsCredit::No).await,
        }
    }
}
