//! The task of a stage, which its neighbours' tasks can poll too.
//!
//! Waking another worker and moving a batch to its cache costs more than a quick callback. Therefore the task
//! of the neighbour that wakes a quick stage polls it, unless the neighbour is slow:
//!
//! ```text
//!   quick, and woken for events by a neighbour whose polls are short ─▶ the neighbour's queue, on the same worker
//!   quick, and woken for credit by a quick neighbour ─▶ the same
//!   else (slow; or woken by a timer, a socket, a slow stage) ─▶ its own task: the runtime finds a worker for it
//! ```
//!
//! Polls are measured: on average, quick ones take less than 3 µs, short ones less than 30 µs. A new stage
//! does not count as quick. Thus slow stages keep a worker each, and no stage waits long behind a neighbour.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use async_task::{Builder, WithInfo};
use tokio::runtime::Handle;
use tokio::task::coop::has_budget_remaining;
use tokio::task::yield_now;

use super::local_queue::{QueueRun, schedule};
use super::poll_state::{PollState, Runnable};
use crate::base::error::ExitReason;
use crate::base::future::BoxFuture;
use crate::base::stats::Counters;
use crate::sync::Arc;
use crate::wire::signal::Signal;

/// The task of a stage.
pub(crate) struct StageTask {
    state: Arc<PollState>,
    /// `None` once it is aborted.
    stage: Option<async_task::Task<ExitReason, Arc<PollState>>>,
    cut_off: Option<BoxFuture<'static, Option<ExitReason>>>,
    /// Stages left from a run of the queue that yielded.
    rest: VecDeque<Runnable>,
}

/// Creates the task for `stage`, to be spawned on the current runtime, and the state that they share.
pub(crate) fn stage_task(
    stage: impl Future<Output = ExitReason> + Send + 'static,
    signal: &Arc<Signal>,
    counters: &Arc<Counters>,
) -> (StageTask, Arc<PollState>) {
    let poll_state = PollState::on(Handle::current().id(), signal, Arc::clone(counters));
    let builder = Builder::new().propagate_panic(true).metadata(Arc::clone(&poll_state));
    let (runnable, task) = builder.spawn(|_| stage, WithInfo(schedule));
    runnable.schedule();
    let rest = VecDeque::new();
    (StageTask { state: Arc::clone(&poll_state), stage: Some(task), cut_off: None, rest }, poll_state)
}

impl StageTask {
    /// Runs the queue of ready stages; returns whether any stage is left.
    fn run_queue(&mut self) -> bool {
        self.rest.extend(self.state.receive());
        if !self.rest.is_empty()
            && let Some(run) = QueueRun::begin(self.state.runtime(), &mut self.rest)
        {
            run.run(&mut self.rest);
        }
        !self.rest.is_empty()
    }

    fn poll_stage(&mut self, cx: &mut Context<'_>) -> Poll<ExitReason> {
        if let Some(stage) = &mut self.stage {
            return Pin::new(stage).poll(cx);
        }
        let ended = self.cut_off.as_mut().map_or(Poll::Ready(None), |ended| ended.as_mut().poll(cx));
        ended.map(|ended| ended.unwrap_or(ExitReason::Aborted))
    }
}

impl Future for StageTask {
    type Output = ExitReason;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ExitReason> {
        self.state.waker().register(cx.waker());
        if self.state.is_cut_off()
            && let Some(stage) = self.stage.take()
        {
            self.cut_off = Some(Box::pin(stage.cancel()));
        }
        let gives_way = self.run_queue();
        let ended = self.poll_stage(cx);
        if ended.is_pending() && gives_way {
            if has_budget_remaining() {
                // Queues the task behind all others, without waking another worker for it.
                let _ = pin!(yield_now()).poll(cx);
            } else {
                // The run ended early because tokio's budget ran out: the next poll has a new one.
                cx.waker().wake_by_ref();
            }
        }
        ended
    }
}

impl Drop for StageTask {
    fn drop(&mut self) {
        self.state.close();
        self.rest.drain(..).for_each(PollState::send);
    }
}

#[cfg(test)]
mod tests;
