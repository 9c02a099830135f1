//! A token bucket with a waiting line. Pure; time is an argument, counted from any fixed moment.
//!
//! Implements the continuous-state leaky bucket of the generic cell rate algorithm (ITU-T I.371, annex A),
//! expressed as a bucket of tokens, with two additions for timers that fire late:
//!
//! 1. Earned tokens are reserved for waiting steps immediately, one each in turn, so that no step is starved.
//!    Reserved tokens do not count against the burst, which limits only the tokens earned while no step
//!    waits.
//! 2. A step that comes later than its wake-up time may find more tokens than it waited for. Tokens that the
//!    delay earned beyond the burst are kept for as long as the delay took, so that a step can catch up with
//!    several small batches. After that they count as idle time, which the burst limits.
//!
//! In any period, the bucket admits at most the burst plus the rate's share of that period and of the timer's
//! delay. Tokens are counted in integer units earned per nanosecond, so that nothing is lost to rounding.

use std::collections::VecDeque;
use std::time::Duration;

use crate::base::rate::Rate;

/// Identifies one of the steps that share a budget.
pub(super) type Who = u64;

/// The tokens of one key.
#[derive(Debug)]
pub(super) struct Bucket {
    /// In the units of [`Rate::cost`].
    level: u128,
    at: Duration,
    /// Waiting steps; the first one gets the next token.
    waiting: VecDeque<Waiter>,
    late: LateAllowance,
}

#[derive(Debug)]
struct Waiter {
    who: Who,
    /// Tokens that it still lacks.
    lacks: usize,
    /// Tokens reserved for it.
    has: usize,
    /// The time of its next attempt.
    due: Duration,
}

/// The allowance earned by the delay of a timer, and its expiry.
#[derive(Clone, Copy, Debug, Default)]
struct LateAllowance {
    earned: u128,
    until: Duration,
}

/// Result of a request for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) tokens: usize,
    /// Delay until a retry is worthwhile, if fewer tokens were taken than requested.
    pub(super) wait: Option<Duration>,
}

impl Bucket {
    /// Creates a full bucket.
    pub(super) fn new(rate: Rate, now: Duration) -> Self {
        Self { level: rate.full(), at: now, waiting: VecDeque::new(), late: LateAllowance::default() }
    }

    fn refill(&mut self, rate: Rate, now: Duration) {
        let earned = rate.earned(now.saturating_sub(self.at));
        self.level = self.level.saturating_add(earned);
        self.at = self.at.max(now);
        self.set_aside(rate);
        self.note_delay(rate);
        self.level = self.level.min(rate.full().saturating_add(self.late.earned));
    }

    /// Reserves whole tokens for the waiting steps, as evenly as possible.
    fn set_aside(&mut self, rate: Rate) {
        let cost = rate.cost();
        loop {
            let tokens = self.level / cost;
            let lacking = self.waiting.iter().filter(|waiter| waiter.lacks > 0).count() as u128;
            if tokens == 0 || lacking == 0 {
                return;
            }
            let each = usize::try_from(tokens / lacking).unwrap_or(usize::MAX);
            if each == 0 {
                return self.set_aside_one_each(tokens, cost);
            }
            for waiter in &mut self.waiting {
                let some = waiter.lacks.min(each);
                waiter.lacks -= some;
                waiter.has += some;
                self.level -= cost * some as u128;
            }
        }
    }

    /// Reserves one token for each of the first waiting steps, which then move behind all others.
    fn set_aside_one_each(&mut self, tokens: u128, cost: u128) {
        for _ in 0..tokens {
            let next = self.waiting.iter().position(|waiter| waiter.lacks > 0);
            let Some(mut waiter) = next.and_then(|next| self.waiting.remove(next)) else { return };
            waiter.lacks -= 1;
            waiter.has += 1;
            self.level -= cost;
            self.waiting.push_back(waiter);
        }
    }

