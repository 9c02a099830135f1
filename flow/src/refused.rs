//! Rejected options: the option, its value, the allowed values, and the source line.

use std::fmt::Debug;
use std::panic::Location;
use std::time::Duration;

/// Upper bound on the stages of a layer.
pub(crate) const MOST_STAGES: usize = 4096;

/// An option with an invalid value. A flow with such an option does not start.
#[derive(Clone, PartialEq, Eq, stage_core::__private::ErrorDebug, thiserror::Error)]
#[error("`{option}` at {at} cannot be {value}: {allowed}")]
#[non_exhaustive]
pub struct Refused {
    /// Name of the option.
    pub option: &'static str,
    /// The invalid value.
    pub value: String,
    /// The allowed values.
    pub allowed: &'static str,
    /// The call that set the value.
    pub at: &'static Location<'static>,
}

impl Refused {
    /// Rejects a value that the caller of a public function passed.
    #[track_caller]
    pub(crate) fn new(option: &'static str, value: impl Debug, allowed: &'static str) -> Self {
        Self { option, value: format!("{value:?}"), allowed, at: Location::caller() }
    }

    // `track_caller` does not reach into closures: the functions below branch without them.

    /// Rejects zero.
    #[track_caller]
    pub(crate) fn zero(option: &'static str, value: usize) -> Option<Self> {
        if value == 0 { Some(Self::new(option, value, "it must be at least 1")) } else { None }
    }

    /// Rejects a number of stages outside of `1..=MOST_STAGES`.
    #[track_caller]
    pub(crate) fn stages(option: &'static str, stages: usize) -> Option<Self> {
        let allowed = "a layer has 1 to 4096 stages";
        if (1..=MOST_STAGES).contains(&stages) { None } else { Some(Self::new(option, stages, allowed)) }
    }

    /// Rejects a wall-clock period below the resolution of the timers.
    #[track_caller]
    pub(crate) fn period(option: &'static str, period: Duration) -> Option<Self> {
        let allowed = "a period of the clock is at least 1 ms";
        if period < Duration::from_millis(1) { Some(Self::new(option, period, allowed)) } else { None }
    }

    /// Converts a duration of event time to milliseconds without rounding; rejects fractions and values below
    /// `least`. A duration longer than the range of `i64` acts as unbounded, so its fraction does not matter.
    #[track_caller]
    pub(crate) fn millis(option: &'static str, time: Duration, least: u32) -> Result<i128, Self> {
        // The milliseconds of every `Duration` fit an `i128`.
        let millis = i128::try_from(time.as_millis()).unwrap_or(i128::MAX);
        let is_whole = time.subsec_nanos().is_multiple_of(1_000_000) || millis > i128::from(u64::MAX);
        if millis < i128::from(least) || !is_whole {
            let allowed = match least {
                0 => "event time is in whole milliseconds",
                _ => "event time is in whole milliseconds, at least 1",
            };
            return Err(Self::new(option, time, allowed));
        }
        Ok(millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_time_is_never_rounded_and_the_longest_duration_is_unbounded() {
        let millis = |time, least| Refused::millis("it", time, least).map_err(|refused| refused.value);
        assert_eq!(millis(Duration::from_millis(7), 1), Ok(7));
        assert_eq!(millis(Duration::ZERO, 0), Ok(0));
        assert_eq!(millis(Duration::ZERO, 1), Err("0ns".to_owned()));
        assert_eq!(millis(Duration::from_micros(1500), 0), Err("1.5ms".to_owned()));
        assert!(millis(Duration::MAX, 1).is_ok_and(|all| all > 2 * i128::from(i64::MAX)));
    }

    #[test]
    fn a_refusal_names_the_option_its_value_and_the_line() {
        let refused = Refused::stages("stages", 5000).unwrap();
        let line = refused.at.line();
        let said = format!("`stages` at flow/src/refused.rs:{line}:");
        assert!(refused.to_string().starts_with(&said), "{refused}");
        assert!(refused.to_string().ends_with(" cannot be 5000: a layer has 1 to 4096 stages"), "{refused}");
    }
}
