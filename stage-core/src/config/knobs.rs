//! Reads the options that only some kinds of steps have.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value;

use super::setting::typed;
use crate::base::rate::Rate;
use crate::pipeline::options::{Knob, KnobValue};

/// The bounds of `auto`.
const AUTO: RangeInclusive<usize> = 1..=256;

impl Knob {
    /// Returns a description of the legal values.
    pub(super) const fn legal(&self) -> &'static str {
        match self {
            Self::AtOnce(_) => "a whole number of events, at least 1, \"auto\", or bounds such as \"4..=64\"",
            Self::AtMost(_) => "a whole number of events, at least 1",
            Self::Rate(_) => {
                "a number of events per second, in whole events a second, minute, hour or day, or \"unlimited\""
            }
            Self::BatchSize { .. } => {
                "a whole number of events, from 1 to the size in the declaration if that states one"
            }
            Self::BatchTime(_) | Self::Deadline { .. } => "a number of seconds, above 0",
            Self::Retries { .. } => "a whole number of attempts after the first, or \"unlimited\"",
            Self::RetryFirst { .. } | Self::RetryMost { .. } => "a number of seconds, 0 or more",
        }
    }

    /// Reads a value, if it is legal.
    pub(super) fn read(&self, value: &Value) -> Option<KnobValue> {
        match self {
            Self::AtOnce(_) => bounds(value).map(KnobValue::Bounds),
            Self::AtMost(_) => events(value).map(KnobValue::Events),
            Self::Rate(_) if value.as_str() == Some("unlimited") => Some(KnobValue::Rate(Rate::unlimited())),
            Self::Rate(_) => Rate::from_per_second(typed(value)?).map(KnobValue::Rate),
            Self::BatchSize { most, .. } => {
                events(value).filter(|events| events <= most).map(KnobValue::Events)
            }
            Self::BatchTime(_) | Self::Deadline { .. } => {
                seconds(value).filter(|time| !time.is_zero()).map(KnobValue::Time)
            }
            Self::RetryFirst { .. } | Self::RetryMost { .. } => seconds(value).map(KnobValue::Time),
            Self::Retries { .. } if value.as_str() == Some("unlimited") => Some(KnobValue::Retries(u32::MAX)),
            Self::Retries { .. } => typed(value).map(KnobValue::Retries),
        }
    }
}

/// Returns why a step has no knob of this name.
pub(super) fn missing(name: &str) -> Option<&'static str> {
    Some(match name {
        "at_once" => "the step handles its events one by one; declare it with `at_once`",
        "at_most" => "the step has no limit for events with equal keys; declare it with `at_most` and `per`",
        "rate" => "the step limits no rate; the option `rate` of a step adds one whose name ends in `.rate`",
        "batch_size" | "batch_seconds" => {
            "the step makes no batches; the option `batch` of a step adds one whose name ends in `.batch`"
        }
        "retry_attempts" | "retry_first_seconds" | "retry_most_seconds" => {
            "the step does not retry an event; declare it with `retry`"
        }
        "deadline_seconds" => "the step has no deadline; declare one by `FailurePolicy::deadline`",
        _ => return None,
    })
}

fn seconds(value: &Value) -> Option<Duration> {
    Duration::try_from_secs_f64(typed(value)?).ok()
}

fn events(value: &Value) -> Option<usize> {
    typed(value).filter(|events| *events > 0)
}

pub(super) fn bounds(value: &Value) -> Option<RangeInclusive<usize>> {
    let bounds = match value.as_str() {
        None => {
            let events = events(value)?;
            events..=events
        }
        Some("auto") => AUTO,
        Some(text) => {
            let (least, most) = text.split_once("..=")?;
            least.trim().parse().ok()?..=most.trim().parse().ok()?
        }
    };
    (*bounds.start() > 0 && !bounds.is_empty()).then_some(bounds)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_at_once_are_a_number_a_word_or_bounds() {
        assert_eq!(bounds(&json!(16)), Some(16..=16));
        assert_eq!(bounds(&json!("auto")), Some(1..=256));
        assert_eq!(bounds(&json!("4..=64")), Some(4..=64));
        for wrong in [json!(0), json!("0..=4"), json!("64..=4"), json!("4.."), json!(-1), json!("all")] {
            assert_eq!(bounds(&wrong), None, "{wrong}");
        }
    }
}
