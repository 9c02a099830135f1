//! How the demand window of a subscription is chosen: fixed, or tuned while the stage runs.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use super::demand::WindowError;
use super::limits::MOST_EVENTS;
use super::tuner::Tuner;

/// How the demand window of a step or a subscription is chosen.
///
/// A tuned window, the default, holds about a millisecond of work: it is large for events that are handled in
/// nanoseconds, and two events for those that take milliseconds. It begins with `max_demand` 16 and `min_demand` 8,
/// is always a power of two, and `min_demand` is half of it. While time is paused, and in a simulation, nothing is
/// measured and it stays as it begins, so that schedules replay.
///
/// ```
/// use stage_core::{Pipeline, StepOptions, Tuning};
///
/// let pipeline = Pipeline::builder("upload")
///     .start_fn("files", || Ok(0..100_u32))
///     .step_fn(StepOptions::named("pack").demand(Tuning::UpTo(500)), |file| file + 1)
///     .finish_fn("store", |_| ());
/// assert_eq!(pipeline.topology().step("pack").map(|step| step.max_demand), Some(256));
/// assert_eq!(pipeline.topology().step("store").map(|step| step.demand), Some(Tuning::Auto));
/// assert_eq!("auto(..=500)".parse(), Ok(Tuning::UpTo(500)));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tuning {
    /// The window is `max_demand` and `min_demand`. In files: `fixed`.
    Fixed,
    /// The window is tuned, up to 1,024 events; up to 4,096 behind an exchange of a flow. The default. In files: `auto`.
    #[default]
    Auto,
    /// The window is tuned, up to this number of events, 1 to 1,000,000,000, rounded down to a power of two.
    /// In files: `auto(..=500)`.
    ///
    /// The bound counts events, whatever their size: set it for events of many kilobytes.
    UpTo(usize),
}

/// A text that names no [`Tuning`].
///
/// ```
/// use stage_core::Tuning;
/// use stage_core::subscribe::ParseTuningError;
///
/// let error: ParseTuningError = "quick".parse::<Tuning>().unwrap_err();
/// assert_eq!(error.to_string(), "expected `fixed`, `auto` or `auto(..=500)`");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[error("expected `fixed`, `auto` or `auto(..=500)`")]
#[non_exhaustive]
pub struct ParseTuningError;

impl Tuning {
    /// Returns how options choose a window: as `demand` says, or fixed if they set one of its numbers; `None` if
    /// they leave it open.
    pub(crate) fn said(
        demand: Option<Self>,
        max_demand: Option<usize>,
        min_demand: Option<usize>,
    ) -> Option<Self> {
        demand.or(max_demand.or(min_demand).and(Some(Self::Fixed)))
    }

    /// Returns the tuner of a new subscription; `None` for a fixed window.
    pub(crate) const fn tuner(self) -> Result<Option<Tuner>, WindowError> {
        match self {
            Self::Fixed => Ok(None),
            Self::Auto => Ok(Some(Tuner::new(Tuner::BOUND))),
            Self::UpTo(0) => Err(WindowError::Bound { bound: 0 }),
            Self::UpTo(bound) if bound > MOST_EVENTS => Err(WindowError::Bound { bound }),
            Self::UpTo(bound) => Ok(Some(Tuner::new(bound))),
        }
    }
}

impl fmt::Display for Tuning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed => f.write_str("fixed"),
            Self::Auto => f.write_str("auto"),
            Self::UpTo(bound) => write!(f, "auto(..={bound})"),
        }
    }
}

impl From<ParseIntError> for ParseTuningError {
    fn from(_: ParseIntError) -> Self {
        Self
    }
}

impl FromStr for Tuning {
    type Err = ParseTuningError;

    #[inline]
    fn from_str(text: &str) -> Result<Self, ParseTuningError> {
        match text {
            "fixed" => return Ok(Self::Fixed),
            "auto" => return Ok(Self::Auto),
            _ => {}
        }
        let bound = text.strip_prefix("auto(..=").and_then(|rest| rest.strip_suffix(')'));
        Ok(Self::UpTo(bound.ok_or(ParseTuningError)?.trim().replace('_', "").parse()?))
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Tuning {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Tuning {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_read_as_it_is_written() {
        for tuning in [Tuning::Fixed, Tuning::Auto, Tuning::UpTo(1), Tuning::UpTo(usize::MAX)] {
            assert_eq!(tuning.to_string().parse(), Ok(tuning));
        }
        assert_eq!("auto(..=1_000)".parse(), Ok(Tuning::UpTo(1000)));
        for wrong in ["", "Auto", "auto()", "auto(..500)", "auto(..=-1)", "auto(..=)", "auto(..=9"] {
            assert_eq!(wrong.parse::<Tuning>(), Err(ParseTuningError), "{wrong}");
        }
    }

    #[test]
    fn a_bound_out_of_range_is_refused() {
        for bound in [0, MOST_EVENTS + 1, usize::MAX] {
            let error = Tuning::UpTo(bound).tuner().unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("the bound of an automatic window must be between 1 and 1000000000, got {bound}")
            );
        }
        assert!(Tuning::UpTo(MOST_EVENTS).tuner().is_ok());
    }
}
