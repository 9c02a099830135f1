//! A token bucket, and who waits for its tokens. Pure; time is an argument, counted from any fixed moment.
//!
//! Tokens are counted in whole units that a nanosecond earns, so that nothing is ever rounded away. Those
//! who wait are served one token each in turn, so that none of several steps is starved.

use std::collections::VecDeque;
use std::time::Duration;

use super::limit::Rate;

/// Names one of the steps that share a budget.
pub(super) type Who = u64;

/// The tokens of one key.
#[derive(Debug)]
pub(super) struct Bucket {
    /// In the units of [`Rate::cost`].
    level: u128,
    at: Duration,
    waiting: VecDeque<Who>,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(rate: Rate, now: Duration) -> Self {
        Self { level: rate.full(), at: now, waiting: VecDeque::new() }
    }

    fn refill(&mut self, rate: Rate, now: Duration) {
        let earned = rate.earned(now.saturating_sub(self.at));
        self.level = rate.full().min(self.level.saturating_add(earned));
        self.at = self.at.max(now);
    }

    /// Takes one token, unless there is none or all are for those who wait longer; then `who` waits too.
    /// Says after what time it is worth another try.
    pub(super) fn take(&mut self, rate: Rate, now: Duration, who: Who) -> Result<(), Duration> {
        self.refill(rate, now);
        let place = self.waiting.iter().position(|waits| *waits == who);
        let ahead = place.unwrap_or(self.waiting.len());
        let needed = rate.cost() * (ahead as u128 + 1);
        if self.level >= needed {
            self.level -= rate.cost();
            self.leave(who);
            return Ok(());
        }
        if place.is_none() {
            self.waiting.push_back(who);
        }
        Err(rate.time_for(needed - self.level))
    }

    /// `who` waits no more; says whether it did.
    pub(super) fn leave(&mut self, who: Who) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|waits| *waits != who);
        self.waiting.len() < before
    }

    /// Goes over from one rate to another; whole and part tokens are kept, as far as there is room.
    pub(super) fn change(&mut self, old: Rate, new: Rate, now: Duration) {
        self.refill(old, now);
        let (whole, part) = (self.level / old.cost(), self.level % old.cost());
        self.level = new.full().min(whole * new.cost() + part * new.cost() / old.cost());
    }

    /// Whether it is as good as a new one.
    pub(super) fn is_idle(&mut self, rate: Rate, now: Duration) -> bool {
        self.refill(rate, now);
        self.waiting.is_empty() && self.level == rate.full()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn rate(events: u32, burst: u32) -> Rate {
        Rate::new(events, SECOND).unwrap().burst(burst).unwrap()
    }

    /// How many tokens one step gets at `now`.
    fn taken(bucket: &mut Bucket, rate: Rate, now: Duration) -> usize {
        std::iter::from_fn(|| bucket.take(rate, now, 1).ok()).count()
    }

    #[test]
    fn a_burst_is_used_once_and_the_rest_comes_evenly() {
        let rate = rate(10, 10);
        let mut bucket = Bucket::new(rate, Duration::ZERO);
        assert_eq!(taken(&mut bucket, rate, millis(0)), 10);
        assert_eq!(bucket.take(rate, millis(0), 1), Err(millis(100)));
        assert_eq!(taken(&mut bucket, rate, millis(99)), 0);
        assert_eq!(taken(&mut bucket, rate, millis(100)), 1);
        // Two bursts at the edge of a second do not happen.
        assert_eq!(taken(&mut bucket, rate, millis(999)), 8);
        assert_eq!(taken(&mut bucket, rate, millis(1000)), 1);
        assert_eq!(taken(&mut bucket, rate, millis(60_000)), 10);
    }

    #[test]
    fn nothing_is_rounded_away() {
        let rate = rate(3, 1);
        let mut bucket = Bucket::new(rate, Duration::ZERO);
        let mut now = Duration::ZERO;
        let mut taken = 0;
        while now < SECOND * 1000 {
            match bucket.take(rate, now, 1) {
                Ok(()) => taken += 1,
                Err(wait) => now += wait,
            }
        }
        assert!((2_999..=3_001).contains(&taken), "{taken}");
    }

    #[test]
    fn several_take_turns() {
        let rate = rate(10, 1);
        let mut bucket = Bucket::new(rate, Duration::ZERO);
        let mut turns = Vec::new();
        for tick in 0..9 {
            for who in [1, 2, 3] {
                if bucket.take(rate, millis(100 * tick), who).is_ok() {
                    turns.push(who);
                }
            }
        }
        assert_eq!(turns, [1, 2, 3, 1, 2, 3, 1, 2, 3]);
    }

    #[test]
    fn one_that_leaves_makes_room_for_the_next() {
        let rate = rate(10, 1);
        let mut bucket = Bucket::new(rate, Duration::ZERO);
        assert_eq!(bucket.take(rate, millis(0), 1), Ok(()));
        assert_eq!(bucket.take(rate, millis(0), 1), Err(millis(100)));
        assert_eq!(bucket.take(rate, millis(0), 2), Err(millis(200)));
        assert_eq!(bucket.take(rate, millis(100), 2), Err(millis(100)));
        assert!(bucket.leave(1));
        assert!(!bucket.leave(1));
        assert_eq!(bucket.take(rate, millis(100), 2), Ok(()));
    }

    #[test]
    fn another_rate_keeps_what_was_earned() {
        let (slow, fast) = (rate(1, 1), rate(1000, 1000));
        let mut bucket = Bucket::new(slow, Duration::ZERO);
        assert_eq!(taken(&mut bucket, slow, millis(0)), 1);
        bucket.change(slow, fast, millis(500));
        // Half a token is earned; the other half now comes in half a millisecond.
        assert_eq!(bucket.take(fast, millis(500), 1), Err(Duration::from_micros(500)));
        assert_eq!(taken(&mut bucket, fast, millis(600)), 100);
        bucket.change(fast, slow, millis(10_000));
        assert_eq!(taken(&mut bucket, slow, millis(10_000)), 1);
    }

    #[test]
    fn the_longest_times_do_not_overflow() {
        let years = Duration::from_hours(24 * 365 * 30);
        let slow = Rate::new(u32::MAX, years).unwrap();
        let fast = Rate::new(u32::MAX, Duration::from_nanos(1)).unwrap();
        let mut bucket = Bucket::new(fast, Duration::ZERO);
        bucket.change(fast, slow, years);
        bucket.change(slow, fast, years * 2);
        assert!(bucket.is_idle(fast, years * 3));
        assert_eq!(bucket.take(fast, years * 3, 1), Ok(()));
    }
}
