//! The values of the options of a step, each with its source.

use super::knob::Knob;
use super::step_options::{StepOptions, StepValues};
use super::table::step_options;
use crate::base::copies::Copies;
use crate::base::options::{CancelMode, Capacity, Keep, Placement, Restart};
use crate::credit::tuning::Tuning;

/// The source of an option's value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum OptionSource {
    /// It is not set: the general default applies, or a value that follows from other options.
    Default,
    /// The declaration sets it, for the step or as a default of the pipeline.
    Code,
    /// An override sets it: the name of the file, of the variable, or that the program gave to its map.
    Override(String),
}

/// The value of an option of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct OptionValue {
    /// The name of the step.
    pub step: String,
    /// The name of the option, as in a file.
    pub name: &'static str,
    /// The value at the start of the pipeline, as in a file.
    pub value: String,
    /// Where it comes from.
    pub source: OptionSource,
}

macro_rules! values {
    ($($(#[$doc:meta])* $variant:ident $field:ident($argument:ident: $type:ty) = $usual:expr;
       $about:literal, $read:ident, $show:ident, $legal:expr, { $(#[$file:meta])* };)*) => {
        /// Returns the value of each option of `step`. `overridden` returns the name of the override of a path.
        pub(in crate::pipeline) fn option_values(
            step: &str,
            own: &StepOptions,
            defaults: &StepOptions,
            values: &StepValues,
            overridden: impl Fn(&str) -> Option<String>,
        ) -> Vec<OptionValue> {
            let source = |name: &str, is_own: bool, is_default: bool| {
                let path = match (is_own, is_default) {
                    (true, _) => format!("steps.{step}.{name}"),
                    (false, true) => format!("defaults.{name}"),
                    (false, false) => return OptionSource::Default,
                };
                overridden(&path).map_or(OptionSource::Code, OptionSource::Override)
            };
            let mut all = vec![$(OptionValue {
                step: step.to_owned(),
                name: stringify!($field),
                value: values.$field.shown(),
                source: source(stringify!($field), own.$field.is_some(), defaults.$field.is_some()),
            }),*];
            if values.demand != Tuning::Fixed {
                // The numbers of a fixed window have no effect on a tuned one.
                all.retain(|option| !matches!(option.name, "max_demand" | "min_demand"));
            }
            all
        }
    };
}

step_options!(values);

/// Returns the values of the options that only some kinds of steps have. `overridden` returns the name of the override of a
/// path.
pub(in crate::pipeline) fn knob_values(
    step: &str,
    knobs: &[Knob],
    overridden: impl Fn(&str) -> Option<String>,
) -> Vec<OptionValue> {
    let value = |knob: &Knob| {
        let source = overridden(&format!("steps.{step}.{}", knob.name()));
        Some(OptionValue {
            step: step.to_owned(),
            name: knob.name(),
            value: knob.shown()?,
            source: source.map_or(OptionSource::Code, OptionSource::Override),
        })
    };
    knobs.iter().filter_map(value).collect()
}

/// A value as it is written in a file.
trait Shown {
    fn shown(self) -> String;
}

impl Shown for Copies {
    fn shown(self) -> String {
        self.to_string()
    }
}

impl Shown for usize {
    fn shown(self) -> String {
        self.to_string()
    }
}

impl Shown for Tuning {
    fn shown(self) -> String {
        self.to_string()
    }
}

impl Shown for Capacity {
    fn shown(self) -> String {
        match self {
            Self::Bounded(events) => events.to_string(),
            Self::Unbounded => "unbounded".to_owned(),
        }
    }
}

macro_rules! words {
    ($($type:ty),*) => {
        $(impl Shown for $type {
            fn shown(self) -> String {
                format!("{self:?}").to_lowercase()
            }
        })*
    };
}

words!(CancelMode, Keep, Placement, Restart);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::describe::Carried;

    #[test]
    fn each_value_has_its_source() {
        let own = StepOptions::new().count(2).max_demand(7);
        let defaults = StepOptions::new().min_demand(3);
        let effective = own.effective(&defaults, "seal", Carried::Events, Capacity::Unbounded);
        let values = effective.expect("valid options").values;
        let file = |path: &str| (path == "steps.seal.count").then(|| "drip.toml".to_owned());
        let all = option_values("seal", &own, &defaults, &values, file);
        let of = |name: &str| {
            let value = all.iter().find(|value| value.name == name).unwrap();
            (value.value.as_str(), value.source.clone())
        };
        assert_eq!(of("count"), ("2", OptionSource::Override("drip.toml".to_owned())));
        assert_eq!(of("max_demand"), ("7", OptionSource::Code));
        assert_eq!(of("min_demand"), ("3", OptionSource::Code));
        assert_eq!(of("placement"), ("runtime", OptionSource::Default));
        assert_eq!(of("buffer"), ("unbounded", OptionSource::Default));
    }
}
