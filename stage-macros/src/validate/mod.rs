//! Does the pipeline hold together? Every rule that needs more than one option or item is checked here.

mod names;
mod outline;
mod requirement;

pub(crate) use self::requirement::{Bound, Requirement, Verdict, requirements};
use crate::error::Errors;
use crate::model::{By, Model, Number, Options};

/// What the builder takes when nobody says anything, as in the book.
pub(crate) const DEFAULT_COUNT: usize = 1;
pub(crate) const DEFAULT_MAX_DEMAND: usize = 10;

/// Reports everything that is wrong with the model.
pub(crate) fn validate(model: &Model, errors: &mut Errors) {
    outline::check(&model.outline, errors);
    names::check(&model.steps, errors);
    for requirement in requirements(model) {
        if let Verdict::Fails(message) = requirement.verdict() {
            errors.at(requirement.number(), message);
        }
    }
}

/// The `by`s that change nothing: a step with one copy gets every key anyway.
pub(crate) fn idle_keys(model: &Model) -> impl Iterator<Item = &By> {
    let count = |options: &Options| options.count.as_ref().map(Number::known);
    let default = count(&model.defaults).unwrap_or(Some(DEFAULT_COUNT));
    model.steps.iter().filter_map(move |step| {
        let single = count(&step.options).unwrap_or(default) == Some(1);
        step.by.as_ref().filter(|_| single)
    })
}
