//! What do the docs of a declared pipeline say?

use crate::ast::Header;
use crate::model::{Model, Step};

/// Lines that follow the user's own, if there are any: what the pipeline is made of.
pub(super) fn of_pipeline(header: &Header, model: &Model) -> Vec<String> {
    let mut lines = of_broken_pipeline(header);
    lines.push(String::new());
    lines.push(format!(" Its steps: {}.", model.steps.iter().map(title).collect::<Vec<_>>().join(" → ")));
    for (index, step) in model.steps.iter().filter(|step| !step.docs.is_empty()).enumerate() {
        if index == 0 {
            lines.push(String::new());
        }
        lines.push(format!(" * {}:{}", title(step), step.docs.concat()));
    }
    lines
}

/// A first line where the user wrote none.
pub(super) fn of_broken_pipeline(header: &Header) -> Vec<String> {
    let documented = header.attrs.iter().any(|attr| attr.path().is_ident("doc"));
    if documented { Vec::new() } else { vec![format!(" The pipeline `{}`.", header.name)] }
}

fn title(step: &Step) -> String {
    format!("`{}`", step.name.known().unwrap_or_else(|| step.role.word().to_owned()))
}