    /// Records how late the most overdue step is, and drops the allowance of an earlier delay once it has
    /// expired.
    fn note_delay(&mut self, rate: Rate) {
        if self.late.until <= self.at {
            self.late = LateAllowance::default();
        }
        let due = self.waiting.iter().map(|waiter| waiter.due).min();
        let delay = due.map_or(Duration::ZERO, |due| self.at.saturating_sub(due));
        let earned = rate.earned(delay);
        if earned > self.late.earned {
            self.late = LateAllowance { earned, until: self.at.saturating_add(delay) };
        }
    }

    /// Takes up to `want` tokens, except those reserved for other steps. If they do not suffice, `who` waits
    /// for the rest, in its present place or at the end of the line.
    pub(super) fn take(&mut self, rate: Rate, now: Duration, who: Who, want: usize) -> Taken {
        self.refill(rate, now);
        let place = self.waiting.iter().position(|waiter| waiter.who == who);
        let mut tokens = 0;
        if let Some(waiter) = place.and_then(|place| self.waiting.get_mut(place)) {
            let has = std::mem::take(&mut waiter.has);
            tokens = has.min(want);
            // Tokens that it no longer wants become available to others.
            waiter.lacks = waiter.lacks.min(want - tokens);
            self.level += rate.cost() * (has - tokens) as u128;
            self.set_aside(rate);
        }
        // No token is free while any step lacks one.
        let free = usize::try_from(self.level / rate.cost()).unwrap_or(usize::MAX).min(want - tokens);
        self.level -= rate.cost() * free as u128;
        tokens += free;
        let lacks = want - tokens;
        if lacks == 0 {
            self.leave(rate, who);
            return Taken { tokens, wait: None };
        }
        Taken { tokens, wait: Some(self.queue(rate, who, lacks)) }
    }

    /// Makes `who` wait for `lacks` tokens; returns the time until the first of them.
    fn queue(&mut self, rate: Rate, who: Who, lacks: usize) -> Duration {
        let place = self.waiting.iter().position(|waiter| waiter.who == who);
        let keeps_place = place.filter(|place| self.waiting[*place].lacks > 0);
        let place = keeps_place.unwrap_or_else(|| {
            self.waiting.retain(|waiter| waiter.who != who);
            self.waiting.push_back(Waiter { who, lacks, has: 0, due: self.at });
            self.waiting.len() - 1
        });
        let ahead = self.waiting.iter().take(place).filter(|waiter| waiter.lacks > 0).count() as u128;
        let wait = rate.time_for((rate.cost() * (ahead + 1)).saturating_sub(self.level));
        let waiter = &mut self.waiting[place];
        (waiter.lacks, waiter.due) = (lacks, self.at.saturating_add(wait));
        wait
    }

    /// Returns unused tokens to the bucket.
    pub(super) fn give_back(&mut self, rate: Rate, tokens: usize) {
        self.level = self.level.saturating_add(rate.cost() * tokens as u128);
    }

    /// Removes `who` from the line; returns whether it was waiting.
    pub(super) fn leave(&mut self, rate: Rate, who: Who) -> bool {
        let place = self.waiting.iter().position(|waiter| waiter.who == who);
        let left = place.and_then(|place| self.waiting.remove(place));
        self.give_back(rate, left.as_ref().map_or(0, |waiter| waiter.has));
        left.is_some()
    }

    /// Changes from one rate to another; whole and partial tokens are kept, up to the new burst.
    pub(super) fn change(&mut self, old: Rate, new: Rate, now: Duration) {
        self.refill(old, now);
        self.late = LateAllowance::default();
        for waiter in &mut self.waiting {
            let has = std::mem::take(&mut waiter.has);
            waiter.lacks += has;
            self.level = self.level.saturating_add(old.cost() * has as u128);
        }
        let (whole, part) = (self.level / old.cost(), self.level % old.cost());
        let level = whole.saturating_mul(new.cost()) + part * new.cost() / old.cost();
        self.level = new.full().min(level);
    }

    /// Returns whether the bucket is equivalent to a new one.
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

