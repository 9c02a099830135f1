//! The writer's half of a stage's clock: records each change of state.

use super::clock::Book;
use super::counters::Counters;
use super::state::StageState;
use super::time::Grain;
use crate::sync::Arc;

/// Work periods shorter than this average, in nanoseconds, are measured by ticks, because precise readings
/// around each would slow the stage down.
const SHORT: u64 = 3_000;

/// Periods before the first decision about a newly started stage: few, since each costs two readings.
const FIRST_PERIODS: u32 = 128;

/// Periods between decisions about a stage that had long periods among short ones.
const FINE_PERIODS: u32 = 4_096;

/// Periods between decisions while measuring by ticks: enough for one tick more or less not to matter.
const TICK_PERIODS: u32 = 65_536;

/// Precise readings resume only while the last tick is at most this old: the time between the two readings
/// counts for the current state. (In the other direction, the next tick goes to the state that it falls into,
/// as all ticks do.)
const FRESH: u64 = 100_000;

/// Keeps the clock of a running stage. Dropping it records that the stage no longer runs.
#[derive(Debug)]
pub(crate) struct Timekeeper {
    counters: Arc<Counters>,
    book: Book,
    grain: Grain,
    /// Whether precise readings resume at the next fresh tick.
    refines: bool,
    /// Work periods until the next decision about the precision.
    left: u32,
    /// The work total from which on the periods are not short, however many are left.
    limit: u64,
}

impl Timekeeper {
    /// Starts the clock of a stage, which begins to work.
    pub(crate) fn start(counters: Arc<Counters>) -> Self {
        let book = counters.clock.open();
        let limit = book.worked() + u64::from(FIRST_PERIODS) * SHORT;
        let (grain, left) = (Grain::Fine, FIRST_PERIODS);
        let mut keeper = Self { counters, book, grain, refines: false, left, limit };
        keeper.work();
        keeper
    }

    /// Records that a poll of the stage begins.
    #[inline]
    pub(crate) fn work(&mut self) {
        let now =
            if self.refines { self.refine() } else { self.counters.clock.time().poll_begins(self.grain) };
        self.counters.clock.enter(&mut self.book, Some(StageState::Working), now);
    }

    /// Records that a poll of the stage ends and leaves it in `state`.
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

    /// Chooses the precision, after the last period or once the work total shows that periods are not short.
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
