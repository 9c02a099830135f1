//! The task of a stage, which can be polled by the tasks of its neighbours too.
//!
//! To wake another worker, and to move a batch to its cache, costs more than a quick callback. So a quick stage is
//! polled by the task of the neighbour that wakes it, unless that one is slow:
//!
//! ```text
//!   quick, and woken for events by a neighbour whose polls are short ─▶ the neighbour's round, on the same worker
//!   quick, and woken for credit by a quick neighbour ─▶ the same
//!   else (slow; or woken by a timer, a socket, a slow stage) ─▶ its own task: the runtime finds a worker for it
//! ```
//!
//! Polls are measured: quick ones take up to 3 µs, short ones up to 30 µs, on average. In the beginning a stage is not
//! quick. Slow stages so keep a worker each, and nobody waits long behind a neighbour.

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
    /// Until it is cut off.
    stage: Option<async_task::Task<ExitReason, Arc<Home>>>,
    cut_off: Option<BoxFuture<'static, Option<ExitReason>>>,
    /// What is left of a round that gave way.
    rest: VecDeque<Runnable>,
}

/// The task for `stage`, to be spawned on the current runtime, and its home.
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
    /// Polls what is to be polled; whether somebody is left.
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
                // Behind all others, and without waking another worker for it.
                let _ = pin!(yield_now()).poll(cx);
            } else {
                // The round ended early, with tokio's budget: the next poll has a new one.
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
