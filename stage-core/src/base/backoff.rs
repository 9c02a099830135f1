//! How long to wait before the next attempt: longer each time, and not all at once.

use std::time::Duration;

/// Waits between attempts that grow twofold, up to a most, each shortened by up to half at random so
/// that many who failed together do not try again together ("equal jitter").
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
    /// Waits from `first` (before the first attempt) to `most`, for as many attempts as it takes.
    pub const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, attempts: None }
    }

    /// At most so many attempts in a row without success. Default: as many as it takes.
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts);
        self
    }

    /// The shortest wait, the longest, and how many there are at most.
    #[cfg(feature = "config")]
    pub(crate) const fn parts(&self) -> (Duration, Duration, Option<u32>) {
        (self.first, self.most, self.attempts)
    }

    /// The wait before attempt number `attempt`, from 0; nothing if there is to be none. `seed` stands for
    /// chance: the same seed and attempt give the same wait.
    pub fn delay(&self, attempt: u32, seed: u64) -> Option<Duration> {
        if self.attempts.is_some_and(|attempts| attempt >= attempts) {
            return None;
        }
        let whole = self.first.saturating_mul(1 << attempt.min(30)).min(self.most);
        let chance = mixed(seed ^ u64::from(attempt).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        // The upper bits, as a share of 1 in steps of 2⁻³².
        let share = (chance >> 32) as u32;
        let (half, share) = (whole.as_nanos() / 2, u128::from(share));
        // Below 2⁹⁴, so that no product exceeds 2¹²⁶; and of the wait, at most half is cut off.
        let spared = half * (u128::from(u32::MAX) - share) / u128::from(u32::MAX);
        Some(whole.saturating_sub(duration(spared)))
    }
}

/// So many nanoseconds, which come from a duration.
fn duration(nanos: u128) -> Duration {
    const SECOND: u128 = 1_000_000_000;
    let seconds = u64::try_from(nanos / SECOND).unwrap_or(u64::MAX);
    // The rest is below a second, which fits.
    Duration::new(seconds, u32::try_from(nanos % SECOND).unwrap_or(0))
}

/// The finaliser of `SplitMix64` (Steele, Lea, Flood 2014): every bit of the result depends on every bit.
fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
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
