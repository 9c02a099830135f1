//! Units of reported durations.

use std::time::Duration;

/// The unit in which the duration of a `#[timed]` function is reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// `hrs`
    Hours,
    /// `mins`
    Minutes,
    /// `secs`
    Seconds,
    /// `ms`
    Milliseconds,
    /// `µs`, the default
    #[default]
    Microseconds,
    /// `ns`
    Nanoseconds,
}

impl Unit {
    /// Returns the symbol of the unit.
    ///
    /// ```
    /// use stage_core::timed::Unit;
    ///
    /// assert_eq!((Unit::Hours.symbol(), Unit::default().symbol()), ("hrs", "µs"));
    /// ```
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Hours => "hrs",
            Self::Minutes => "mins",
            Self::Seconds => "secs",
            Self::Milliseconds => "ms",
            Self::Microseconds => "µs",
            Self::Nanoseconds => "ns",
        }
    }

    /// Converts a duration to this unit, rounded to six decimal places.
    ///
    /// ```
    /// use stage_core::timed::Unit;
    /// use std::time::Duration;
    ///
    /// assert_eq!(Unit::Seconds.of(Duration::from_nanos(2_001_091_234)), 2.001_091);
    /// assert_eq!(Unit::Microseconds.of(Duration::from_nanos(1_500)), 1.5);
    /// ```
    pub fn of(self, time: Duration) -> f64 {
        let seconds = match self {
            Self::Hours => 3600.0,
            Self::Minutes => 60.0,
            Self::Seconds => 1.0,
            Self::Milliseconds => 1e-3,
            Self::Microseconds => 1e-6,
            Self::Nanoseconds => 1e-9,
        };
        (time.as_secs_f64() / seconds * 1e6).round() / 1e6
    }
}
