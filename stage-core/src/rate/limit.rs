//! How many events a time: a rate, and how much of it may be used at once.

use std::num::NonZeroU32;
use std::time::Duration;

/// So many events in a time, and a burst: how many that were not used may be used at once.
///
/// It is kept by a token bucket: in any stretch of time, at most the burst and the rate's share of that
/// time get through. There are no intervals that begin and end, and so no two bursts at their edges.
///
/// Timers fire late, by up to a millisecond or two on an idle machine. What a rate earns meanwhile is not lost: while
/// events wait, the rate holds on average from 0.1 to 1,000,000 events a second, whatever the burst. Above some 1,000
/// a second, events therefore come in batches of as many as a millisecond has.
///
/// ```
/// use std::time::Duration;
/// use stage_core::rate::Rate;
///
/// let rate = Rate::new(100, Duration::from_secs(1))?;
/// // The same, but evenly: one event each 10 ms.
/// let even = rate.burst(1)?;
/// assert!(Rate::new(0, Duration::from_secs(1)).is_err());
/// # let _ = even;
/// # Ok::<(), stage_core::rate::RateError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    events: NonZeroU32,
    per: Duration,
    burst: NonZeroU32,
}

/// A rate that cannot be kept.
#[derive(Clone, Copy, PartialEq, Eq, stage_macros::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum RateError {
    /// Nothing would ever get through.
    #[error("a rate must let at least 1 event through, got 0; to hold a step up, pause its subscription")]
    Events,
    /// No time, or more than can be reckoned with.
    #[error("the time of a rate must be above zero and at most 30 years, got {per:?}")]
    Per {
        /// The time given.
        per: Duration,
    },
    /// Nothing would ever get through.
    #[error("the burst of a rate must be at least 1, got 0")]
    Burst,
}

/// The longest time of a rate: token arithmetic must not overflow.
const LONGEST: Duration = Duration::from_hours(24 * 365 * 30);

impl Rate {
    /// `events` (at least 1) in `per` (above zero, at most 30 years), with a burst of `events`.
    ///
    /// # Errors
    ///
    /// [`RateError`] names what is out of range.
    pub const fn new(events: u32, per: Duration) -> Result<Self, RateError> {
        let Some(events) = NonZeroU32::new(events) else { return Err(RateError::Events) };
        if per.is_zero() || per.as_nanos() > LONGEST.as_nanos() {
            return Err(RateError::Per { per });
        }
        Ok(Self { events, per, burst: events })
    }

    /// At most `events` (at least 1) at once, after a time in which fewer were used. Default: as many as the
    /// rate has in its time.
    ///
    /// # Errors
    ///
    /// [`RateError::Burst`] for zero.
    pub const fn burst(mut self, events: u32) -> Result<Self, RateError> {
        let Some(burst) = NonZeroU32::new(events) else { return Err(RateError::Burst) };
        self.burst = burst;
        Ok(self)
    }

    /// What one event costs, where a nanosecond earns [`earned`](Self::earned).
    pub(super) fn cost(self) -> u128 {
        self.per.as_nanos()
    }

    /// What so much time earns.
    pub(super) fn earned(self, time: Duration) -> u128 {
        time.as_nanos() * u128::from(self.events.get())
    }

    /// The time in which `missing` is earned, rounded up.
    pub(super) fn time_for(self, missing: u128) -> Duration {
        let nanos = missing.div_ceil(u128::from(self.events.get()));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// What a full bucket holds.
    pub(super) fn full(self) -> u128 {
        self.cost() * u128::from(self.burst.get())
    }
}
