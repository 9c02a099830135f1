//! A rate and its burst.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

/// A number of events per unit of time, and a burst: how many unused events may pass at once.
///
/// Enforced by a token bucket: in any period, at most the burst plus the rate's share of that period passes.
/// There are no fixed intervals, and therefore no double bursts at their boundaries.
///
/// Timers fire late, by up to a millisecond or two on an idle machine. Tokens earned in the meantime are not
/// lost: while events wait, the rate holds on average from 0.1 to 1,000,000 events per second, whatever the
/// burst. Above about 1,000 per second, events therefore pass in batches of one millisecond's worth.
///
/// ```
/// use std::time::Duration;
/// use stage_core::rate::Rate;
///
/// let rate = Rate::new(100, Duration::from_secs(1))?;
/// // The same rate, evenly spaced: one event every 10 ms.
/// let even = rate.burst(1)?;
/// assert!(Rate::new(0, Duration::from_secs(1)).is_err());
/// # let _ = even;
/// # Ok::<(), stage_core::rate::RateError>(())
/// ```
///
/// The numbers of a rate can be read back:
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::rate::{Rate, RateError};
///
/// let rate = Rate::new(30, Duration::from_secs(60))?.burst(5)?;
/// assert_eq!((rate.events(), rate.per(), rate.max_burst()), (30, Duration::from_secs(60), 5));
/// assert!((rate.per_second() - 0.5).abs() < f64::EPSILON && !rate.is_unlimited());
/// assert_eq!(rate.burst(0), Err(RateError::Burst));
/// # Ok::<(), RateError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Rate {
    events: NonZeroU32,
    per: Duration,
    burst: NonZeroU32,
}

/// An invalid rate.
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::rate::{Rate, RateError};
///
/// assert_eq!(Rate::new(0, Duration::from_secs(1)), Err(RateError::Events));
/// assert_eq!(Rate::new(1, Duration::ZERO), Err(RateError::Per { per: Duration::ZERO }));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[non_exhaustive]
pub enum RateError {
    /// No event would ever pass.
    #[error("a rate must allow at least 1 event, got 0; to hold a step back, pause its subscription")]
    Events,
    /// The time is zero, or longer than the arithmetic supports.
    #[error("the time of a rate must be above zero and at most 30 years, got {per:?}")]
    Per {
        /// The invalid time.
        per: Duration,
    },
    /// No event would ever pass.
    #[error("the burst of a rate must be at least 1, got 0")]
    Burst,
}

/// The longest time of a rate; token arithmetic must not overflow.
const LONGEST: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);

/// The units in which rates per second are exact, in seconds.
const UNITS: [u32; 4] = [1, 60, 3_600, 86_400];

impl Rate {
    /// Creates a rate of `events` (at least 1) per `per` (above zero, at most 30 years), with a burst of
    /// `events`.
    ///
    /// # Errors
    ///
    /// [`RateError`] names the value out of range.
    #[inline]
    pub const fn new(events: u32, per: Duration) -> Result<Self, RateError> {
        let Some(events) = NonZeroU32::new(events) else { return Err(RateError::Events) };
        if per.is_zero() || per.as_nanos() > LONGEST.as_nanos() {
            return Err(RateError::Per { per });
        }
        Ok(Self { events, per, burst: events })
    }

    /// A rate that holds nothing back: more than four billion events per nanosecond. A step that limits a rate has this one
    /// while it should not, so that a [budget](crate::rate::Budget) or an operator can limit it later.
    ///
    /// ```
    /// use stage_core::rate::{Budget, Rate};
    ///
    /// let budget: Budget = Budget::new(Rate::unlimited());
    /// assert_eq!(budget.rate().to_string(), "unlimited");
    /// ```
    pub const fn unlimited() -> Self {
        Self { events: NonZeroU32::MAX, per: Duration::from_nanos(1), burst: NonZeroU32::MAX }
    }

    /// Returns whether the rate is [unlimited](Self::unlimited).
    pub const fn is_unlimited(self) -> bool {
        self.events.get() == u32::MAX && self.per.as_nanos() == 1
    }

    /// Returns a rate of `events` per second, as whole events in the shortest of a second, a minute, an hour and a day that
    /// fits exactly; `None` if none does.
    ///
    /// ```
    /// use stage_core::rate::Rate;
    ///
    /// let rate = Rate::from_per_second(0.5).ok_or("30 a minute")?;
    /// assert_eq!((rate.events(), rate.per().as_secs()), (30, 60));
    /// assert_eq!(Rate::from_per_second(0.0), None);
    /// # Ok::<(), &str>(())
    /// ```
    #[inline]
    pub fn from_per_second(events: f64) -> Option<Self> {
        UNITS.into_iter().find_map(|unit| {
            let in_unit = (events * f64::from(unit)).round();
            let exact = (in_unit - events * f64::from(unit)).abs() < 1e-6 * in_unit;
            let range = 1.0..=f64::from(u32::MAX);
            if !exact || !range.contains(&in_unit) {
                return None;
            }
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
            Self::new(in_unit as u32, Duration::from_secs(unit.into())).ok()
        })
    }

    /// Returns the number of events per second.
    pub fn per_second(self) -> f64 {
        f64::from(self.events.get()) / self.per.as_secs_f64()
    }

    /// Sets the number of events (at least 1) that may pass at once after a period of lower use. Default: the
    /// `events` of the rate.
    ///
    /// # Errors
    ///
    /// [`RateError::Burst`] for zero.
    pub const fn burst(mut self, events: u32) -> Result<Self, RateError> {
        let Some(burst) = NonZeroU32::new(events) else { return Err(RateError::Burst) };
        self.burst = burst;
        Ok(self)
    }

    /// Returns the number of events per [`per`](Self::per), at least 1.
    pub const fn events(self) -> u32 {
        self.events.get()
    }

    /// Returns the unit of time, above zero.
    pub const fn per(self) -> Duration {
        self.per
    }

    /// Returns the number of events that may pass at once, at least 1.
    pub const fn max_burst(self) -> u32 {
        self.burst.get()
    }

    /// Returns the cost of one event, in units of which a nanosecond earns `events`.
    pub(crate) fn cost(self) -> u128 {
        self.per.as_nanos()
    }

    /// Returns the units earned in `time`.
    pub(crate) fn earned(self, time: Duration) -> u128 {
        time.as_nanos() * u128::from(self.events.get())
    }

    /// Returns the time in which `missing` units are earned, rounded up.
    pub(crate) fn time_for(self, missing: u128) -> Duration {
        let nanos = missing.div_ceil(u128::from(self.events.get()));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Returns the content of a full bucket.
    pub(crate) fn full(self) -> u128 {
        self.cost() * u128::from(self.burst.get())
    }
}

impl fmt::Display for Rate {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_unlimited() {
            return f.write_str("unlimited");
        }
        let Self { events, per, burst } = self;
        write!(f, "{events} events per {per:?}")?;
        if burst == events { Ok(()) } else { write!(f, ", at most {burst} at once") }
    }
}
