//! How are the options of a declared pipeline read, and replaced before it starts?

use std::collections::BTreeMap;

use super::builder::Pipeline;
use super::carried::Carried;
use super::describe::{StepInfo, StepKind};
use super::draft::Shape;
use super::options::{Effective, StepOptions};
use crate::base::backoff::Backoff;
use crate::base::option_error::OptionError;
use crate::base::options::{CancelMode, Capacity, Keep, Restart};
use crate::supervise::{Intensity, Strategy};

/// What a step was declared with, kept until the pipeline starts.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) own: StepOptions,
    /// The defaults where it was declared.
    pub(super) defaults: StepOptions,
    pub(super) shape: Shape,
    pub(super) lanes: usize,
    /// What it takes, of which its demand is counted.
    pub(super) taken: Carried,
}

/// A step as it was declared, for those who configure it.
#[derive(Debug)]
pub(crate) struct StepDeclaration<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: StepKind,
    /// What each copy buffers if nothing is said.
    pub(crate) buffer: Capacity,
    pub(crate) own: &'a StepOptions,
    pub(crate) defaults: &'a StepOptions,
    /// What comes of it; `None` if it cannot work.
    pub(crate) effective: Option<EffectiveStep>,
    /// Whether it takes batches, of which its demand is counted.
    pub(crate) takes_batches: bool,
}

/// The options that a step runs with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EffectiveStep {
    pub(crate) count: usize,
    pub(crate) min_demand: usize,
    pub(crate) max_demand: usize,
    pub(crate) placement: crate::base::options::Placement,
    pub(crate) buffer: Option<Capacity>,
    pub(crate) keep: Keep,
    pub(crate) restart: Restart,
    pub(crate) cancel: CancelMode,
}

/// The options of the whole pipeline.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    pub(crate) strategy: Strategy,
    pub(crate) intensity: Intensity,
    pub(crate) backoff: Option<Backoff>,
    /// Where options come from that were not declared, by their paths.
    pub(crate) origins: BTreeMap<String, String>,
}

impl From<&Effective> for EffectiveStep {
    fn from(options: &Effective) -> Self {
        Self {
            count: options.count,
            min_demand: options.window.min(),
            max_demand: options.window.max(),
            placement: options.placement,
            buffer: options.buffer,
            keep: options.keep,
            restart: options.restart,
            cancel: options.cancel,
        }
    }
}

impl Pipeline {
    /// Its steps, in the order of their declaration.
    pub(crate) fn declarations(&self) -> impl Iterator<Item = StepDeclaration<'_>> {
        self.draft.planned.iter().map(|planned| StepDeclaration {
            name: &planned.name,
            kind: planned.declared.shape.kind,
            buffer: planned.declared.shape.capacity,
            own: &planned.declared.own,
            defaults: &planned.declared.defaults,
            effective: planned.options.as_ref().map(EffectiveStep::from),
            takes_batches: planned.declared.taken.is_batches(),
        })
    }

    /// The options of the whole pipeline.
    pub(crate) fn whole(&self) -> Whole {
        Whole {
            strategy: self.draft.plan.strategy,
            intensity: self.draft.plan.intensity,
            backoff: self.draft.plan.backoff,
            origins: self.draft.origins.clone(),
        }
    }

    /// Replaces the options of the pipeline, and of each step by what `change` makes of its own and its defaults.
    /// Returns what cannot work.
    pub(crate) fn redeclare(
        &mut self,
        whole: Whole,
        mut change: impl FnMut(&str, &StepOptions, &StepOptions) -> (StepOptions, StepOptions),
    ) -> Vec<OptionError> {
        let draft = &mut self.draft;
        draft.plan.strategy = whole.strategy;
        draft.plan.intensity = whole.intensity;
        draft.plan.backoff = whole.backoff;
        draft.origins = whole.origins;
        // What was wrong with the options before is judged anew; the rest stays wrong.
        let (_, mut others): (Vec<_>, Vec<_>) = draft.errors.drain(..).partition(is_of_options);
        draft.topology.steps.clear();
        let mut errors = Vec::new();
        for planned in &mut draft.planned {
            let named_twice = others
                .iter()
                .any(|error| matches!(error, OptionError::Name { step } if *step == planned.name))
                && planned.options.is_none();
            let (own, defaults) = change(&planned.name, &planned.declared.own, &planned.declared.defaults);
            let Declared { shape, lanes, taken, .. } = planned.declared;
            planned.declared = Declared { own, defaults, shape, lanes, taken };
            planned.options = match planned.declared.effective(&planned.name) {
                Ok(options) if !named_twice => {
                    draft.topology.steps.push(StepInfo::new(&options, shape, lanes));
                    Some(options)
                }
                Ok(_) => None,
                Err(error) => {
                    errors.push(error);
                    None
                }
            };
        }
        draft.topology.bound();
        others.extend(errors.iter().cloned());
        draft.errors = others;
        errors
    }
}

impl Declared {
    fn effective(&self, name: &str) -> Result<Effective, OptionError> {
        let mut own = self.own.clone();
        own.name = Some(name.to_owned());
        let options = own.effective(&self.defaults, name, self.taken)?;
        options.check_copies(self.lanes)?;
        if self.shape.single && options.count > 1 {
            return Err(OptionError::Single { step: options.name, count: options.count });
        }
        Ok(options)
    }
}

/// Does the error follow from the options of a step alone?
fn is_of_options(error: &OptionError) -> bool {
    match error {
        OptionError::Count { .. }
        | OptionError::TooManyCopies { .. }
        | OptionError::TooManyInLanes { .. }
        | OptionError::Buffer { .. }
        | OptionError::Single { .. }
        | OptionError::Window { .. } => true,
        OptionError::Name { .. }
        | OptionError::Lanes { .. }
        | OptionError::TooManyLanes { .. }
        | OptionError::Period { .. }
        | OptionError::EmptyLane { .. }
        | OptionError::NoBranch { .. }
        | OptionError::Misplaced { .. }
        | OptionError::Foreign { .. } => false,
    }
}
