//! List of all validation rules.

use super::{Evaluation, across, copies, fused, junctions, names, outline, policies, rejected, requirements};
use crate::ast::Header;
use crate::error::Errors;
use crate::model::Model;

/// Reports everything that is wrong with the model.
pub(crate) fn validate(header: &Header, model: &Model, errors: &mut Errors) {
    outline::check(&model.outline, header.part.as_ref().map(|part| part.colon), errors);
    names::check(model, errors);
    junctions::check(&model.nodes, errors);
    policies::check(model, errors);
    fused::check(model, errors);
    rejected::check(model, errors);
    across::check(model, errors);
    copies::check(model, errors);
    for requirement in requirements(model) {
        if let Evaluation::Fails(message) = requirement.evaluate() {
            errors.at(requirement.number(), message);
        }
    }
}
