//! Resolves the paths of entries against the steps of a pipeline.

use super::did_you_mean::closest_word;
use super::error::{ConfigError, Problem};
use super::knobs::missing;
use super::overrides::{Entry, Spelling};
use super::setting::Setting;
use crate::pipeline::options::Knob;
use crate::pipeline::{StepDeclaration, StepKind};

/// The option that a path refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Strategy,
    MaxRestarts,
    WithinSeconds,
    BackoffFirst,
    BackoffMost,
    BackoffAttempts,
    Parts,
    /// An option of every step that does not set it itself.
    Default(Setting),
    /// An option of the step with this index.
    Step(usize, Setting),
    /// The option with the second index among those that only the kind of this step has.
    Knob(usize, usize),
}

/// A step whose options can be set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    pub(super) name: &'a str,
    pub(super) kind: StepKind,
    pub(super) knobs: &'a [Knob],
}

impl<'a> Step<'a> {
    pub(super) fn of(declared: &StepDeclaration<'a>) -> Self {
        Self { name: declared.name, kind: declared.kind, knobs: declared.knobs }
    }
}

/// The top-level keys.
const WHOLE: [&str; 7] =
    ["strategy", "max_restarts", "within_seconds", "backoff", "parts", "defaults", "steps"];

/// The keys of a back-off.
const BACKOFF: [&str; 3] = ["first_seconds", "most_seconds", "attempts"];

const TABLE_OF_STEPS: &str = "a table of steps, each with a table of its options";
const TABLE_OF_WAITS: &str = "a table of `first_seconds`, `most_seconds` and `attempts`";
const TABLE_OF_OPTIONS: &str = "a table of options, such as `count`";

/// Finds the option that `entry` sets.
pub(super) fn target(entry: &Entry, steps: &[Step<'_>]) -> Result<Target, ConfigError> {
    let path: Vec<&str> = entry.path.iter().map(String::as_str).collect();
    match path[..] {
        ["strategy"] => Ok(Target::Strategy),
        ["max_restarts"] => Ok(Target::MaxRestarts),
        ["within_seconds"] => Ok(Target::WithinSeconds),
        ["backoff"] => Err(no_table(entry, TABLE_OF_WAITS)),
        ["backoff", "first_seconds"] => Ok(Target::BackoffFirst),
        ["backoff", "most_seconds"] => Ok(Target::BackoffMost),
        ["backoff", "attempts"] => Ok(Target::BackoffAttempts),
        ["backoff", other] => Err(unknown_key(entry, other, BACKOFF)),
        ["parts"] => Ok(Target::Parts),
        ["defaults"] => Err(no_table(entry, TABLE_OF_OPTIONS)),
        ["defaults", setting] => Ok(Target::Default(known(entry, setting, &[])?)),
        ["steps"] => Err(no_table(entry, TABLE_OF_STEPS)),
        ["steps", step] => {
            // A misspelt step name is reported first.
            find(entry, step, steps)?;
            Err(no_table(entry, TABLE_OF_OPTIONS))
        }
        ["steps", ref name @ .., setting] => {
            let step = find(entry, &name.join("."), steps)?;
            let Step { kind, knobs, .. } = steps[step];
            if let Some(knob) = knobs.iter().position(|knob| knob.name() == setting) {
                return Ok(Target::Knob(step, knob));
            }
            if let Some(why) = missing(setting) {
                return Err(error(entry, Problem::NoEffect { why }));
            }
            let setting = known(entry, setting, knobs)?;
            match setting.idle(kind) {
                Some(why) => Err(error(entry, Problem::NoEffect { why })),
                None => Ok(Target::Step(step, setting)),
            }
        }
        [] => Err(no_table(entry, "a table of options")),
        [first, ..] => Err(unknown_key(entry, first, WHOLE)),
    }
}

pub(super) fn error(entry: &Entry, problem: Problem) -> ConfigError {
    ConfigError { origin: entry.origin.clone(), path: entry.key(), problem }
}

fn no_table(entry: &Entry, legal: &'static str) -> ConfigError {
    error(entry, Problem::Value { legal, found: entry.value.to_string() })
}

fn known(entry: &Entry, name: &str, knobs: &[Knob]) -> Result<Setting, ConfigError> {
    Setting::from_name(name).ok_or_else(|| {
        let settings = Setting::ALL.into_iter().map(Setting::name);
        unknown_key(entry, name, settings.chain(knobs.iter().map(Knob::name)))
    })
}

fn unknown_key(entry: &Entry, name: &str, known: impl IntoIterator<Item = &'static str>) -> ConfigError {
    let known: Vec<_> = known.into_iter().collect();
    let meant = closest_word(name, known.iter().copied()).map(str::to_owned);
    error(entry, Problem::Key { meant, known: known.into_iter().map(str::to_owned).collect() })
}

/// Returns the index of the step with this name. A variable whose name matches several steps refers to the
/// first.
fn find(entry: &Entry, name: &str, steps: &[Step<'_>]) -> Result<usize, ConfigError> {
    let names = || steps.iter().map(|step| step.name);
    let exact = names().position(|step| step == name);
    let similar = || names().position(|step| entry.spelling.is(name, step));
    exact.or_else(|| (entry.spelling == Spelling::Variable).then(similar).flatten()).ok_or_else(|| {
        let meant = closest_word(name, names()).map(str::to_owned);
        error(entry, Problem::Step { meant, known: names().map(str::to_owned).collect() })
    })
}
