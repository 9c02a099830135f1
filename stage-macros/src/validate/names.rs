//! Uniqueness of step names.

use crate::error::Errors;
use crate::model::{Model, Text, steps};

/// Reports repeated names. Default names are distinct already; only names that the user wrote can repeat.
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
