//! Options that only some kinds of steps have: events at once, rates, batches. A declared step has a knob for each, by which a
//! configuration sets it.

#[cfg(feature = "config")]
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::base::preset::Preset;
use crate::base::rate::Rate;
use crate::pipeline::{Chain, Pipeline};
use crate::policy::Carry;
use crate::sync::Arc;
use crate::wire::operator::AdjustableLimit;

/// An option of one declared step.
#[derive(Clone, Debug)]
pub(crate) enum Knob {
    /// `at_once`
    AtOnce(Arc<dyn AdjustableLimit>),
    /// `at_most`
    AtMost(Arc<dyn AdjustableLimit>),
    /// `rate`
    Rate(Preset<Rate>),
    /// `batch_size`, at most the size that the declaration promises to the next step.
    BatchSize {
        /// The size.
        preset: Preset<usize>,
        /// The largest one.
        #[cfg_attr(not(feature = "config"), allow(dead_code, reason = "only a configuration sets the size"))]
        most: usize,
    },
    /// `batch_seconds`
    BatchTime(Preset<Duration>),
    /// `retry_attempts`; `u32::MAX` and none in the declaration for no limit.
    Retries {
        /// The number.
        preset: Preset<u32>,
        /// That of the declaration.
        declared: Option<u32>,
    },
    /// `retry_first_seconds`
    RetryFirst {
        /// The delay.
        preset: Preset<Duration>,
        /// That of the declaration.
        declared: Duration,
    },
    /// `retry_most_seconds`
    RetryMost {
        /// The delay.
        preset: Preset<Duration>,
        /// That of the declaration.
        declared: Duration,
    },
    /// `deadline_seconds`
    Deadline {
        /// The time.
        preset: Preset<Duration>,
        /// That of the declaration.
        declared: Duration,
    },
}

/// A value for a [`Knob`] of its kind.
#[derive(Clone, Debug, PartialEq)]
#[cfg(feature = "config")]
pub(crate) enum KnobValue {
    /// Of `at_once`: not empty, and from 1.
    Bounds(RangeInclusive<usize>),
    /// Of `at_most` and `batch_size`, at least 1.
    Events(usize),
    /// Of `rate`.
    Rate(Rate),
    /// Of `batch_seconds` and `deadline_seconds`, above zero, and of the delays before a retry.
    Time(Duration),
    /// Of `retry_attempts`; `u32::MAX` for no limit.
    Retries(u32),
}

impl<T: Send + 'static, C: Carry> Chain<T, C> {
    /// Gives the step that was declared last the options of its kind.
    pub(crate) fn with_knobs(mut self, knobs: &[Knob]) -> Self {
        self.draft.add_knobs(knobs);
        self
    }
}

impl Pipeline {
    /// Gives the last step the options of its kind.
    #[inline]
    pub(crate) fn with_knobs(mut self, knobs: &[Knob]) -> Self {
        self.draft.add_knobs(knobs);
        self
    }
}

impl Knob {
    /// Returns the name used in files.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::AtOnce(_) => "at_once",
            Self::AtMost(_) => "at_most",
            Self::Rate(_) => "rate",
            Self::BatchSize { .. } => "batch_size",
            Self::BatchTime(_) => "batch_seconds",
            Self::Retries { .. } => "retry_attempts",
            Self::RetryFirst { .. } => "retry_first_seconds",
            Self::RetryMost { .. } => "retry_most_seconds",
            Self::Deadline { .. } => "deadline_seconds",
        }
    }

    /// Returns the value as in a file; `None` if the recipe of the step determines it.
    #[inline]
    pub(crate) fn shown(&self) -> Option<String> {
        match self {
            Self::AtOnce(limit) => {
                let now = limit.read();
                Some(if now.least == now.most {
                    now.most.to_string()
                } else {
                    format!("{}..={}", now.least, now.most)
                })
            }
            Self::AtMost(limit) => limit.read().per_key.map(|events| events.to_string()),
            Self::Rate(rate) if rate.get()?.is_unlimited() => Some("unlimited".to_owned()),
            Self::Rate(rate) => rate.get().map(|rate| rate.per_second().to_string()),
            Self::BatchSize { preset, .. } => preset.get().map(|events| events.to_string()),
            Self::BatchTime(time) => time.get().and_then(seconds),
            Self::Retries { preset, declared } => Some(match preset.get().or(*declared) {
                None | Some(u32::MAX) => "unlimited".to_owned(),
                Some(attempts) => attempts.to_string(),
            }),
            Self::RetryFirst { preset, declared }
            | Self::RetryMost { preset, declared }
            | Self::Deadline { preset, declared } => seconds(preset.get().unwrap_or(*declared)),
        }
    }

    /// Sets the value. The default window of a step that handles several events at once follows; returns the `max_demand`
    /// that was the default, and the new one.
    #[cfg(feature = "config")]
    pub(crate) fn set(&self, value: KnobValue) -> Option<(usize, usize)> {
        match (self, value) {
            (Self::AtOnce(limit), KnobValue::Bounds(bounds)) => return Some(limit.declare_bounds(bounds)),
            (Self::AtMost(limit), KnobValue::Events(events)) => limit.set_per_key(events),
            (Self::Rate(preset), KnobValue::Rate(rate)) => preset.set(rate),
            (Self::BatchSize { preset, .. }, KnobValue::Events(events)) => preset.set(events),
            (
                Self::BatchTime(preset)
                | Self::RetryFirst { preset, .. }
                | Self::RetryMost { preset, .. }
                | Self::Deadline { preset, .. },
                KnobValue::Time(time),
            ) => preset.set(time),
            (Self::Retries { preset, .. }, KnobValue::Retries(attempts)) => preset.set(attempts),
            (knob, value) => debug_assert!(false, "{value:?} is no value of {}", knob.name()),
        }
        None
    }
}

/// Returns a time as in a file; `None` for one that is longer than a file can say.
#[inline]
fn seconds(time: Duration) -> Option<String> {
    let seconds = time.as_secs_f64();
    Duration::try_from_secs_f64(seconds).is_ok().then(|| seconds.to_string())
}
