//! Rules for edges to other processes.

use crate::error::Errors;
use crate::model::{Across, Model, Step, partitions, steps};

/// Reports edges whose events would be lost or whose key divides nothing, and edges where the chain has several lanes.
pub(super) fn check(model: &Model, errors: &mut Errors) {
    for (step, across) in edges(steps(&model.nodes)) {
        if model.acknowledged.is_none() {
            errors.at_span(across.word, "`across` in a pipeline whose events are not acknowledged, so that one that is lost on its way would not come back: write `acknowledged,` before the first item, and a `start` that emits `Delivery`s");
        }
        match (&step.by, &across.partitions) {
            (Some(by), None) => errors.at(
                &by.word,
                "`by` without a number of partitions, which is the same on all machines: add `partitions: 32`",
            ),
            (None, Some((word, _))) => errors.at(
                word,
                "`partitions` without a key that divides the events: add `by: |event: &Event| event.key`, or remove it for an edge whose events go to any machine",
            ),
            (Some(_), Some((_, Some(number)))) if number.known() == Some(0) => errors.at(
                number,
                "`partitions` is 0: write at least the number of machines that there will ever be, such as `partitions: 32`",
            ),
            _ => {}
        }
    }
    for partition in partitions(&model.nodes) {
        for (_, across) in edges(steps(&partition.nodes)) {
            errors.at_span(
                across.word,
                "`across` within a `partition`: put it before the `partition` or after its `merge`",
            );
        }
    }
}

fn edges(steps: Vec<&Step>) -> impl Iterator<Item = (&Step, &Across)> {
    steps.into_iter().filter_map(|step| Some((step, step.across.as_ref()?)))
}
