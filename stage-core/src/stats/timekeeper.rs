//! The stage's own half of its clock: notes each change of state.

use super::clock::Book;
use super::counters::Counters;
use super::state::StageState;
use super::time::Grain;
use crate::sync::Arc;

/// Periods of work that take less, in nanoseconds on average, are measured by ticks: to tell the time finely around
/// each would slow the stage down.
const SHORT: u64 = 3_000;

/// Periods after which it is decided anew, while time is told finely. One long period among a thousand short ones is
/// most of the work, and has to be met.
const FINE_PERIODS: u32 = 4_096;

/// The same, while it is told by ticks: so many that a tick more or less decides nothing.
const TICK_PERIODS: u32 = 65_536;

/// The grain changes while the last tick is no older than this, so that no state gains by the change.
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
        keeper.work();
        keeper
    }

    /// A poll of the stage begins.
    #[inline]
    pub(crate) fn work(&mut self) {
        let now = if self.next == self.grain {
            self.counters.clock.time().poll_begins(self.grain)
        } else {
            self.change_grain()
        };
        self.counters.clock.enter(&mut self.book, Some(StageState::Working), now);
    }

    /// A poll of the stage ends, and leaves it in `state`.
    #[inline]
    pub(crate) fn rest(&mut self, state: StageState) {
        self.end(Some(state));
    }

    #[inline]
    fn end(&mut self, state: Option<StageState>) {
        let now = self.counters.clock.time().poll_ends(self.grain);
        self.counters.clock.enter(&mut self.book, state, now);
        self.periods += 1;
        let worked = self.book.worked() - self.worked;
        match self.grain {
            Grain::Fine if self.periods >= FINE_PERIODS => {
                let short = worked < u64::from(FINE_PERIODS) * SHORT;
                self.decide(if short { Grain::Tick } else { Grain::Fine });
            }
            Grain::Tick if worked >= u64::from(TICK_PERIODS) * SHORT => self.decide(Grain::Fine),
            Grain::Tick if self.periods >= TICK_PERIODS => self.decide(Grain::Tick),
            Grain::Fine | Grain::Tick => {}
        }
    }

    #[cold]
    fn decide(&mut self, next: Grain) {
        (self.next, self.periods, self.worked) = (next, 0, self.book.worked());
    }

    #[cold]
    fn change_grain(&mut self) -> u64 {
        let time = self.counters.clock.time();
        let (fine, tick) = (time.now(Grain::Fine), time.now(Grain::Tick));
        if fine.saturating_sub(tick) < FRESH {
            self.grain = self.next;
        }
        match self.grain {
            Grain::Fine => fine,
            Grain::Tick => tick,
        }
    }
}

impl Drop for Timekeeper {
    fn drop(&mut self) {
        self.end(None);
    }
}
