//! The options of a step: their names and legal values, and how they are read and written.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::Problem;
use super::structs::capacity;
use crate::base::copies::Copies;
use crate::base::options::Capacity;
use crate::pipeline::StepKind;
use crate::pipeline::options::{StepOptions, StepValues, step_options};

macro_rules! settings {
    ($($(#[$doc:meta])* $variant:ident $field:ident($argument:ident: $type:ty) = $usual:expr;
       $about:literal, $read:ident, $show:ident, $legal:expr, { $(#[$file:meta])* };)*) => {
        /// An option of a step that can be set from outside.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Setting {
            $(#[doc = $about] $variant,)*
        }

        impl Setting {
            /// All settings, in display order.
            pub const ALL: [Self; [$(stringify!($field)),*].len()] = [$(Self::$variant),*];

            /// Returns the name used in files.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($field),)*
                }
            }

            /// Returns a description of the legal values.
            pub const fn legal(self) -> &'static str {
                match self {
                    $(Self::$variant => $legal,)*
                }
            }

            /// Writes a value into the options.
            pub(super) fn set(self, options: &mut StepOptions, value: &Value) -> Result<(), Problem> {
                let done = match self {
                    $(Self::$variant => $read(value).map(|value| options.$field = Some(value)),)*
                };
                done.ok_or_else(|| wrong(self.legal(), value))
            }

            /// Returns whether the options set it.
            pub(super) fn is_set(self, options: &StepOptions) -> bool {
                match self {
                    $(Self::$variant => options.$field.is_some(),)*
                }
            }

            /// Returns the displayed form of its value.
            pub(super) fn shown(self, values: &StepValues) -> Value {
                match self {
                    $(Self::$variant => $show(values.$field),)*
                }
            }
        }
    };
}

step_options!(settings);

#[cfg(feature = "rayon")]
const PLACEMENTS: &str = "\"runtime\", \"blocking\" or \"rayon\"";
#[cfg(not(feature = "rayon"))]
const PLACEMENTS: &str = "\"runtime\" or \"blocking\" (and \"rayon\", with that feature of stage-core)";

impl Setting {
    /// Returns the setting with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|setting| setting.name() == name)
    }

    /// Returns why the setting has no effect on steps of this kind, or `None` if it has one.
    pub(super) const fn idle(self, kind: StepKind) -> Option<&'static str> {
        match (self, kind) {
            (Self::Demand | Self::MinDemand | Self::MaxDemand, StepKind::Producer) => {
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

/// Returns the value, if it is a number of copies above 0, or a range of such numbers.
fn copies(value: &Value) -> Option<Copies> {
    typed(value).filter(|copies: &Copies| 0 < copies.least() && copies.least() <= copies.most())
}

/// Returns the value, if it is a number above 0.
fn at_least_1(value: &Value) -> Option<usize> {
    typed(value).filter(|number| *number > 0)
}

/// Returns the value, if it is a capacity.
fn bounded(value: &Value) -> Option<Capacity> {
    capacity::deserialize(value).ok().flatten()
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
