//! Which stages does this thread poll one after the other? Quick ones, that others woke whose polls are short.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Instant;

use async_task::ScheduleInfo;
use tokio::runtime::Id;
use tokio::task::coop::has_budget_remaining;

use super::poll_state::{Home, Measure, Runnable};
use crate::base::stats::{begin_round, end_round};
use crate::sync::Arc;
use crate::wire::signal::wakes_for_credit;

/// How long a round lasts before other tasks get a turn, in nanoseconds, by what the polls of its stages take on
/// average.
const LASTS: u64 = 200_000;

/// What a poll counts for at least.
const LEAST: u64 = 100;

thread_local! {
    static CURRENT: RefCell<Current> = const { RefCell::new(Current::new()) };
}

/// The round of this thread.
struct Current {
    /// The runtime whose worker this is, while there is a round.
    runtime: Option<Id>,
    /// Whether the polls of the stage that is polled now are quick, and whether they are at least short.
    quick: bool,
    short: bool,
    /// Who was left over when the last round gave way, or begins this one.
    first: VecDeque<Runnable>,
    /// The last is polled next.
    next: Vec<Runnable>,
    /// How many of `next`, from its end, were woken by the stage that is polled now.
    woken: usize,
}

impl Current {
    const fn new() -> Self {
        Self { runtime: None, quick: false, short: false, first: VecDeque::new(), next: Vec::new(), woken: 0 }
    }

    /// Whether a quick stage that is woken now joins. It does not for credit, unless by one that is as quick: it can
    /// make the next events while a worker of its own handles these.
    fn takes(&self, runnable: &Runnable) -> bool {
        self.runtime == Some(runnable.metadata().runtime())
            && (self.quick || self.short && !wakes_for_credit())
    }

    /// Who was woken for events is polled next, so that an event waits behind no other; who was woken for credit is
    /// polled when nobody has events, so that none waits behind the making of more.
    fn add(&mut self, runnable: Runnable) {
        if wakes_for_credit() {
            self.next.insert(0, runnable);
            return;
        }
        match self.woken {
            0 => self.next.push(runnable),
            woken => self.next.insert(self.next.len() - woken, runnable),
        }
        self.woken += 1;
    }

    fn next(&mut self) -> Option<Runnable> {
        let next = if self.first.is_empty() { self.next.pop() } else { self.first.pop_front() }?;
        (self.quick, self.short) = (next.metadata().is_quick(), next.metadata().is_short());
        self.woken = 0;
        Some(next)
    }
}

/// A stage was woken: polled in this thread's round if it is quick and the one that woke it is not slow, else by its
/// own task.
pub(crate) fn schedule(runnable: Runnable, info: ScheduleInfo) {
    // One that goes on at once has had its turn, and gives way to all others.
    if info.woken_while_running || !runnable.metadata().is_quick() {
        Home::send(runnable);
        return;
    }
    let elsewhere = CURRENT.with_borrow_mut(|current| {
        if current.takes(&runnable) {
            current.add(runnable);
            return None;
        }
        Some(runnable)
    });
    elsewhere.into_iter().for_each(Home::send);
}

/// A round; while there is one, stages can join it.
pub(crate) struct Round {
    /// Nanoseconds that are left.
    left: u64,
}

impl Round {
    /// Begins a round of these, unless this thread is in one.
    pub(crate) fn begin(runtime: Id, first: &mut VecDeque<Runnable>) -> Option<Self> {
        CURRENT.with_borrow_mut(|current| {
            if current.runtime.is_some() {
                return None;
            }
            current.runtime = Some(runtime);
            begin_round();
            current.first.append(first);
            Some(Self { left: LASTS })
        })
    }

    /// Polls until nobody is left, or it is time to give way, or the stages have used channels and sockets as often as
    /// tokio lets a task within a poll. Those who are left go to `rest`.
    pub(crate) fn run(mut self, rest: &mut VecDeque<Runnable>) {
        while self.left > 0 && has_budget_remaining() {
            let Some(runnable) = Self::next() else { return };
            self.left = self.left.saturating_sub(runnable.metadata().nanos().max(LEAST));
            poll(runnable);
        }
        CURRENT.with_borrow_mut(|current| {
            rest.append(&mut current.first);
            rest.extend(current.next.drain(..).rev());
        });
    }

    fn next() -> Option<Runnable> {
        CURRENT.with_borrow_mut(Current::next)
    }
}

/// Who joined a round that ends otherwise is polled by its own task.
impl Drop for Round {
    fn drop(&mut self) {
        CURRENT.with_borrow_mut(|current| {
            (current.runtime, current.quick, current.short) = (None, false, false);
            end_round();
        });
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
