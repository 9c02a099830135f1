//! Measures the time that a stage spends in each state.
//!
//! ```text
//!   state   63 … 61 state │ 60 … 0 nanoseconds at which it was entered
//!   spent   one word a state, and one for the time between an end and the restart after it
//! ```
//!
//! Invariants:
//! 1. There is one writer: the thread that polls the stage. It only stores, without read-modify-write.
//! 2. The words of `spent` add up to the time from `began` to the last change of state. A reader for which
//!    the sum holds has read a consistent state; otherwise it read between two stores of the writer, and
//!    tries again.
//! 3. `woken` is set only between two polls, by the code that schedules the stage, and cleared by the next
//!    poll.

use std::time::Duration;

use super::state::StageState;
use super::state_times::StateTimes;
use super::time::{Grain, Time};
use crate::sync::{AtomicU64, Ordering};

/// The number of states, including "not running".
const PLACES: usize = 6;
const DOWN: usize = 5;
const SINCE: u64 = (1 << 61) - 1;

/// The reader's attempts at a consistent read. The writer changes state at most a few million times per
/// second.
const TRIES: usize = 100;

/// The current state of a stage and the time spent in each, as plain values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Book {
    /// `None` while the stage does not run.
    state: Option<StageState>,
    since: u64,
    spent: [u64; PLACES],
}

#[inline]
const fn place(state: Option<StageState>) -> usize {
    match state {
        Some(state) => state.index(),
        None => DOWN,
    }
}

impl Book {
    const fn new(now: u64) -> Self {
        Self { state: None, since: now, spent: [0; PLACES] }
    }

    /// Enters `state` at `now`. If the stage was `woken` before, the time from then on counts as scheduled.
    #[inline]
    fn enter(&mut self, state: Option<StageState>, now: u64, woken: Option<u64>) {
        let now = now.max(self.since);
        let mut left = now;
        if let Some(woken) = woken {
            left = woken.clamp(self.since, now);
            self.spent[StageState::Scheduled.index()] += now - left;
        }
        self.spent[place(self.state)] += left - self.since;
        (self.state, self.since) = (state, now);
    }

    /// Returns the book with the time up to `now` counted for the current state.
    fn until(mut self, now: u64, woken: Option<u64>) -> Self {
        self.enter(self.state, now, woken);
        self
    }

    fn times(&self) -> StateTimes {
        let spent = |state: StageState| Duration::from_nanos(self.spent[state.index()]);
        StateTimes {
            working: spent(StageState::Working),
            waiting: spent(StageState::Waiting),
            starved: spent(StageState::Starved),
            held_up: spent(StageState::HeldUp),
            scheduled: spent(StageState::Scheduled),
        }
    }

    /// Returns the nanoseconds spent working up to the last change of state.
    pub(super) const fn worked(&self) -> u64 {
        self.spent[StageState::Working.index()]
    }
}

/// A [`Book`] with one writer and many readers.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    time: Time,
    /// The time of the first start, or 0 before it.
    began: AtomicU64,
    state: AtomicU64,
    spent: [AtomicU64; PLACES],
    /// The time at which the stage was woken if it has not been polled since, otherwise 0.
    woken: AtomicU64,
}

impl Clock {
    /// Returns the times spent so far, for the next run of the stage to continue.
    pub(super) fn open(&self) -> Book {
        let now = self.time.now(Grain::Fine);
        if self.began.load(Ordering::Relaxed) == 0 {
            let book = Book::new(now);
            self.state.store(pack(&book), Ordering::Relaxed);
            self.began.store(now, Ordering::Release);
            return book;
        }
        self.read()
    }

    pub(super) fn time(&self) -> &Time {
        &self.time
    }

    /// Returns the time in nanoseconds since an arbitrary origin.
    pub(crate) fn now(&self) -> u64 {
        self.time.now(Grain::Fine)
    }

    /// Returns the nanoseconds for which the stage was held up, until the last change of state.
    pub(crate) fn held_up(&self) -> u64 {
        self.spent[StageState::HeldUp.index()].load(Ordering::Relaxed)
    }

    /// Enters `state` at `now`.
    #[inline]
    pub(super) fn enter(&self, book: &mut Book, state: Option<StageState>, now: u64) {
        let left = place(book.state);
        let woken = self.woken.load(Ordering::Relaxed);
        // Usual for a stage measured by ticks: no tick has passed since the last change, so no time either.
        if woken == 0 && now <= book.since {
            book.state = state;
            self.state.store(pack(book), Ordering::Relaxed);
            return;
        }
        if woken == 0 {
            book.enter(state, now, None);
        } else {
            self.woken.store(0, Ordering::Relaxed);
            book.enter(state, now, Some(woken));
            let scheduled = StageState::Scheduled.index();
            self.spent[scheduled].store(book.spent[scheduled], Ordering::Relaxed);
        }
        self.spent[left].store(book.spent[left], Ordering::Relaxed);
        self.state.store(pack(book), Ordering::Relaxed);
    }

