//! Rules for ranges of copies.

use crate::error::Errors;
use crate::model::{Model, Shape, Step, steps};
use crate::words::Role;

/// Reports ranges on items whose number of copies cannot change.
pub(super) fn check(model: &Model, errors: &mut Errors) {
    for step in steps(&model.nodes) {
        if step.role != Role::Start {
            keyed(step, errors);
        } else if let Some(count) = &step.options.count
            && let Some(least) = &count.least
            && (step.recipe.shape == Shape::Stage || count.most.known().is_none_or(|most| most < 2))
        {
            // Several copies of an iterator are reported as such.
            errors.at(least, "a `start` has a fixed number of copies: write one number, such as `count: 4`");
        }
    }
}

/// Reports a range on a step that is fed by key and cannot hand the state of its keys over.
fn keyed(step: &Step, errors: &mut Errors) {
    let is_stage = step.recipe.shape == Shape::Stage
        && step.thens.is_empty()
        && step.policy.is_none()
        && step.at_once.is_none();
    if let Some(least) = step.least_by_key().filter(|_| !is_stage) {
        errors.at(
            least,
            "the copies of a step that is fed `by` key change only if its stage hands the state of its keys over: write one number, or a stage that implements `HandOver`",
        );
    }
}
