//! Pace of the short-lived stages, their fates, and the totals.

use std::{fmt, ops::AddAssign, time::Duration};

use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::fate::Fate;

/// Number of drivers, over all parts.
const DRIVERS: u32 = 8;

/// Number of lives that begin per second; each is a subscription and an end.
const LIVES: u32 = 1_000;

/// The period in which lives begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    end: Instant,
}

impl Pace {
    pub(crate) fn until(end: Instant) -> Self {
        Self { end }
    }

    /// Returns the pace of one driver; each begins with another fate.
    pub(crate) fn driver(self, first: usize) -> Driver {
        let mut ticks = interval(Duration::from_secs(1) * DRIVERS / LIVES);
        // A driver that fell behind catches up.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        Driver { ticks, end: self.end, next: first, lives: 0 }
    }
}

/// Assigns each life its time and its fate.
pub(crate) struct Driver {
    ticks: Interval,
    end: Instant,
    next: usize,
    lives: u64,
}

impl Driver {
    /// Waits for the time of the next life, and returns its fate; `None` at the end of the test.
    pub(crate) async fn next(&mut self) -> Option<Fate> {
        let now = self.ticks.tick().await.max(Instant::now());
        if now >= self.end {
            return None;
        }
        self.lives += 1;
        self.next += 1;
        Some(Fate::ALL[self.next % Fate::ALL.len()])
    }

    pub(crate) fn lives(&self) -> u64 {
        self.lives
    }
}

/// The totals of a part.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// Emitted events, each of which is accounted for.
    pub(crate) events: u64,
    /// Lives that began and ended.
    pub(crate) lives: u64,
    /// Events that were discarded, and counted as such.
    pub(crate) discarded: u64,
}

impl Tally {
    /// Returns events per second.
    pub(crate) fn speed(&self, took: Duration) -> u128 {
        per_second(self.events, took)
    }

    /// Returns subscriptions made and ended per second.
    pub(crate) fn changes(&self, took: Duration) -> u128 {
        per_second(2 * self.lives, took)
    }
}

fn per_second(number: u64, took: Duration) -> u128 {
    u128::from(number) * 1_000 / took.as_millis().max(1)
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.events += other.events;
        self.lives += other.lives;
        self.discarded += other.discarded;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, lives, discarded } = self;
        write!(f, "{events} events, {discarded} of them discarded, {lives} lives")
    }
}
