//! Reads the options of a declared pipeline, and replaces them before it starts.

use std::collections::BTreeMap;

use super::knob::Knob;
use super::sources::{knob_values, option_values};
use super::step_options::StepValues;
use super::{Effective, StepOptions};
use crate::base::backoff::Backoff;
use crate::base::option_error::OptionError;
use crate::pipeline::Pipeline;
use crate::pipeline::describe::{Carried, StepInfo, StepKind};
use crate::pipeline::draft::Shape;
use crate::pipeline::only::Parts;
use crate::supervise::{Intensity, Strategy};

/// The declaration of a step, kept until the pipeline starts.
#[derive(Debug)]
pub(in crate::pipeline) struct Declared {
    pub(in crate::pipeline) own: StepOptions,
    /// The defaults in effect at its declaration.
    pub(in crate::pipeline) defaults: StepOptions,
    pub(in crate::pipeline) shape: Shape,
    pub(in crate::pipeline) lanes: usize,
    /// The unit that it takes, in which its demand is counted.
    pub(in crate::pipeline) taken: Carried,
}

/// A declared step, for configuration.
#[derive(Debug)]
pub(crate) struct StepDeclaration<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: StepKind,
    pub(crate) own: &'a StepOptions,
    pub(crate) defaults: &'a StepOptions,
    /// The resulting options; `None` if they are invalid.
    pub(crate) effective: Option<StepValues>,
    /// Whether it takes batches and counts its demand in batches.
    pub(crate) takes_batches: bool,
    /// The options that only its kind of steps has.
    pub(crate) knobs: &'a [Knob],
}

/// The options of the whole pipeline.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    pub(crate) strategy: Strategy,
    pub(crate) intensity: Intensity,
    pub(crate) backoff: Option<Backoff>,
    /// The parts that are started; `None` for a pipeline without edges.
    pub(crate) parts: Option<Parts>,
    /// By path, the origin of options that were not declared in code.
    pub(crate) origins: BTreeMap<String, String>,
}

impl Pipeline {
    /// Returns the steps, in the order of their declaration.
    pub(crate) fn declarations(&self) -> impl Iterator<Item = StepDeclaration<'_>> {
        self.draft.planned.iter().map(|planned| StepDeclaration {
            name: &planned.name,
            kind: planned.declared.shape.kind,
            own: &planned.declared.own,
            defaults: &planned.declared.defaults,
            effective: planned.options.as_ref().map(|options| options.values),
            takes_batches: planned.declared.taken.is_batches(),
            knobs: &planned.knobs,
        })
    }

    /// Checks the names in `parts`.
    pub(crate) fn check_parts(&self, parts: &Parts) -> Result<(), OptionError> {
        self.draft.chosen(parts).map(drop)
    }

    /// Returns the options of the whole pipeline.
    pub(crate) fn whole(&self) -> Whole {
        Whole {
            strategy: self.draft.plan.strategy,
            intensity: self.draft.plan.intensity,
            backoff: self.draft.plan.backoff,
            parts: Some(self.draft.parts.clone()).filter(|_| !self.draft.edges.is_empty()),
            origins: self.draft.origins.clone(),
        }
    }

    /// Replaces the options of the pipeline, and the own options and defaults of each step by the result of
    /// `change`. Returns the errors in the new options.
    pub(crate) fn redeclare(
        &mut self,
        whole: Whole,
        mut change: impl FnMut(&str, &StepOptions, &StepOptions) -> (StepOptions, StepOptions),
    ) -> Vec<OptionError> {
        let draft = &mut self.draft;
        draft.plan.strategy = whole.strategy;
        draft.plan.intensity = whole.intensity;
        draft.plan.backoff = whole.backoff;
        draft.parts = whole.parts.unwrap_or_default();
        draft.origins = whole.origins;
        // Errors in the old options are checked again; all other errors remain.
        let (_, mut others): (Vec<_>, Vec<_>) = draft.errors.drain(..).partition(is_of_options);
        draft.topology.steps.clear();
        draft.topology.options.clear();
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
                    let Declared { own, defaults, .. } = &planned.declared;
                    let overridden = |path: &str| draft.origins.get(path).cloned();
                    let values = option_values(&planned.name, own, defaults, &options.values, overridden);
                    draft.topology.options.extend(values);
                    let overridden = |path: &str| draft.origins.get(path).cloned();
                    draft.topology.options.extend(knob_values(&planned.name, &planned.knobs, overridden));
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
        let mut options = own.effective(&self.defaults, name, self.taken, self.shape.capacity)?;
        self.shape.fix_window(&mut options);
        options.check_copies(self.lanes)?;
        self.shape.check_count(&options)?;
        Ok(options)
    }
}

/// Returns whether the error follows from the options of a step alone.
fn is_of_options(error: &OptionError) -> bool {
    match error {
        OptionError::Count { .. }
        | OptionError::EmptyCount { .. }
        | OptionError::ElasticSource { .. }
        | OptionError::ElasticKeyed { .. }
        | OptionError::TooManyCopies { .. }
        | OptionError::TooManyInLanes { .. }
        | OptionError::Buffer { .. }
        | OptionError::Single { .. }
        | OptionError::EdgeCopies { .. }
        | OptionError::Window { .. } => true,
        OptionError::Name { .. }
        | OptionError::Lanes { .. }
        | OptionError::TooManyLanes { .. }
        | OptionError::Period { .. }
        | OptionError::EmptyLane { .. }
        | OptionError::NoBranch { .. }
        | OptionError::Misplaced { .. }
        | OptionError::Edge { .. }
        | OptionError::UnknownEdge { .. }
        | OptionError::JoinedParts { .. }
        | OptionError::NoParts { .. }
        | OptionError::Foreign { .. } => false,
    }
}
