//! Rules for options and branches where events are divided.

use syn::{Expr, Lit};

use crate::error::Errors;
use crate::model::{By, Dispatcher, Node, branches};

/// Reports a dispatcher without a choice, and a selector that selects nothing or everything.
pub(super) fn check(nodes: &[Node], errors: &mut Errors) {
    dispatchers(nodes, errors);
    for branch in branches(nodes) {
        let Some(Expr::Closure(closure)) = &branch.when else { continue };
        match always(&closure.body) {
            Some(true) => errors.at(
                &closure.body,
                "this selects every event: leave `when (…)` out for a branch that gets everything",
            ),
            Some(false) => errors.at(
                &closure.body,
                "this selects no event, so the branch stays empty: write a condition, or remove the branch",
            ),
            None => {}
        }
    }
}

/// Returns the value of a constant condition.
fn always(condition: &Expr) -> Option<bool> {
    match condition {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Bool(value) => Some(value.value),
            _ => None,
        },
        Expr::Paren(inner) => always(&inner.expr),
        _ => None,
    }
}

fn dispatchers(nodes: &[Node], errors: &mut Errors) {
    for (index, node) in nodes.iter().enumerate() {
        match node {
            Node::Step(step) => {
                // A stage that finishes emits nothing, which is reported with its other options.
                if let Some(dispatcher) = step.dispatcher.as_ref().filter(|_| step.finish.is_none()) {
                    next(dispatcher, nodes.get(index + 1), errors);
                }
            }
            Node::Broadcast(broadcast) => {
                broadcast.branches.iter().for_each(|branch| dispatchers(&branch.nodes, errors));
            }
            Node::Partition(partition) => dispatchers(&partition.nodes, errors),
        }
    }
}

/// Reports a conflict with other ways to feed the copies of the next step, which the dispatcher feeds.
fn next(dispatcher: &Dispatcher, next: Option<&Node>, errors: &mut Errors) {
    let word = &dispatcher.word;
    match next {
        Some(Node::Step(step)) if step.across.is_some() => {
            errors.at(word, "`dispatcher` before an `across`, which has one copy in each process: remove it");
        }
        Some(Node::Step(step)) => {
            if let Some(gate) = step.gates.first() {
                errors.at(
                    word,
                    format!("`dispatcher` before a `{}`, a stage of one copy before the next step, which gets every event: remove it", gate.word),
                );
            }
            if let Some(By { word: by, .. }) = &step.by {
                errors.at(by, "`by` feeds the copies of this step by key, and so does the `dispatcher` of the item before it: remove one");
            }
        }
        Some(Node::Broadcast(_)) => {
            errors.at(word, "`dispatcher` before a `broadcast`, whose branches get every event: remove it");
        }
        Some(Node::Partition(_)) => errors
            .at(word, "`dispatcher` before a `partition`, which divides the events by its key: remove it"),
        None => errors.at(
            word,
            "`dispatcher` at the end of a branch: the next step comes after the `merge`; remove it",
        ),
    }
}
