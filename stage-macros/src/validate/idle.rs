//! Warnings for code that is allowed but probably not intended.

use proc_macro2::Span;
use syn::spanned::Spanned as _;

use super::flight::in_flight;
use super::{DEFAULT_COUNT, DEFAULT_MAX_DEMAND};
use crate::model::{Buffer, Choice, Model, Node, Number, Options, Step, partitions, steps};

/// Something to warn of.
pub(crate) struct Idle {
    pub(crate) at: Span,
    /// The option that causes it.
    pub(crate) word: &'static str,
    pub(crate) note: String,
}

/// Returns a warning for every option that changes nothing, or not what it seems to.
pub(crate) fn idle(model: &Model) -> Vec<Idle> {
    let mut found: Vec<_> = steps(&model.nodes).into_iter().filter_map(|step| key(model, step)).collect();
    for partition in partitions(&model.nodes) {
        found.extend(partition.nodes.iter().filter_map(overtaking));
    }
    buffers(&model.nodes, model, &mut found);
    found.extend(in_flight(model));
    found.extend(steps(&model.nodes).into_iter().filter_map(|step| transient(model, step)));
    found
}

/// Finds a step whose `cancel: transient` has no effect, because the strategy restarts it with the steps
/// before it.
fn transient(model: &Model, step: &Step) -> Option<Idle> {
    let Some(Choice::Word(word)) = &step.options.cancel else { return None };
    let alone = match &model.supervision.strategy {
        Some(Choice::Word(strategy)) => strategy == "OneForOne",
        Some(Choice::Computed(_)) => true,
        // The pipeline that uses it with `through` supervises it.
        None => model.part.is_some(),
    };
    if alone || word != "Transient" {
        return None;
    }
    let note = "this step is restarted with a failed step before it anyway, since the strategy is not `one_for_one`: write `strategy: one_for_one` before the first item, or remove `cancel`";
    Some(Idle { at: word.span(), word: "cancel", note: note.to_owned() })
}

/// Finds a `by` on a step with one copy, which gets every key anyway.
fn key(model: &Model, step: &Step) -> Option<Idle> {
    let count = step.options.count.as_ref().or(model.defaults.count.as_ref());
    let single = count.map_or(Some(DEFAULT_COUNT), Number::known) == Some(1);
    let by = step.by.as_ref().filter(|_| single && step.across.is_none())?;
    let note = "this step has one copy, which gets every event whatever its key: give the step a `count`, or remove `by`";
    Some(Idle { at: by.word.span(), word: "by", note: note.to_owned() })
}

/// Finds several copies in one part of a partition, which can overtake each other.
fn overtaking(node: &Node) -> Option<Idle> {
    let Node::Step(step) = node else { return None };
    let number = step.options.count.as_ref()?;
    if step.by.is_some() || number.known().is_none_or(|count| count < 2) {
        return None;
    }
    let warning = "several copies in each part of a `partition` share its events, so events of one key may overtake each other: put the number into `into`, or feed the copies `by` key";
    Some(Idle { at: number.span(), word: "count", note: warning.to_owned() })
}

/// Finds buffers that cannot hold the demand of the next step.
fn buffers(nodes: &[Node], model: &Model, found: &mut Vec<Idle>) {
    for (index, node) in nodes.iter().enumerate() {
        match node {
            Node::Step(step) => {
                if let Some(Node::Step(next)) = nodes.get(index + 1)
                    && next.gates.is_empty()
                {
                    found.extend(small(step, next, &model.defaults));
                }
            }
            Node::Broadcast(broadcast) => {
                broadcast.branches.iter().for_each(|branch| buffers(&branch.nodes, model, found));
            }
            Node::Partition(partition) => buffers(&partition.nodes, model, found),
        }
    }
}

fn small(step: &Step, next: &Step, defaults: &Options) -> Option<Idle> {
    let Some(Buffer::Bounded(number)) = &step.options.buffer else { return None };
    let kept = number.known()?;
    let max = next.options.max_demand.as_ref().or(defaults.max_demand.as_ref());
    let asked = max.map_or(Some(DEFAULT_MAX_DEMAND), Number::known)?;
    if kept == 0 || kept >= asked {
        return None;
    }
    let note = format!(
        "the next step asks for up to {asked} events at once, and this buffer holds only {kept}: write at least `buffer: {asked}`, or a smaller `max_demand` there"
    );
    Some(Idle { at: number.span(), word: "buffer", note })
}
