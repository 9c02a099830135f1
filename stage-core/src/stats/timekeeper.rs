//! The stage's own half of its clock: notes each change of state.

use super::clock::Book;
use super::counters::Counters;
use super::state::StageState;
use super::time::Grain;
use crate::sync::Arc;

/// Periods of work after which it is decided anew how finely they are measured.
const PERIODS: u32 = 256;

/// Periods of work that take less, in nanoseconds on average, are measured by ticks: to tell the time finely around
/// each would slow the stage down.
const SHORT: u64 = 3_000;

/// The grain changes while the last tick is no older than this, so that neither side gains by the change.
const FRESH: u64 = 100_000;

/// Keeps the clock of a running stage. When it is dropped, the stage does not run any more.
#[derive(Debug)]
pub(crate) struct Timekeeper {
    counters: Arc<Counters>,
    book: Book,
    grain: Grain,
    /// The grain to be changed to, as soon as a tick is fresh.
    next: Grain,
    periods: u32,
    /// What was worked when it was last decided about the grain.
    worked: u64,
}

impl Timekeeper {
    /// The stage begins to work.
    pub(crate) fn start(counters: Arc<Counters>) -> Self {
        let book = counters.clock.open();
        let worked = book.worked();
        let (grain, next) = (Grain::Fine, Grain::Fine);
        let mut keeper = Self { counters, book, grain, next, periods: 0, worked };
        keeper.change(Some(StageState::Working));
        keeper
    }

    /// The stage enters `state`.
    #[inline]
    pub(crate) fn enter(&mut self, state: StageState) {
        self.change(Some(state));
    }

    #[inline]
    fn change(&mut self, state: Option<StageState>) {
        let now = self.now();
        if self.book.state() == Some(StageState::Working) {
            self.periods += 1;
        }
        self.counters.clock.enter(&mut self.book, state, now);
        if self.periods >= PERIODS {
            self.decide();
        }
    }

    #[inline]
    fn now(&mut self) -> u64 {
        if self.next != self.grain {
            return self.change_grain();
        }
        self.counters.clock.now(self.grain)
    }

    #[cold]
    fn change_grain(&mut self) -> u64 {
        let (fine, tick) = (self.counters.clock.now(Grain::Fine), self.counters.clock.now(Grain::Tick));
        if fine.saturating_sub(tick) < FRESH {
            self.grain = self.next;
        }
        match self.grain {
            Grain::Fine => fine,
            Grain::Tick => tick,
        }
    }

    #[cold]
    fn decide(&mut self) {
        let worked = self.book.worked() - self.worked;
        self.next = if worked / u64::from(self.periods) < SHORT { Grain::Tick } else { Grain::Fine };
        (self.periods, self.worked) = (0, self.book.worked());
    }
}

impl Drop for Timekeeper {
    fn drop(&mut self) {
        self.change(None);
    }
}
