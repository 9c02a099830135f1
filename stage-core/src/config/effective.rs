//! The effective options of a pipeline, each with its origin.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::backoff::{ATTEMPTS, Attempts, FIRST, MOST, Unlimited};
use super::origin::OptionOrigin;
use super::patch::{path_of_default, path_of_knob, path_of_step};
use super::setting::{Setting, shown};
use super::structs::PipelineOptions;
use crate::credit::tuning::Tuning;
use crate::pipeline::{Link, Parts, Pipeline, StepDeclaration, StepOptions};
use crate::supervise::{Intensity, Strategy};

const ZERO: Duration = Duration::ZERO;

/// Every option of a pipeline, with its origin.
///
/// Its `Display` output is a TOML file that sets all options, each with its origin in a comment: for
/// inspection, or to edit and pass to [`Overrides::file`](super::Overrides::file).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EffectiveOptions {
    /// The name of the pipeline.
    pub pipeline: String,
    /// The options of the whole pipeline, then those of its steps, in the order of their declaration.
    pub options: Vec<EffectiveOption>,
    /// The links between its steps, each with its maximum number of events in flight, as derived from the
    /// options.
    pub links: Vec<Link>,
    /// The maximum number of events in flight overall: see
    /// [`Topology::in_flight`](crate::pipeline::Topology::in_flight).
    pub in_flight: Option<usize>,
    #[serde(skip)]
    origins: BTreeMap<String, String>,
}

/// One option.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EffectiveOption {
    /// The step it belongs to; `None` for an option of the whole pipeline.
    pub step: Option<String>,
    /// The name of the option.
    pub name: &'static str,
    /// The value: a number or a word.
    pub value: Value,
    /// The origin of the value.
    pub origin: OptionOrigin,
}

impl EffectiveOptions {
    pub(super) fn of(pipeline: &Pipeline) -> Self {
        let whole = pipeline.whole();
        let topology = pipeline.topology();
        let mut all = Self {
            pipeline: topology.name.clone(),
            options: Vec::new(),
            links: topology.links.clone(),
            in_flight: topology.in_flight,
            origins: whole.origins,
        };
        let strategy = shown(whole.strategy);
        let (usual, given) = (Intensity::default(), whole.intensity);
        all.push_whole("strategy", strategy, whole.strategy == Strategy::default());
        all.push_whole("max_restarts", given.max_restarts.into(), given.max_restarts == usual.max_restarts);
        all.push_whole("within_seconds", seconds(given.within), given.within == usual.within);
        let (first, most, attempts) = whole.backoff.map_or((ZERO, ZERO, None), |backoff| backoff.parts());
        all.push_whole(FIRST.0, seconds(first), whole.backoff.is_none());
        all.push_whole(MOST.0, seconds(most), whole.backoff.is_none());
        let attempts = attempts.map_or(Attempts::Unlimited(Unlimited::Unlimited), Attempts::Most);
        all.push_whole(ATTEMPTS.0, shown(attempts), whole.backoff.is_none());
        if let Some(parts) = whole.parts {
            all.push_whole("parts", parts.to_string().into(), parts == Parts::all());
        }
        for step in pipeline.declarations() {
            let settings = Setting::ALL.into_iter().filter(|setting| setting.idle(step.kind).is_none());
            let options = settings.filter_map(|setting| {
                let values = step.effective?;
                let value = setting.shown(&values);
                let origin = all.origin_in(&step, setting);
                let is_number = matches!(setting, Setting::MinDemand | Setting::MaxDemand);
                // The numbers of a fixed window have no effect on a tuned one.
                if is_number && values.demand != Tuning::Fixed {
                    return None;
                }
                Some(EffectiveOption {
                    step: Some(step.name.to_owned()),
                    name: setting.name(),
                    value,
                    origin,
                })
            });
            let knobs = step.knobs.iter().filter_map(|knob| {
                let shown = knob.shown()?;
                let origin = all.origins.get(&path_of_knob(step.name, knob)).cloned();
                Some(EffectiveOption {
                    step: Some(step.name.to_owned()),
                    name: knob.name(),
                    value: serde_json::from_str(&shown).unwrap_or_else(|_| shown.into()),
                    origin: origin.map_or(OptionOrigin::Declared, OptionOrigin::Override),
                })
            });
            let options: Vec<_> = options.chain(knobs).collect();
            all.options.extend(options);
        }
        all
    }

    /// Returns the option at a path, such as `strategy` or `steps.encryption.count`.
    pub fn get(&self, path: &str) -> Option<&EffectiveOption> {
        self.options.iter().find(|option| option.path() == path)
    }

