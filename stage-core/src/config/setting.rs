//! The options of a step: their names and legal values, and how they are read and written.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::Problem;
use super::structs::capacity;
use crate::base::options::Capacity;
use crate::pipeline::{StepKind, StepOptions};

/// An option of a step that can be set from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Setting {
    /// The number of copies.
    Count,
    /// The number of outstanding events at which each copy asks for more.
    MinDemand,
    /// The maximum number of outstanding events.
    MaxDemand,
    /// Where callbacks run.
    Placement,
    /// The number of events without demand that are buffered.
    Buffer,
    /// Which events a full buffer keeps.
    Keep,
    /// Whether a copy that ended is rebuilt.
    Restart,
    /// How a copy reacts when a producer before it ends.
    Cancel,
}

impl Setting {
    /// All settings, in display order.
    pub const ALL: [Self; 8] = [
        Self::Count,
        Self::MinDemand,
        Self::MaxDemand,
        Self::Placement,
        Self::Buffer,
        Self::Keep,
        Self::Restart,
        Self::Cancel,
    ];

    /// Returns the name used in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::MinDemand => "min_demand",
            Self::MaxDemand => "max_demand",
            Self::Placement => "placement",
            Self::Buffer => "buffer",
            Self::Keep => "keep",
            Self::Restart => "restart",
            Self::Cancel => "cancel",
        }
    }

    /// Returns the setting with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|setting| setting.name() == name)
    }

    /// Returns a description of the legal values.
    pub const fn legal(self) -> &'static str {
        match self {
            Self::Count => "a whole number of copies, at least 1",
            Self::MinDemand => "a whole number of events, from 0 to max_demand - 1",
            Self::MaxDemand => "a whole number of events, at least 1",
            #[cfg(feature = "rayon")]
            Self::Placement => "\"runtime\", \"blocking\" or \"rayon\"",
            #[cfg(not(feature = "rayon"))]
            Self::Placement => "\"runtime\" or \"blocking\" (and \"rayon\", with that feature of stage-core)",
            Self::Buffer => "a whole number of events, or \"unbounded\"",
            Self::Keep => "\"first\" or \"last\"",
            Self::Restart | Self::Cancel => "\"permanent\", \"transient\" or \"temporary\"",
        }
    }

    /// Returns why the setting has no effect on steps of this kind, or `None` if it has one.
    pub(super) const fn idle(self, kind: StepKind) -> Option<&'static str> {
        match (self, kind) {
            (Self::MinDemand | Self::MaxDemand, StepKind::Producer) => {
                Some("a source has no producer to ask; set it on the steps after it")
            }
            (Self::Cancel, StepKind::Producer) => {
                Some("a source has no producer that could end; set it on the steps after it")
            }
            (Self::Cancel, StepKind::Whole) => Some("a whole pipeline has no producer that could end"),
            (Self::Buffer | Self::Keep, StepKind::Consumer) => {
                Some("a last step emits nothing, so it has nothing to buffer")
            }
            (Self::Buffer | Self::Keep, StepKind::Whole) => {
                Some("a whole pipeline emits nothing, so it has nothing to buffer")
            }
            _ => None,
        }
    }

    /// Writes a value into the options.
    pub(super) fn set(self, options: &mut StepOptions, value: &Value) -> Result<(), Problem> {
        let at_least_1 = || typed::<usize>(value).filter(|number| *number > 0);
        let done = match self {
            Self::Count => at_least_1().map(|count| options.count = Some(count)),
            Self::MinDemand => typed(value).map(|events| options.min_demand = Some(events)),
            Self::MaxDemand => at_least_1().map(|events| options.max_demand = Some(events)),
            Self::Placement => typed(value).map(|placement| options.placement = Some(placement)),
            Self::Buffer => {
                capacity::deserialize(value).ok().flatten().map(|capacity| options.buffer = Some(capacity))
            }
            Self::Keep => typed(value).map(|keep| options.keep = Some(keep)),
            Self::Restart => typed(value).map(|restart| options.restart = Some(restart)),
            Self::Cancel => typed(value).map(|mode| options.cancel = Some(mode)),
        };
        done.ok_or_else(|| wrong(self.legal(), value))
    }

    /// Returns whether the options set it.
    pub(super) fn is_set(self, options: &StepOptions) -> bool {
        match self {
            Self::Count => options.count.is_some(),
            Self::MinDemand => options.min_demand.is_some(),
            Self::MaxDemand => options.max_demand.is_some(),
            Self::Placement => options.placement.is_some(),
            Self::Buffer => options.buffer.is_some(),
            Self::Keep => options.keep.is_some(),
            Self::Restart => options.restart.is_some(),
            Self::Cancel => options.cancel.is_some(),
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Returns the value, if it has this type.
pub(super) fn typed<'de, T: Deserialize<'de>>(value: &'de Value) -> Option<T> {
    T::deserialize(value).ok()
}

/// Returns the problem of a value that is not legal.
pub(super) fn wrong(legal: &'static str, value: &Value) -> Problem {
    Problem::Value { legal, found: value.to_string() }
}

/// Returns the displayed form of a capacity.
pub(super) fn shown_capacity(capacity: Capacity) -> Value {
    match capacity {
        Capacity::Bounded(events) => events.into(),
        Capacity::Unbounded => "unbounded".into(),
    }
}

/// Returns the displayed form of a word.
pub(super) fn shown(word: impl Serialize) -> Value {
    // Words always serialise as text.
    serde_json::to_value(word).unwrap_or_default()
}
