//! Deadlines that may lie too far in the future: converts durations from users to instants without overflow.

use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The longest wait that is scheduled. A longer one, such as [`Duration::MAX`], means "never".
pub(crate) const LONGEST: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);

/// Returns the instant `wait` after `from`, or `None` ("never") if `wait` exceeds 30 years.
pub(crate) fn after(from: Instant, wait: Duration) -> Option<Instant> {
    if wait > LONGEST { None } else { from.checked_add(wait) }
}

/// Waits until `moment`, or forever if it is `None`.
pub(crate) async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

/// Returns whether time tells how fast a stage is. Paused time does not, unless a test wants it to.
pub(crate) fn tells_speed() -> bool {
    !is_paused() || paused::counts()
}

/// Returns whether the runtime's time is paused.
fn is_paused() -> bool {
    let before = Instant::now();
    let real = std::time::Instant::now();
    while std::time::Instant::now() == real {
        std::hint::spin_loop();
    }
    Instant::now() == before
}

#[cfg(feature = "test-util")]
pub(crate) use paused::count as count_paused;

#[cfg(feature = "test-util")]
mod paused {
    use std::cell::Cell;

    thread_local! {
        /// The number of tests on this thread that want paused time to count.
        static WANTED: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn counts() -> bool {
        WANTED.get() > 0
    }

    /// Begins or ends to count paused time.
    pub(crate) fn count(wanted: bool) {
        WANTED.set(if wanted { WANTED.get() + 1 } else { WANTED.get() - 1 });
    }
}

#[cfg(not(feature = "test-util"))]
mod paused {
    pub(super) const fn counts() -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn paused_time_is_noticed_and_so_is_its_end() {
        assert!(is_paused());
        tokio::time::resume();
        assert!(!is_paused());
        tokio::time::pause();
        assert!(is_paused());
    }

    #[test]
    fn time_outside_of_a_runtime_passes() {
        assert!(!is_paused());
    }

    #[test]
    fn a_wait_that_no_clock_measures_never_ends_and_every_other_does() {
        let now = Instant::now();
        assert_eq!(after(now, Duration::ZERO), Some(now));
        assert_eq!(after(now, LONGEST).map(|moment| moment - now), Some(LONGEST));
        for never in [LONGEST + Duration::from_nanos(1), Duration::from_secs(u64::MAX / 2), Duration::MAX] {
            assert_eq!(after(now, never), None);
        }
    }
}
