//! Do all steps have names of their own?

use crate::error::Errors;
use crate::model::{Model, Text, steps};

/// Names given by default are distinct already; this is about the ones that the user wrote.
pub(super) fn check(model: &Model, errors: &mut Errors) {
    let mut taken = Vec::new();
    for step in steps(&model.nodes) {
        if let Text::Literal(name) = &step.name {
            if taken.contains(&name.value()) {
                errors.at(
                    name,
                    format!("two steps are named \"{}\": give this one another name", name.value()),
                );
            }
            taken.push(name.value());
        }
    }
}