    /// Notes that the stage, which is not being polled, was woken.
    pub(crate) fn woken(&self) {
        if self.woken.load(Ordering::Relaxed) == 0 && self.began.load(Ordering::Relaxed) != 0 {
            self.woken.store(self.time.now(Grain::Fine), Ordering::Relaxed);
        }
    }

    fn read(&self) -> Book {
        let began = self.began.load(Ordering::Acquire);
        let mut book = self.read_once();
        for _ in 0..TRIES {
            if began + book.spent.iter().sum::<u64>() == book.since {
                break;
            }
            std::hint::spin_loop();
            book = self.read_once();
        }
        book
    }

    fn read_once(&self) -> Book {
        let (state, since) = unpack(self.state.load(Ordering::Relaxed));
        let spent = std::array::from_fn(|place| self.spent[place].load(Ordering::Relaxed));
        Book { state, since, spent }
    }

    /// Returns the current state and the time since it was entered, or `None` while the stage does not run.
    #[inline]
    pub(crate) fn state(&self) -> Option<(StageState, Duration)> {
        let woken = self.woken.load(Ordering::Relaxed);
        let (state, since) = unpack(self.state.load(Ordering::Relaxed));
        if self.began.load(Ordering::Acquire) == 0 {
            return None;
        }
        let state = state?;
        let (state, since) = if woken == 0 { (state, since) } else { (StageState::Scheduled, woken) };
        Some((state, Duration::from_nanos(self.time.now(Grain::Fine).saturating_sub(since))))
    }

    /// Returns the time spent in each state up to now.
    pub(crate) fn times(&self) -> StateTimes {
        if self.began.load(Ordering::Acquire) == 0 {
            return StateTimes::default();
        }
        let woken = Some(self.woken.load(Ordering::Relaxed)).filter(|woken| *woken > 0);
        self.read().until(self.time.now(Grain::Fine), woken).times()
    }
}

#[inline]
fn pack(book: &Book) -> u64 {
    ((place(book.state) as u64) << 61) | (book.since & SINCE)
}

fn unpack(packed: u64) -> (Option<StageState>, u64) {
    let place = usize::try_from(packed >> 61).unwrap_or(DOWN);
    (StageState::ALL.get(place).copied(), packed & SINCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(book: &Book) -> [u64; PLACES] {
        book.spent
    }

    #[test]
    fn the_time_of_a_stage_is_counted_for_its_state() {
        let mut book = Book::new(100);
        book.enter(Some(StageState::Working), 110, None);
        book.enter(Some(StageState::Starved), 150, None);
        book.enter(Some(StageState::Working), 250, None);
        book.enter(Some(StageState::Waiting), 251, None);
        book.enter(None, 300, None);
        assert_eq!(nanos(&book), [41, 49, 100, 0, 0, 10]);
        assert_eq!(nanos(&book.until(1_000, None)), [41, 49, 100, 0, 0, 710]);
    }

    #[test]
    fn a_state_that_lasts_counts_up_to_the_moment_of_reading() {
        let mut book = Book::new(0);
        book.enter(Some(StageState::Working), 0, None);
        assert_eq!(book.until(900, None).times().working, Duration::from_nanos(900));
    }

    #[test]
    fn from_being_woken_to_being_polled_a_stage_is_scheduled() {
        let mut book = Book::new(0);
        book.enter(Some(StageState::Starved), 0, None);
        assert_eq!(nanos(&book.until(90, Some(40))), [0, 0, 40, 0, 50, 0]);
        book.enter(Some(StageState::Working), 100, Some(40));
        assert_eq!(nanos(&book), [0, 0, 40, 0, 60, 0]);
    }

    #[test]
    fn the_times_of_all_states_add_up_to_the_elapsed_time() {
        proptest::proptest!(|(steps: Vec<(u8, u64, Option<u64>)>)| {
            let mut book = Book::new(1_000);
            for (state, now, woken) in steps {
                // The clocks of different threads may differ slightly.
                let (now, woken) = (now % 1_000_000, woken.map(|woken| woken % 1_000_000));
                book.enter(StageState::ALL.get(usize::from(state % 6)).copied(), now, woken);
                assert_eq!(1_000 + book.spent.iter().sum::<u64>(), book.since);
                let (later, earlier) = (book.until(book.since + 7, woken), book);
                assert_eq!(later.spent.iter().sum::<u64>(), earlier.spent.iter().sum::<u64>() + 7);
            }
        });
    }

    #[test]
    fn a_reader_sees_the_book_of_the_writer() {
        let clock = Clock::default();
        let mut book = clock.open();
        for (state, after) in [(Some(StageState::Working), 10), (Some(StageState::HeldUp), 30), (None, 60)] {
            let now = book.since + after;
            clock.enter(&mut book, state, now);
            assert_eq!(clock.read(), book);
            assert_eq!(clock.state().map(|(state, _)| state), state);
        }
        assert_eq!(clock.open(), book);
    }
}