    /// Returns the values alone, as a struct.
    pub fn to_options(&self) -> PipelineOptions {
        let mut tree = serde_json::Map::new();
        let mut steps = serde_json::Map::new();
        for option in &self.options {
            let table = match &option.step {
                None => &mut tree,
                Some(step) => {
                    let table =
                        steps.entry(step.clone()).or_insert_with(|| Value::Object(serde_json::Map::new()));
                    let Value::Object(table) = table else { continue };
                    table
                }
            };
            let (table, name) = match option.name.split_once('.') {
                None => (table, option.name),
                Some((outer, name)) => {
                    let inner = table.entry(outer).or_insert_with(|| Value::Object(serde_json::Map::new()));
                    let Value::Object(inner) = inner else { continue };
                    (inner, name)
                }
            };
            table.insert(name.to_owned(), option.value.clone());
        }
        tree.insert("steps".to_owned(), Value::Object(steps));
        // The displayed values are the ones that can be read.
        serde_json::from_value(Value::Object(tree)).unwrap_or_default()
    }

    /// Returns the origin of the override of a step's option, if there is one.
    pub(super) fn overridden(&self, step: &str, setting: Setting) -> Option<&str> {
        let own = self.origins.get(&path_of_step(step, setting));
        own.or_else(|| self.origins.get(&path_of_default(setting))).map(String::as_str)
    }

    /// Returns the origin of a step's option.
    pub(super) fn origin_in(&self, step: &StepDeclaration<'_>, setting: Setting) -> OptionOrigin {
        let outside = |path: String| self.origins.get(&path).cloned().map(OptionOrigin::Override);
        let said = |options: &StepOptions, path: String| {
            setting.is_set(options).then(|| outside(path).unwrap_or(OptionOrigin::Declared))
        };
        said(step.own, path_of_step(step.name, setting))
            .or_else(|| is_half(step, setting).then_some(OptionOrigin::HalfOfMaxDemand))
            .or_else(|| is_in_batches(step, setting).then_some(OptionOrigin::InBatches))
            .or_else(|| says_fixed(step, setting).then_some(OptionOrigin::Window))
            .or_else(|| said(step.defaults, path_of_default(setting)))
            .unwrap_or(OptionOrigin::Default)
    }

    fn push_whole(&mut self, name: &'static str, value: Value, usual: bool) {
        let origin = match self.origins.get(name) {
            Some(origin) => OptionOrigin::Override(origin.clone()),
            None if usual => OptionOrigin::Default,
            None => OptionOrigin::Declared,
        };
        self.options.push(EffectiveOption { step: None, name, value, origin });
    }
}

impl EffectiveOptions {
    /// Writes a comment for each link that leads to the named step.
    fn write_links(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for link in self.links.iter().filter(|link| link.to == name) {
            if let Some(events) = link.in_flight {
                writeln!(f, "# At most {events} events are in flight from {}.", link.from)?;
            }
        }
        Ok(())
    }
}

impl EffectiveOption {
    /// Returns the path of the option, such as `steps.encryption.count`.
    pub fn path(&self) -> String {
        match &self.step {
            Some(step) => format!("steps.{step}.{}", self.name),
            None => self.name.to_owned(),
        }
    }
}

/// Returns whether `min_demand` was derived from `max_demand`.
fn is_half(step: &StepDeclaration<'_>, setting: Setting) -> bool {
    let default = if step.takes_batches { 1 } else { step.defaults.min_demand.unwrap_or(1) };
    setting == Setting::MinDemand
        && step.own.min_demand.is_none()
        && step.effective.is_some_and(|effective| effective.min_demand != default)
}

/// Returns whether `max_demand` was derived from that of the pipeline, which counts events.
fn is_in_batches(step: &StepDeclaration<'_>, setting: Setting) -> bool {
    setting == Setting::MaxDemand && step.takes_batches && step.own.max_demand.is_none()
}

/// Returns whether the window is fixed because the step or the pipeline sets its numbers.
fn says_fixed(step: &StepDeclaration<'_>, setting: Setting) -> bool {
    let sets = |options: &StepOptions| !setting.is_set(options) && options.said().is_some();
    setting == Setting::Demand && (sets(step.own) || sets(step.defaults))
}

/// Converts a time to seconds, an integer if there is no fraction.
fn seconds(time: Duration) -> Value {
    if time.subsec_nanos() == 0 { time.as_secs().into() } else { time.as_secs_f64().into() }
}

impl fmt::Display for EffectiveOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# The options of {} and their origins.", self.pipeline)?;
        match self.in_flight {
            Some(events) => writeln!(f, "# At most {events} events are in flight.")?,
            None => writeln!(
                f,
                "# The number of events in flight has no known bound: batches have no declared size."
            )?,
        }
        let mut table = None;
        for option in &self.options {
            if option.step != table {
                table.clone_from(&option.step);
                let name = option.step.as_deref().unwrap_or_default();
                writeln!(f, "\n[steps.{}]", key(name))?;
                self.write_links(name, f)?;
            }
            let line = format!("{} = {}", option.name, option.value);
            writeln!(f, "{line:<32} # {}", option.origin)?;
        }
        Ok(())
    }
}

/// Returns a TOML key, quoted if necessary.
fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    // A JSON string is also a valid TOML string.
    if bare { name.to_owned() } else { Value::from(name).to_string() }
}
