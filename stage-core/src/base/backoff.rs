//! Delays between attempts: exponential, capped and randomised.

use std::time::Duration;

use super::random::{GAMMA, mixed};

/// Computes the delays between attempts: each is twice the one before, up to a maximum, and random jitter
/// shortens it by up to half ("equal jitter"), so that tasks that failed together do not retry together.
///
/// ```
/// use std::time::Duration;
/// use stage_core::Backoff;
///
/// let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5)).attempts(10);
/// let third = backoff.delay(2, 42).unwrap();
/// assert!(third >= Duration::from_millis(200) && third <= Duration::from_millis(400));
/// assert_eq!(backoff.delay(10, 42), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Backoff {
    first: Duration,
    most: Duration,
    attempts: Option<u32>,
}

impl Backoff {
    /// Returns a back-off from `first` (before the first attempt) up to `most`, without a limit on attempts.
    pub const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, attempts: None }
    }

    /// Limits the attempts in a row without success that this back-off delays: an event that fails is tried once more than
    /// this, its first time included. Default: no limit.
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts);
        self
    }

    /// Returns the first delay, the longest delay and the limit on attempts.
    pub(crate) const fn parts(&self) -> (Duration, Duration, Option<u32>) {
        (self.first, self.most, self.attempts)
    }

    /// Returns the delay before attempt number `attempt`, counted from 0, or `None` once the limit is
    /// reached. The jitter is derived from `seed`: the same seed and attempt give the same delay.
    pub fn delay(&self, attempt: u32, seed: u64) -> Option<Duration> {
        if self.attempts.is_some_and(|attempts| attempt >= attempts) {
            return None;
        }
        let whole = self.first.saturating_mul(1 << attempt.min(30)).min(self.most);
        let chance = mixed(seed ^ u64::from(attempt).wrapping_mul(GAMMA));
        // The upper 32 bits, read as a fraction of 1 in steps of 2⁻³².
        let share = (chance >> 32) as u32;
        let (half, share) = (whole.as_nanos() / 2, u128::from(share));
        // `half` is below 2⁹⁴, so the product stays below 2¹²⁶. At most half of the delay is cut off.
        let spared = half * (u128::from(u32::MAX) - share) / u128::from(u32::MAX);
        Some(whole.saturating_sub(duration(spared)))
    }
}

/// Converts nanoseconds, which came from a `Duration`, back to one.
fn duration(nanos: u128) -> Duration {
    const SECOND: u128 = 1_000_000_000;
    let seconds = u64::try_from(nanos / SECOND).unwrap_or(u64::MAX);
    // The remainder is below one second, so it fits.
    Duration::new(seconds, u32::try_from(nanos % SECOND).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_most_and_are_shortened_by_up_to_half() {
        let backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(100));
        for (attempt, whole) in [(0, 10), (1, 20), (2, 40), (3, 80), (4, 100), (60, 100)] {
            for seed in 0..100 {
                let delay = backoff.delay(attempt, seed).unwrap();
                let whole = Duration::from_millis(whole);
                assert!(delay <= whole && delay >= whole / 2, "attempt {attempt}: {delay:?}");
            }
        }
    }

    #[test]
    fn the_longest_waits_are_shortened_as_all_others_and_overflow_nowhere() {
        let endless = Backoff::new(Duration::MAX, Duration::MAX);
        for seed in 0..100 {
            let delay = endless.delay(u32::MAX, seed).unwrap();
            assert!(delay >= Duration::MAX / 2, "{delay:?}");
        }
        assert_eq!(Backoff::new(Duration::ZERO, Duration::MAX).delay(u32::MAX, 1), Some(Duration::ZERO));
    }

    #[test]
    fn waits_differ_by_seed_and_not_by_time() {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(1));
        let delays: std::collections::HashSet<_> = (0..100).map(|seed| backoff.delay(0, seed)).collect();
        assert!(delays.len() > 90);
        assert_eq!(backoff.delay(0, 7), backoff.delay(0, 7));
    }
}
