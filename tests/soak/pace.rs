//! When does the next life begin, and how is it to end? And what came of all of them?

use std::{fmt, ops::AddAssign, time::Duration};

use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::fate::Fate;

/// Drivers there are, over all grounds.
const DRIVERS: u32 = 8;

/// Lives that begin in a second; each is a subscription and an end.
const LIVES: u32 = 1_000;

/// How long the lives go on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    end: Instant,
}

impl Pace {
    pub(crate) fn until(end: Instant) -> Self {
        Self { end }
    }

    /// The pace of one driver; each begins its fates at another.
    pub(crate) fn driver(self, first: usize) -> Driver {
        let mut ticks = interval(Duration::from_secs(1) * DRIVERS / LIVES);
        // A driver that fell behind catches up.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        Driver { ticks, end: self.end, next: first, lives: 0 }
    }
}

/// Gives each life its time and its fate.
pub(crate) struct Driver {
    ticks: Interval,
    end: Instant,
    next: usize,
    lives: u64,
}

impl Driver {
    /// The fate of the next life, when its time has come; none when it is all over.
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

/// What happened in a ground.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// Events that were emitted, each of which is accounted for.
    pub(crate) events: u64,
    /// Lives that began and ended.
    pub(crate) lives: u64,
    /// Events that were discarded, and counted as such.
    pub(crate) discarded: u64,
}

impl Tally {
    /// Events a second.
    pub(crate) fn speed(&self, took: Duration) -> u128 {
        per_second(self.events, took)
    }

    /// Subscriptions made, and ended, a second.
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
