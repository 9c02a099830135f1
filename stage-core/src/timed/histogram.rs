//! A histogram of durations with a fixed size: counts in buckets whose width grows with the duration.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets per doubling of the duration.
const STEPS: usize = 8;

/// Durations below this many nanoseconds have a bucket each.
const EXACT: usize = 2 * STEPS;

/// Covers 2⁶⁴ nanoseconds, which are 584 years.
const BUCKETS: usize = EXACT + 60 * STEPS;

/// Counts durations in 4 KiB, whatever their number. Any number of threads may record.
///
/// A bucket spans one eighth of a doubling (a logarithmic-linear histogram, like `HdrHistogram` by Gil Tene),
/// so a quantile is off by at most one sixteenth.
///
/// ```
/// use stage_core::timed::Histogram;
/// use std::time::Duration;
///
/// let times = Histogram::new();
/// for millis in 1..=100 {
///     times.record(Duration::from_millis(millis));
/// }
/// assert_eq!(times.count(), 100);
/// assert_eq!(times.max(), Some(Duration::from_millis(100)));
/// let median = times.quantile(0.5).expect("there are times").as_millis();
/// assert!((47..=53).contains(&median));
/// ```
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    nanos: AtomicU64,
    longest: AtomicU64,
}

impl Histogram {
    /// Creates an empty histogram.
    pub const fn new() -> Self {
        Self {
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
            nanos: AtomicU64::new(0),
            longest: AtomicU64::new(0),
        }
    }

    /// Records a duration.
    pub fn record(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket(nanos)].fetch_add(1, Ordering::Relaxed);
        // The update always succeeds; the sum saturates.
        let add = |sum: u64| Some(sum.saturating_add(nanos));
        let _ = self.nanos.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        self.longest.fetch_max(nanos, Ordering::Relaxed);
    }

    /// Adds the durations of another histogram.
    pub(crate) fn absorb(&self, other: &Self) {
        for (bucket, more) in self.buckets.iter().zip(&other.buckets) {
            bucket.fetch_add(more.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        let nanos = other.nanos.load(Ordering::Relaxed);
        let add = |sum: u64| Some(sum.saturating_add(nanos));
        let _ = self.nanos.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        self.longest.fetch_max(other.longest.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Returns the number of durations.
    #[inline]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum()
    }

    /// Returns the counts of durations below each power of two nanoseconds in `powers`, 0 to 63 in ascending
    /// order; then the number of all durations, and their sum.
    #[inline]
    pub(crate) fn below(&self, powers: &[u32]) -> (Vec<u64>, u64, Duration) {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        let until = |power: &u32| match power {
            0..4 => 1 << power,
            _ => EXACT + (*power as usize - 4) * STEPS,
        };
        let below = powers.iter().map(|power| counts[..until(power)].iter().sum()).collect();
        let sum = Duration::from_nanos(self.nanos.load(Ordering::Relaxed));
        (below, counts.iter().sum(), sum)
    }

    /// Returns the mean, or `None` if the histogram is empty.
    #[inline]
    pub fn mean(&self) -> Option<Duration> {
        self.nanos.load(Ordering::Relaxed).checked_div(self.count()).map(Duration::from_nanos)
    }

    /// Returns the longest duration, or `None` if the histogram is empty.
    #[inline]
    pub fn max(&self) -> Option<Duration> {
        (self.count() > 0).then(|| Duration::from_nanos(self.longest.load(Ordering::Relaxed)))
    }

    /// Returns the duration that `share` of the durations do not exceed (0.5 for the median), to within a
    /// sixteenth, or `None` if the histogram is empty. A share below 0 or above 1 counts as 0 or 1.
    #[inline]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        let count: u64 = counts.iter().sum();
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let rank = ((count as f64 * share.clamp(0.0, 1.0)).ceil() as u64).max(1);
        let mut below = 0;
        let found = counts.iter().position(|count| {
            below += count;
            below >= rank
        })?;
        Some(Duration::from_nanos(middle(found).min(self.longest.load(Ordering::Relaxed))))
    }
}

/// Returns the bucket of a duration.
fn bucket(nanos: u64) -> usize {
    let exact = |nanos: u64| usize::try_from(nanos).unwrap_or(BUCKETS - 1);
    if nanos < EXACT as u64 {
        return exact(nanos);
    }
    let doublings = nanos.ilog2() as usize;
    let step = exact(nanos >> (doublings - 3)) % STEPS;
    EXACT + (doublings - 4) * STEPS + step
}

/// Returns the duration in the middle of a bucket.
fn middle(bucket: usize) -> u64 {
    let Some(beyond) = bucket.checked_sub(EXACT) else { return bucket as u64 };
    let (doublings, step) = (beyond / STEPS + 4, beyond % STEPS);
    let width = 1_u64 << (doublings - 3);
    (STEPS as u64 + step as u64) * width + width / 2
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Histogram {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram")
            .field("count", &self.count())
            .field("mean", &self.mean())
            .field("max", &self.max())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_within_a_sixteenth_of_the_middle_of_its_bucket() {
        let times =
            (0..64).flat_map(|shift| [1_u64 << shift, (1 << shift) + (1 << shift) / 3, u64::MAX >> shift]);
        for nanos in times.chain(0..5_000) {
            let middle = middle(bucket(nanos));
            assert!(middle.abs_diff(nanos) <= nanos / 16, "{nanos} in a bucket around {middle}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn durations_are_counted_by_powers_of_two() {
        let times = Histogram::new();
        for nanos in [0, 15, 16, 1_023, 1_024, 1 << 40] {
            times.record(Duration::from_nanos(nanos));
        }
        let (below, count, sum) = times.below(&[0, 3, 4, 10, 11, 40, 41]);
        assert_eq!((below, count), (vec![1, 1, 2, 4, 5, 5, 6], 6));
        assert_eq!(sum, Duration::from_nanos(15 + 16 + 1_023 + 1_024 + (1 << 40)));
    }

    #[test]
    fn buckets_follow_each_other() {
        for index in 1..BUCKETS {
            assert!(middle(index) > middle(index - 1), "{index}");
            assert_eq!(bucket(middle(index)), index);
        }
    }

    #[test]
    fn figures_need_times() {
        let times = Histogram::default();
        assert_eq!((times.count(), times.mean(), times.max(), times.quantile(0.5)), (0, None, None, None));
    }

    #[test]
    fn figures_are_those_of_the_times() {
        let times = Histogram::new();
        for nanos in [1, 2, 3, 10] {
            times.record(Duration::from_nanos(nanos));
        }
        assert_eq!(times.mean(), Some(Duration::from_nanos(4)));
        let quantile = |share| times.quantile(share).map(|time| time.as_nanos());
        assert_eq!(
            [quantile(-1.0), quantile(0.5), quantile(0.75), quantile(2.0)],
            [Some(1), Some(2), Some(3), Some(10)]
        );
    }
}
