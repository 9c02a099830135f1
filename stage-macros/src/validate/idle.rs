//! What is allowed, but without effect?

use super::DEFAULT_COUNT;
use crate::model::{By, Model, Number, Options};

/// The `by`s that change nothing: a step with one copy gets every key anyway.
pub(crate) fn idle_keys(model: &Model) -> impl Iterator<Item = &By> {
    let count = |options: &Options| options.count.as_ref().map(Number::known);
    let default = count(&model.defaults).unwrap_or(Some(DEFAULT_COUNT));
    model.steps.iter().filter_map(move |step| {
        let single = count(&step.options).unwrap_or(default) == Some(1);
        step.by.as_ref().filter(|_| single)
    })
}
