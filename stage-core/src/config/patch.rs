//! The combined changes of all entries.

use std::collections::BTreeMap;
use std::time::Duration;

use super::backoff::{ATTEMPTS, FIRST, MOST, Waits};
use super::error::ConfigError;
use super::overrides::Overrides;
use super::read::{Step, Target, error, target};
use super::setting::{Setting, typed, wrong};
use crate::pipeline::options::{Knob, KnobValue};
use crate::pipeline::{Parts, StepOptions, only};
use crate::supervise::Strategy;

/// The changes to a pipeline; steps are identified by their index.
#[derive(Debug, Default)]
pub(super) struct Patch {
    pub(super) strategy: Option<Strategy>,
    pub(super) max_restarts: Option<usize>,
    pub(super) within: Option<Duration>,
    pub(super) backoff: Waits,
    pub(super) parts: Option<Parts>,
    pub(super) defaults: StepOptions,
    pub(super) steps: Vec<StepOptions>,
    /// The values of options that only some kinds of steps have, by the indices of the step and the option.
    pub(super) knobs: BTreeMap<(usize, usize), KnobValue>,
    /// The origin of each change, by path.
    pub(super) origins: BTreeMap<String, String>,
}

impl Patch {
    /// Reads all entries, later ones over earlier ones, and collects every error.
    pub(super) fn read(overrides: &Overrides, steps: &[Step<'_>]) -> (Self, Vec<ConfigError>) {
        let mut patch = Self { steps: vec![StepOptions::new(); steps.len()], ..Self::default() };
        let mut errors = Vec::new();
        for entry in &overrides.entries {
            let value = &entry.value;
            let target = match target(entry, steps) {
                Ok(target) => target,
                Err(error) => {
                    errors.push(error);
                    continue;
                }
            };
            let set = match &target {
                Target::Strategy => set(&mut patch.strategy, typed(value))
                    .ok_or("\"one_for_one\", \"one_for_all\" or \"rest_for_one\""),
                Target::MaxRestarts => {
                    set(&mut patch.max_restarts, typed(value)).ok_or("a whole number of restarts")
                }
                Target::WithinSeconds => {
                    let within = seconds(typed(value)).filter(|within| !within.is_zero());
                    set(&mut patch.within, within).ok_or("a number of seconds, above 0")
                }
                Target::BackoffFirst => set(&mut patch.backoff.first, seconds(typed(value))).ok_or(FIRST.1),
                Target::BackoffMost => set(&mut patch.backoff.most, seconds(typed(value))).ok_or(MOST.1),
                Target::BackoffAttempts => set(&mut patch.backoff.attempts, typed(value)).ok_or(ATTEMPTS.1),
                Target::Parts => {
                    let parts = value.as_str().and_then(|text| text.parse().ok());
                    set(&mut patch.parts, parts).ok_or(only::LEGAL)
                }
                Target::Default(setting) => {
                    setting.set(&mut patch.defaults, value).map_err(|_| setting.legal())
                }
                Target::Step(step, setting) => {
                    setting.set(&mut patch.steps[*step], value).map_err(|_| setting.legal())
                }
                Target::Knob(step, number) => {
                    let knob = &steps[*step].knobs[*number];
                    let read = knob.read(value).ok_or(knob.legal());
                    read.map(|read| {
                        patch.knobs.insert((*step, *number), read);
                    })
                }
            };
            match set {
                Ok(()) => {
                    patch.origins.insert(target.path(steps), entry.origin.clone());
                }
                Err(legal) => errors.push(error(entry, wrong(legal, value))),
            }
        }
        (patch, errors)
    }
}

impl Target {
    /// Returns the path as it is written in a file.
    fn path(&self, steps: &[Step<'_>]) -> String {
        match self {
            Self::Strategy => "strategy".to_owned(),
            Self::MaxRestarts => "max_restarts".to_owned(),
            Self::WithinSeconds => "within_seconds".to_owned(),
            Self::BackoffFirst => FIRST.0.to_owned(),
            Self::BackoffMost => MOST.0.to_owned(),
            Self::BackoffAttempts => ATTEMPTS.0.to_owned(),
            Self::Parts => "parts".to_owned(),
            Self::Default(setting) => path_of_default(*setting),
            Self::Step(step, setting) => path_of_step(steps[*step].name, *setting),
            Self::Knob(step, knob) => {
                let Step { name, knobs, .. } = steps[*step];
                path_of_knob(name, &knobs[*knob])
            }
        }
    }
}

pub(super) fn path_of_default(setting: Setting) -> String {
    format!("defaults.{setting}")
}

pub(super) fn path_of_step(step: &str, setting: Setting) -> String {
    format!("steps.{step}.{setting}")
}

pub(super) fn path_of_knob(step: &str, knob: &Knob) -> String {
    format!("steps.{step}.{}", knob.name())
}

fn set<T>(slot: &mut Option<T>, value: Option<T>) -> Option<()> {
    value.map(|value| *slot = Some(value))
}

fn seconds(number: Option<f64>) -> Option<Duration> {
    number.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}