    /// Takes one token, or returns the delay until a retry is worthwhile.
    fn one(bucket: &mut Bucket, rate: Rate, now: Duration, who: Who) -> Result<(), Duration> {
        bucket.take(rate, now, who, 1).wait.map_or(Ok(()), Err)
    }

    /// Returns how many tokens one step gets at `now`, after which it waits for the next.
    fn taken(bucket: &mut Bucket, rate: Rate, now: Duration) -> usize {
        std::iter::from_fn(|| one(bucket, rate, now, 1).ok()).count()
    }

    #[test]
    fn a_burst_is_used_once_and_the_rest_comes_evenly() {
        let rate = rate(10, 10);
        let mut bucket = Bucket::new(rate, Duration::ZERO);
        assert_eq!(taken(&mut bucket, rate, millis(0)), 10);
        assert_eq!(one(&mut bucket, rate, millis(0), 1), Err(millis(100)));
        assert_eq!(taken(&mut bucket, rate, millis(99)), 0);
        assert_eq!(taken(&mut bucket, rate, millis(100)), 1);
        // There are no two bursts at the edge of a second.
        assert_eq!(taken(&mut bucket, rate, millis(999)), 8);
        assert_eq!(taken(&mut bucket, rate, millis(1000)), 1);
        // No request for a minute.
        assert!(bucket.leave(rate, 1));
        assert_eq!(taken(&mut bucket, rate, millis(60_000)), 10);
    }

    #[test]
    fn nothing_is_rounded_away() {
        let rate = rate(3, 1);
        let mut bucket = Bucket::new(rate, Duration::ZERO);
        let mut now = Duration::ZERO;
        let mut taken = 0;
        while now < SECOND * 1000 {
            match one(&mut bucket, rate, now, 1) {
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
                if one(&mut bucket, rate, millis(100 * tick), who).is_ok() {
                    turns.push(who);
                }
            }
        }
        assert_eq!(turns, [1, 2, 3, 1, 2, 3, 1, 2, 3]);
    }

    #[test]
    fn a_leaving_waiter_makes_room_for_the_next() {
        let rate = rate(10, 1);
        let mut bucket = Bucket::new(rate, Duration::ZERO);
        assert_eq!(one(&mut bucket, rate, millis(0), 1), Ok(()));
        assert_eq!(one(&mut bucket, rate, millis(0), 1), Err(millis(100)));
        assert_eq!(one(&mut bucket, rate, millis(0), 2), Err(millis(200)));
        assert_eq!(one(&mut bucket, rate, millis(100), 2), Err(millis(100)));
        assert!(bucket.leave(rate, 1));
        assert!(!bucket.leave(rate, 1));
        assert_eq!(one(&mut bucket, rate, millis(100), 2), Ok(()));
    }

    #[test]
    fn a_new_rate_keeps_the_earned_tokens() {
        let (slow, fast) = (rate(1, 1), rate(1000, 1000));
        let mut bucket = Bucket::new(slow, Duration::ZERO);
        assert_eq!(taken(&mut bucket, slow, millis(0)), 1);
        bucket.change(slow, fast, millis(500));
        // Half a token is earned; the other half now takes half a millisecond.
        assert_eq!(one(&mut bucket, fast, millis(500), 1), Err(Duration::from_micros(500)));
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
        assert_eq!(one(&mut bucket, fast, years * 3, 1), Ok(()));
    }

    /// One or several steps share the bucket; each retries when told to, but late, and takes as many tokens
    /// as it gets.
    #[derive(Debug)]
    struct Run {
        rate: Rate,
        now: Duration,
        /// Tokens taken by each step.
        taken: Vec<u64>,
    }

