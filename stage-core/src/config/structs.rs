//! What do the options of a pipeline look like as a struct?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::backoff::Attempts;
use crate::base::options::{CancelMode, Capacity, Keep, Placement, Restart};
use crate::supervise::Strategy;

/// The options of a pipeline as a program has them: what is `None` is not said. [`Overrides::map`] takes it.
///
/// ```
/// use stage_core::config::{Overrides, PipelineOptions, StepSettings};
///
/// let mut options = PipelineOptions::default();
/// options.steps.insert("square".to_owned(), StepSettings { count: Some(3), ..StepSettings::default() });
/// let overrides = Overrides::new().map("the tuner", &options);
/// assert!(!overrides.is_empty());
/// ```
///
/// [`Overrides::map`]: super::Overrides::map
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PipelineOptions {
    /// Which stages are restarted with one that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// How many restarts the pipeline survives within the period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_restarts: Option<usize>,
    /// The period, in seconds, above 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_seconds: Option<f64>,
    /// How long it is waited before a restart.
    #[serde(skip_serializing_if = "BackoffSettings::is_empty")]
    pub backoff: BackoffSettings,
    /// Options of every step that does not set them itself.
    #[serde(skip_serializing_if = "StepSettings::is_empty")]
    pub defaults: StepSettings,
    /// Options of steps, by their names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub steps: BTreeMap<String, StepSettings>,
}

/// How long it is waited before a restart: what is `None` is not said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackoffSettings {
    /// Before the first restart, in seconds, from 0 to `most_seconds`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seconds: Option<f64>,
    /// At most, in seconds: the waits double up to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_seconds: Option<f64>,
    /// After how many restarts the pipeline gives up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Attempts>,
}

impl BackoffSettings {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The options of a step: what is `None` is not said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StepSettings {
    /// How many copies, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// When each copy asks again, from 0 to `max_demand` − 1 events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_demand: Option<usize>,
    /// The most events each copy has outstanding at each producer, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_demand: Option<usize>,
    /// Where its callbacks run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
    /// How many events that nobody asked for it keeps: a number, or `unbounded`.
    #[serde(skip_serializing_if = "Option::is_none", with = "capacity")]
    pub buffer: Option<Capacity>,
    /// Which of them a full buffer keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<Keep>,
    /// Whether a copy that ended comes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<Restart>,
    /// What a copy does when a producer before it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel: Option<CancelMode>,
}

impl StepSettings {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
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
