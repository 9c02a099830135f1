//! A pipeline that is being declared: its children so far, and what is wrong with it.

use super::describe::{StepInfo, StepKind, Topology};
use super::options::{Effective, OptionError, StepOptions};
use crate::supervise::{Child, Intensity, Strategy};

/// Everything known of a pipeline, apart from the types that flow at its end.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) topology: Topology,
    pub(super) defaults: StepOptions,
    pub(super) strategy: Strategy,
    pub(super) intensity: Intensity,
    pub(super) children: Vec<Child>,
    pub(super) errors: Vec<OptionError>,
}

/// What a step is, apart from its options.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) kind: StepKind,
    pub(super) keyed: bool,
    pub(super) single: bool,
    /// The stage's type, from which an unnamed step gets its name.
    pub(super) type_name: &'static str,
}

impl Draft {
    /// Notes a step and returns its options; `None` if they cannot work, which is noted too.
    pub(super) fn note(&mut self, options: &StepOptions, shape: Shape) -> Option<Effective> {
        let unnamed = self.unnamed(shape.type_name);
        match options.effective(&self.defaults, &unnamed).and_then(|options| self.check(options, shape)) {
            Ok(effective) => {
                self.topology.steps.push(StepInfo {
                    name: effective.name.clone(),
                    kind: shape.kind,
                    count: effective.count,
                    min_demand: effective.window.min(),
                    max_demand: effective.window.max(),
                    keyed: shape.keyed,
                    placement: effective.placement,
                });
                Some(effective)
            }
            Err(error) => {
                self.errors.push(error);
                None
            }
        }
    }

    fn check(&self, options: Effective, shape: Shape) -> Result<Effective, OptionError> {
        let Effective { name: step, count, .. } = options.clone();
        if shape.single && count > 1 {
            return Err(OptionError::Single { step, count });
        }
        if self.is_taken(&step) {
            return Err(OptionError::Name { step });
        }
        Ok(options)
    }

    fn is_taken(&self, name: &str) -> bool {
        self.topology.steps.iter().any(|step| step.name == name)
    }

    /// A free name made from the type of a stage: the last word of its path, in snake case.
    fn unnamed(&self, type_name: &str) -> String {
        let path = type_name.split('<').next().unwrap_or(type_name);
        let name = match path.rsplit("::").next() {
            Some(word) if !word.contains('{') => snake_case(word),
            _ => format!("step_{}", self.topology.steps.len() + 1),
        };
        let mut free = name.clone();
        let mut number = 2;
        while self.is_taken(&free) {
            free = format!("{name}_{number}");
            number += 1;
        }
        free
    }
}

fn snake_case(word: &str) -> String {
    let mut snake = String::new();
    for (index, letter) in word.char_indices() {
        if letter.is_uppercase() && index > 0 {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}
