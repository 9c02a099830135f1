//! Rules for the function that takes rejected events.

use crate::error::Errors;
use crate::model::{Model, Node, Step, steps};
use crate::words::Role;

/// Reports a function whose events go back to their source, and one of a single source among several.
pub(super) fn check(model: &Model, errors: &mut Errors) {
    if model.acknowledged.is_some() {
        for rejected in steps(&model.nodes).into_iter().filter_map(|step| step.rejected.as_ref()) {
            errors.at(&rejected.word, "`rejected` in a pipeline whose events are `acknowledged`: what no stage handled goes back to its source; remove it");
        }
        return;
    }
    for pair in model.nodes.windows(2) {
        if let [Node::Step(step), Node::Step(next)] = pair
            && let (Step { role: Role::Start, rejected: Some(rejected), .. }, Role::Start) =
                (&**step, next.role)
        {
            errors.at(&rejected.word, "`rejected` before another `start`: the function takes the events of all sources; put it on the last one");
        }
    }
}