    /// Runs `steps` steps that always want tokens, `window` at a time, until `until`.
    fn run(
        rate: Rate,
        steps: usize,
        window: usize,
        until: Duration,
        mut delay: impl FnMut() -> Duration,
    ) -> Run {
        let mut bucket = Bucket::new(rate, Duration::ZERO);
        let (mut now, mut taken) = (Duration::ZERO, vec![0; steps]);
        let mut due = vec![Duration::ZERO; steps];
        loop {
            let (step, at) = due.iter().copied().enumerate().min_by_key(|(_, due)| *due).unwrap();
            if at > until {
                return Run { rate, now, taken };
            }
            now = now.max(at);
            let wait = loop {
                let got = bucket.take(rate, now, step as Who, window);
                taken[step] += got.tokens as u64;
                if let Some(wait) = got.wait {
                    break wait;
                }
            };
            // A timer with millisecond resolution that fires late.
            let whole =
                Duration::from_millis((now + wait).as_nanos().div_ceil(1_000_000).try_into().unwrap());
            due[step] = whole + delay();
        }
    }

    impl Run {
        /// The number of events that a timer without delay would have admitted.
        fn right(&self) -> u64 {
            let Self { rate, now, .. } = self;
            u64::try_from((rate.full() + rate.earned(*now)) / rate.cost()).unwrap()
        }

        fn all(&self) -> u64 {
            self.taken.iter().sum()
        }
    }

    const RATES: [(u32, u64); 8] =
        [(1, 10_000), (1, 1_000), (7, 1_000), (100, 1_000), (999, 1_000), (1, 1), (50, 1), (1_000, 1)];

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(64))]

        /// From 0.1 to 1,000,000 events per second.
        #[test]
        fn a_rate_is_kept_with_any_burst_however_late_the_timers_are(
            (events, per) in proptest::sample::select(&RATES[..]),
            burst in proptest::sample::select(&[1_u32, 2, 10, 1_000][..]),
            window in proptest::sample::select(&[1_usize, 10, 1_000][..]),
            steps in 1_usize..=3,
            latest in proptest::sample::select(&[0_u64, 1, 5, 300][..]),
            seed: u64,
        ) {
            let rate = Rate::new(events, millis(per)).unwrap().burst(burst).unwrap();
            let until = millis((40 * per).div_ceil(u64::from(events))).clamp(millis(20 + 5 * latest), SECOND * 400);
            let mut random = seed;
            let run = run(rate, steps, window, until, || {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                millis((random >> 33) % (latest + 1))
            });
            proptest::prop_assert!(run.all() <= run.right(), "{run:?}: more than {}", run.right());
            // Tokens reserved for another step have not been taken yet.
            let outstanding = if steps == 1 { 0 } else { run.right() / 100 + 2 * run.right() * latest / u64::try_from(until.as_millis()).unwrap() + 3 };
            proptest::prop_assert!(run.all() + outstanding >= run.right(), "{run:?}: less than {}", run.right());
        }
    }

    #[test]
    fn a_delay_is_caught_up_in_small_batches_and_forgotten_after_as_long() {
        let rate = rate(1_000, 5);
        let mut bucket = Bucket::new(rate, Duration::ZERO);
        assert_eq!(bucket.take(rate, millis(0), 1, 6), Taken { tokens: 5, wait: Some(millis(1)) });
        // Told to retry after 1 ms, it retries after 101 ms.
        assert_eq!(bucket.take(rate, millis(101), 1, 10), Taken { tokens: 10, wait: None });
        assert_eq!(bucket.take(rate, millis(110), 1, 10), Taken { tokens: 10, wait: None });
        assert_eq!(bucket.take(rate, millis(120), 1, 10), Taken { tokens: 10, wait: None });
        // The 90 tokens left of the delay, and those earned since, are limited to the burst.
        assert_eq!(bucket.take(rate, millis(201), 1, 10), Taken { tokens: 5, wait: Some(millis(1)) });
    }

    #[test]
    fn steps_that_share_a_rate_far_above_the_grain_of_timers_get_the_same() {
        let rate = rate(100_000, 1);
        let run = run(rate, 3, 1_000, SECOND, || Duration::ZERO);
        let (least, most) = (run.taken.iter().min().unwrap(), run.taken.iter().max().unwrap());
        assert!(most - least <= 200, "{run:?}");
    }
}
