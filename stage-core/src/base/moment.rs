//! Deadlines that may lie too far in the future: converts durations from users to instants without overflow.

use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The longest wait that is scheduled. A longer one, such as [`Duration::MAX`], means "never".
const LONGEST: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);

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

#[cfg(test)]
mod tests {
    use super::*;

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
