//! The stage's own half of its clock: notes each change of state.

use super::clock::Book;
use super::counters::Counters;
use super::state::StageState;
use super::time::Grain;
use crate::sync::Arc;

/// Periods of work that take less, in nanoseconds on average, are measured by ticks: to tell the time finely around
/// each would slow the stage down.
const SHORT: u64 = 3_000;

/// Periods after which that is decided of a stage that was just started: few, since each costs two readings.
const FIRST_PERIODS: u32 = 128;

/// The same, of a stage that had long periods among short ones.
const FINE_PERIODS: u32 = 4_096;

/// The same, while time is told by ticks: so many that a tick more or less decides nothing.
const TICK_PERIODS: u32 = 65_536;

/// Time is told finely again while the last tick is no older than this: the state that the stage is in gains what lies
/// between the two. (The other way round, the next tick goes to the state that it falls into, as all do.)
const FRESH: u64 = 100_000;

/// Keeps the clock of a running stage. When it is dropped, the stage does not run any more.
#[derive(Debug)]
pub(crate) struct Timekeeper {
    counters: Arc<Counters>,
    book: Book,
    grain: Grain,
    /// Whether time is to be told finely as soon as a tick is fresh.
    refines: bool,
    /// Periods of work until the grain is decided anew.
    left: u32,
    /// Work from which on the periods are not short, however many are left.
    limit: u64,
}

impl Timekeeper {
    /// The stage begins to work.
    pub(crate) fn start(counters: Arc<Counters>) -> Self {
        let book = counters.clock.open();
        let limit = book.worked() + u64::from(FIRST_PERIODS) * SHORT;
        let (grain, left) = (Grain::Fine, FIRST_PERIODS);
        let mut keeper = Self { counters, book, grain, refines: false, left, limit };
        keeper.work();
        keeper
    }

    /// A poll of the stage begins.
    #[inline]
    pub(crate) fn work(&mut self) {
        let now =
            if self.refines { self.refine() } else { self.counters.clock.time().poll_begins(self.grain) };
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
        self.left -= 1;
        if self.left == 0 || self.book.worked() >= self.limit {
            self.decide();
        }
    }

    /// The periods are over, or the work was so much that they cannot be short.
    #[cold]
    fn decide(&mut self) {
        let short = self.book.worked() < self.limit;
        self.left = match (self.grain, short) {
            (_, true) => {
                self.grain = Grain::Tick;
                TICK_PERIODS
            }
            (Grain::Fine, false) => FINE_PERIODS,
            (Grain::Tick, false) => {
                self.refines = true;
                TICK_PERIODS
            }
        };
        self.limit = self.book.worked() + u64::from(self.left) * SHORT;
    }

    #[cold]
    fn refine(&mut self) -> u64 {
        let time = self.counters.clock.time();
        let (fine, tick) = (time.now(Grain::Fine), time.now(Grain::Tick));
        if fine.saturating_sub(tick) >= FRESH {
            return tick;
        }
        (self.grain, self.refines, self.left) = (Grain::Fine, false, FINE_PERIODS);
        self.limit = self.book.worked() + u64::from(FINE_PERIODS) * SHORT;
        fine
    }
}

impl Drop for Timekeeper {
    fn drop(&mut self) {
        self.end(None);
    }
}
