//! The loop of one stage: a plain future, spawned in one place (`runtime/placement.rs`).
//!
//! Every turn takes in new arrivals, then runs at most one callback for events or demand. An idle stage parks
//! until its signal is marked; a stage that is never idle yields to other tasks now and then.

use super::assemble::AssembledStage;
use super::attend::{attend, attend_inline};
use super::inlet::{Appetite, Received};
use super::kind::{Consuming, Producing, Transforming};
use super::life::live;
use super::stage_loop::{StageLoop, gone, run_callback, turn};
use crate::base::error::ExitReason;
use crate::base::future::BoxFuture;
use crate::base::options::Pace;
use crate::stage::{Consumer, Context, Emitter, Events, Nothing, Producer, ProducerConsumer, is_used};
use crate::wire::signal::WantsCredit;

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

/// Runs a producer until it ends; returns the reason.
pub(crate) fn run_producer<P: Producer>(
    assembled: AssembledStage<P, P::Event>,
) -> BoxFuture<'static, ExitReason> {
    live(assembled, Producing)
}

/// Works until the stage has a reason to end.
pub(super) async fn produce<P: Producer>(
    stage_loop: &mut StageLoop<Producing<P>>,
) -> Result<ExitReason, ExitReason> {
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
pub(crate) fn run_producer_consumer<S: ProducerConsumer>(
    assembled: AssembledStage<S, S::Out>,
) -> BoxFuture<'static, ExitReason> {
    live(assembled, Transforming)
}

/// Handles batches while there is demand; a message that was begun is handled completely (spec §12).
pub(super) async fn transform<S: ProducerConsumer>(
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
pub(crate) fn run_consumer<C: Consumer>(
    assembled: AssembledStage<C, Nothing>,
) -> BoxFuture<'static, ExitReason> {
    live(assembled, Consuming)
}

/// Works until the stage has a reason to end.
pub(super) async fn consume<C: Consumer>(
    stage_loop: &mut StageLoop<Consuming<C>>,
) -> Result<ExitReason, ExitReason> {
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
