//! Which stages does this thread poll one after the other? Those that a quick one woke, and that are quick too.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Instant;

use async_task::ScheduleInfo;
use tokio::runtime::Id;

use super::home::{Home, Measure, Runnable};
use crate::sync::Arc;

/// Polls of one round before other tasks get a turn.
const POLLS: usize = 128;

thread_local! {
    static CURRENT: RefCell<Current> =
        const { RefCell::new(Current { runtime: None, quick: false, next: VecDeque::new() }) };
}

/// The round of this thread.
struct Current {
    /// The runtime whose worker this is, while there is a round.
    runtime: Option<Id>,
    /// Whether the stage that is polled now is quick.
    quick: bool,
    next: VecDeque<Runnable>,
}

/// A stage was woken: polled in this thread's round if it and the one that woke it are quick, else by its own task.
pub(super) fn schedule(runnable: Runnable, info: ScheduleInfo) {
    // One that goes on at once has had its turn, and gives way to all others.
    if info.woken_while_running || !runnable.metadata().is_quick() {
        Home::send(runnable);
        return;
    }
    let elsewhere = CURRENT.with_borrow_mut(|current| {
        if current.quick && current.runtime == Some(runnable.metadata().runtime()) {
            current.next.push_back(runnable);
            return None;
        }
        Some(runnable)
    });
    elsewhere.into_iter().for_each(Home::send);
}

/// A round; while there is one, stages can join it.
pub(super) struct Round {
    polls: usize,
}

impl Round {
    /// Begins a round of these, unless this thread is in one.
    pub(super) fn begin(runtime: Id, first: &mut VecDeque<Runnable>) -> Option<Self> {
        CURRENT.with_borrow_mut(|current| {
            if current.runtime.is_some() {
                return None;
            }
            current.runtime = Some(runtime);
            current.next.append(first);
            Some(Self { polls: 0 })
        })
    }

    /// Polls until nobody is left, or it is time to give way. Those who are left go to `rest`.
    pub(super) fn run(mut self, rest: &mut VecDeque<Runnable>) {
        while self.polls < POLLS {
            let Some(runnable) = Self::next() else { return };
            poll(runnable);
            self.polls += 1;
        }
        CURRENT.with_borrow_mut(|current| rest.append(&mut current.next));
    }

    fn next() -> Option<Runnable> {
        CURRENT.with_borrow_mut(|current| {
            let next = current.next.pop_front()?;
            current.quick = next.metadata().is_quick();
            Some(next)
        })
    }
}

/// Who joined a round that ends otherwise is polled by its own task.
impl Drop for Round {
    fn drop(&mut self) {
        CURRENT.with_borrow_mut(|current| (current.runtime, current.quick) = (None, false));
        while let Some(left) = Self::next() {
            Home::send(left);
        }
    }
}

fn poll(runnable: Runnable) {
    match runnable.metadata().count_poll() {
        Measure::No => {
            runnable.run();
        }
        Measure::Yes => {
            let home = Arc::clone(runnable.metadata());
            let began = Instant::now();
            runnable.run();
            home.measured(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
    }
}
