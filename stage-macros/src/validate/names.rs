//! Uniqueness of step names.

use crate::error::Errors;
use crate::model::{Model, Text, steps};

/// Reports repeated names. Default names are distinct already; only names that the user wrote can repeat.
pub(super) fn check(model: &Model, errors: &mut Errors) {
    let mut taken = Vec::new();
    for step in steps(&model.nodes) {
        if let Text::Literal(name) = &step.name {
            let what = if step.across.is_some() { "edges" } else { "steps" };
            if taken.contains(&(what, name.value())) {
                errors.at(
                    name,
                    format!("two {what} are named \"{}\": give this one another name", name.value()),
                );
            }
            taken.push((what, name.value()));
        }
    }
}
