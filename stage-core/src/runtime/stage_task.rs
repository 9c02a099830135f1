//! The task of a stage, which its neighbours' tasks can poll too.
//!
//! Waking another worker and moving a batch to its cache costs more than a quick callback. Therefore the task
//! of the neighbour that wakes a quick stage polls it, unless the neighbour is slow:
//!
//! ```text
//!   quick, and woken for events by a neighbour whose polls are short ─▶ the neighbour's round, on the same worker
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
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::task::coop::has_budget_remaining;
use tokio::task::yield_now;

use super::local_queue::{Round, schedule};
use super::poll_state::{Home, Runnable};
use crate::base::error::ExitReason;
use crate::base::stats::Counters;
use crate::sync::Arc;

/// The task of a stage.
pub(crate) struct Resident {
    home: Arc<Home>,
    /// `None` once it is aborted.
    stage: Option<async_task::Task<ExitReason, Arc<Home>>>,
    cut_off: Option<BoxFuture<'static, Option<ExitReason>>>,
    /// Stages left from a round that yielded.
    rest: VecDeque<Runnable>,
}

/// Creates the task for `stage`, to be spawned on the current runtime, and the state that they share.
pub(crate) fn resident(
    stage: impl Future<Output = ExitReason> + Send + 'static,
    counters: &Arc<Counters>,
) -> (Resident, Arc<Home>) {
    let home = Home::on(Handle::current().id(), Arc::clone(counters));
    let builder = Builder::new().propagate_panic(true).metadata(Arc::clone(&home));
    let (runnable, task) = builder.spawn(|_| stage, WithInfo(schedule));
    runnable.schedule();
    let rest = VecDeque::new();
    (Resident { home: Arc::clone(&home), stage: Some(task), cut_off: None, rest }, home)
}

impl Resident {
    /// Runs a round of the ready stages; returns whether any stage is left.
    fn round(&mut self) -> bool {
        self.rest.extend(self.home.receive());
        if !self.rest.is_empty()
            && let Some(round) = Round::begin(self.home.runtime(), &mut self.rest)
        {
            round.run(&mut self.rest);
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

impl Future for Resident {
    type Output = ExitReason;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ExitReason> {
        self.home.waker().register(cx.waker());
        if self.home.is_cut_off()
            && let Some(stage) = self.stage.take()
        {
            self.cut_off = Some(Box::pin(stage.cancel()));
        }
        let gives_way = self.round();
        let ended = self.poll_stage(cx);
        if ended.is_pending() && gives_way {
            if has_budget_remaining() {
                // Queues the task behind all others, without waking another worker for it.
                let _ = pin!(yield_now()).poll(cx);
            } else {
                // The round ended early because tokio's budget ran out: the next poll has a new one.
                cx.waker().wake_by_ref();
            }
        }
        ended
    }
}

impl Drop for Resident {
    fn drop(&mut self) {
        self.home.close();
        self.rest.drain(..).for_each(Home::send);
    }
}

#[cfg(test)]
mod tests;
