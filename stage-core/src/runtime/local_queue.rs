//! A worker thread's local run queue: quick stages, woken by stages with short polls, run here back to back.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Instant;

use async_task::ScheduleInfo;
use tokio::runtime::Id;
use tokio::task::coop::has_budget_remaining;

use super::poll_state::{Measure, PollState, Runnable};
use crate::base::stats::{begin_queue_run, end_queue_run};
use crate::sync::Arc;

/// Length of a run of the queue before other tasks get a turn, in nanoseconds, as the sum of the average poll
/// times of its stages.
const LASTS: u64 = 200_000;

/// Minimum that a poll counts for, in nanoseconds.
const LEAST: u64 = 100;

thread_local! {
    static CURRENT: RefCell<LocalQueue> = const { RefCell::new(LocalQueue::new()) };
}

/// The queue of this thread.
///
/// A stage woken for events is polled next, so that events are not delayed behind other stages; one woken for
/// credit is polled when no stage has events left, so that no event waits for the production of more. Adding
/// a stage takes constant time, since a stage may wake thousands of others in one poll.
struct LocalQueue {
    /// The runtime that this worker belongs to; `None` while the queue does not run.
    runtime: Option<Id>,
    /// Whether the polls of the current stage are quick, and whether they are at least short.
    quick: bool,
    short: bool,
    /// Stages left over from the last run, or that begin this one.
    first: VecDeque<Runnable>,
    /// Stages that the current stage woke for events, in the order in which it woke them.
    woken: Vec<Runnable>,
    /// A stack of the stages that earlier stages woke for events: the last entry is polled next.
    next: Vec<Runnable>,
    /// Stages woken for credit, in order.
    credited: VecDeque<Runnable>,
}

impl LocalQueue {
    const fn new() -> Self {
        Self {
            runtime: None,
            quick: false,
            short: false,
            first: VecDeque::new(),
            woken: Vec::new(),
            next: Vec::new(),
            credited: VecDeque::new(),
        }
    }

    /// Queues a quick stage that was woken, or returns it. A stage woken for credit joins only if the waking
    /// stage is quick too; otherwise it runs on another worker, where it can produce the next events while
    /// this one handles the current ones.
    fn add(&mut self, runnable: Runnable) -> Result<(), Runnable> {
        let state = runnable.metadata();
        if self.runtime != Some(state.runtime()) || !self.short {
            return Err(runnable);
        }
        match (state.woke_for_credit(), self.quick) {
            (true, true) => self.credited.push_back(runnable),
            (true, false) => return Err(runnable),
            (false, _) => self.woken.push(runnable),
        }
        Ok(())
    }

    fn next(&mut self) -> Option<Runnable> {
        let next = match self.woken.len() {
            // The usual case: the current stage woke one other.
            1 if self.first.is_empty() => self.woken.pop(),
            _ => {
                self.stack_woken();
                self.first.pop_front().or_else(|| self.next.pop()).or_else(|| self.credited.pop_front())
            }
        }?;
        (self.quick, self.short) = (next.metadata().is_quick(), next.metadata().is_short());
        Some(next)
    }

    /// Puts the stages that the current stage woke in front of those that earlier ones woke.
    #[inline]
    fn stack_woken(&mut self) {
        while let Some(woken) = self.woken.pop() {
            self.next.push(woken);
        }
    }

    /// Moves all queued stages to the end of `rest`, in order.
    fn take(&mut self, rest: &mut VecDeque<Runnable>) {
        self.stack_woken();
        rest.append(&mut self.first);
        rest.extend(self.next.drain(..).rev());
        rest.append(&mut self.credited);
    }
}

/// Schedules a stage that was woken: by this thread's queue if it is quick and the waking stage is not slow,
/// otherwise in its own task.
pub(crate) fn schedule(runnable: Runnable, info: ScheduleInfo) {
    // A stage that woke itself while it ran has had its turn, and yields to all others.
    if info.woken_while_running || !runnable.metadata().is_quick() {
        PollState::send(runnable);
        return;
    }
    let queued = CURRENT.with_borrow_mut(|current| current.add(runnable));
    if let Err(elsewhere) = queued {
        PollState::send(elsewhere);
    }
}

/// A run of this thread's queue; while it lasts, stages can join the queue.
pub(crate) struct QueueRun {
    /// Nanoseconds left.
    left: u64,
}

impl QueueRun {
    /// Begins a run with the stages in `first`, unless this thread's queue is already running.
    pub(crate) fn begin(runtime: Id, first: &mut VecDeque<Runnable>) -> Option<Self> {
        CURRENT.with_borrow_mut(|current| {
            if current.runtime.is_some() {
                return None;
            }
            current.runtime = Some(runtime);
            begin_queue_run();
            current.first.append(first);
            Some(Self { left: LASTS })
        })
    }

    /// Polls stages until none is left, the time is up, or the stages have used up tokio's cooperative budget
    /// for one poll of a task. Stages that are left go to `rest`.
    pub(crate) fn run(mut self, rest: &mut VecDeque<Runnable>) {
        while self.left > 0 && has_budget_remaining() {
            let Some(runnable) = Self::next() else { return };
            self.left = self.left.saturating_sub(runnable.metadata().nanos().max(LEAST));
            poll(runnable);
        }
        CURRENT.with_borrow_mut(|current| current.take(rest));
    }

    fn next() -> Option<Runnable> {
        CURRENT.with_borrow_mut(LocalQueue::next)
    }
}

/// Sends the stages that are still queued to their own tasks, if the run ends early, for example by a panic.
impl Drop for QueueRun {
    fn drop(&mut self) {
        CURRENT.with_borrow_mut(|current| {
            (current.runtime, current.quick, current.short) = (None, false, false);
            end_queue_run();
        });
        while let Some(left) = Self::next() {
            PollState::send(left);
        }
    }
}

fn poll(runnable: Runnable) {
    match runnable.metadata().count_poll() {
        Measure::No => {
            runnable.run();
        }
        Measure::Yes => {
            let state = Arc::clone(runnable.metadata());
            let began = Instant::now();
            runnable.run();
            state.measured(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
    }
}
