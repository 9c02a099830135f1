//! The options of a pipeline as a struct.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::backoff::{Attempts, Unlimited};
use super::knobs::bounds;
use crate::base::copies::Copies;
use crate::base::options::{CancelMode, Capacity, Keep, Placement, Restart};
use crate::credit::tuning::Tuning;
use crate::pipeline::options::step_options;
use crate::supervise::Strategy;

/// The options of a pipeline as a struct; `None` leaves an option unset. Accepted by [`Overrides::map`].
///
/// ```
/// use stage_core::config::{Overrides, PipelineOptions, StepSettings};
///
/// let mut options = PipelineOptions::default();
/// options.steps.insert("square".to_owned(), StepSettings { count: Some(3.into()), ..StepSettings::default() });
/// let overrides = Overrides::new().map("the tuner", &options);
/// assert!(!overrides.is_empty());
/// ```
///
/// [`Overrides::map`]: super::Overrides::map
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PipelineOptions {
    /// Which stages are restarted together with a failed one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// The number of restarts the pipeline tolerates within the period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_restarts: Option<usize>,
    /// The period in seconds, above 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_seconds: Option<f64>,
    /// The delay before a restart.
    #[serde(skip_serializing_if = "BackoffSettings::is_empty")]
    pub backoff: BackoffSettings,
    /// The parts that are started of a pipeline with edges, as the text form of
    /// [`Parts`](crate::pipeline::Parts): `behind orders`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<String>,
    /// Options of every step that does not set them itself.
    #[serde(skip_serializing_if = "StepSettings::is_empty")]
    pub defaults: StepSettings,
    /// Options of steps, by step name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub steps: BTreeMap<String, StepSettings>,
}

/// The delay before a restart; `None` leaves a part unset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackoffSettings {
    /// The delay before the first restart, in seconds, from 0 to `most_seconds`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seconds: Option<f64>,
    /// The longest delay in seconds; delays double up to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_seconds: Option<f64>,
    /// The number of restarts after which the pipeline gives up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Attempts>,
}

impl BackoffSettings {
    /// Returns whether nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

macro_rules! settings {
    ($($(#[$doc:meta])* $variant:ident $field:ident($argument:ident: $type:ty) = $usual:expr;
       $about:literal, $read:ident, $show:ident, $legal:expr, { $(#[$file:meta])* };)*) => {
        /// The options of a step; `None` leaves an option unset.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct StepSettings {
            $(
                #[doc = $about]
                #[serde(skip_serializing_if = "Option::is_none")]
                $(#[$file])*
                pub $field: Option<$type>,
            )*
            /// How many events a step that is declared with `at_once` handles at once.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub at_once: Option<EventsAtOnce>,
            /// How many events with equal keys a step that is declared with `at_most` handles at once, at least 1.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub at_most: Option<usize>,
            /// The rate of a step that limits it.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub rate: Option<EventsPerSecond>,
            /// The number of events in a batch, at least 1, of a step that makes batches.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub batch_size: Option<usize>,
            /// The time since the first event of a batch, in seconds, above 0, of a step that makes batches.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub batch_seconds: Option<f64>,
            /// The number of attempts after the first at an event that fails, of a step that retries.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub retry_attempts: Option<Attempts>,
            /// The delay before the first retry in seconds, of a step that retries.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub retry_first_seconds: Option<f64>,
            /// The longest delay before a retry in seconds, of a step that retries; delays double up to it.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub retry_most_seconds: Option<f64>,
            /// The time that an attempt may take in seconds, above 0, of a step that has a deadline.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub deadline_seconds: Option<f64>,
        }
    };
}

step_options!(settings);

impl StepSettings {
    /// Returns whether nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How many events a step handles at once: one number, or the bounds of a number that follows the target of its handlers.
/// Written as `16` or `"4..=64"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct EventsAtOnce {
    /// The lower bound, at least 1.
    pub least: usize,
    /// The upper bound; equal to `least` for one number.
    pub most: usize,
}

impl TryFrom<Value> for EventsAtOnce {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        let bounds =
            bounds(&value).ok_or("expected a number of events, `auto`, or bounds such as `4..=64`")?;
        Ok(Self { least: *bounds.start(), most: *bounds.end() })
    }
}

impl From<EventsAtOnce> for Value {
    fn from(EventsAtOnce { least, most }: EventsAtOnce) -> Self {
        if least == most { most.into() } else { format!("{least}..={most}").into() }
    }
}

/// A rate: a number of events per second, or the word `unlimited`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EventsPerSecond {
    /// This number, in whole events a second, minute, hour or day.
    Number(f64),
    /// No limit.
    Unlimited(Unlimited),
}

/// A number of events, or the word `unbounded`.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Events(usize),
    Word(Unbounded),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Unbounded {
    Unbounded,
}

pub(super) mod capacity {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Unbounded, Written};
    use crate::base::options::Capacity;

    #[expect(clippy::ref_option, reason = "serde passes the field by reference")]
    pub(super) fn serialize<S: Serializer>(capacity: &Option<Capacity>, to: S) -> Result<S::Ok, S::Error> {
        let written = capacity.map(|capacity| match capacity {
            Capacity::Bounded(events) => Written::Events(events),
            Capacity::Unbounded => Written::Word(Unbounded::Unbounded),
        });
        written.serialize(to)
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Capacity>, D::Error> {
        let written = Option::<Written>::deserialize(from)?;
        Ok(written.map(|written| match written {
            Written::Events(events) => Capacity::Bounded(events),
            Written::Word(Unbounded::Unbounded) => Capacity::Unbounded,
        }))
    }
}
