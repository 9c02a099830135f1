//! Which rules are there, all in all?

use super::{Verdict, names, outline, requirements};
use crate::error::Errors;
use crate::model::Model;

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
