//! Warnings for code that is allowed but probably not intended.

use proc_macro2::Span;
use syn::spanned::Spanned as _;

use super::flight::in_flight;
use super::{DEFAULT_COUNT, DEFAULT_MAX_DEMAND};
use crate::model::{Buffer, Choice, Count, Demand, Model, Node, Number, Options, Step, partitions, steps};

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
    found.extend(numbers(&model.defaults));
    found.extend(steps(&model.nodes).into_iter().filter_map(|step| numbers(&step.options)));
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
    let single = count.map_or(Some(DEFAULT_COUNT), Count::known) == Some(1);
    let by = step.by.as_ref().filter(|_| single && step.across.is_none())?;
    let note = "this step has one copy, which gets every event whatever its key: give the step a `count`, or remove `by`";
    Some(Idle { at: by.word.span(), word: "by", note: note.to_owned() })
}

/// Finds several copies in one part of a partition, which can overtake each other.
fn overtaking(node: &Node) -> Option<Idle> {
    let Node::Step(step) = node else { return None };
    let number = &step.options.count.as_ref()?.most;
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

/// Warns of the numbers of a window beside a `demand` that chooses another.
fn numbers(options: &Options) -> Option<Idle> {
    let Some(Demand::Word(_) | Demand::UpTo(_)) = options.demand.as_ref().filter(|it| !it.is_fixed()) else {
        return None;
    };
    let max = options.max_demand.as_ref().map(|number| (number, "max_demand"));
    let (number, word) = max.or(options.min_demand.as_ref().map(|number| (number, "min_demand")))?;
    let note = format!("`demand: auto` chooses the window, whatever `{word}` is: remove one of the two");
    Some(Idle { at: number.span(), word, note })
}

/// Returns the `max_demand` of a step, if its window is fixed and the macro knows the number.
pub(super) fn fixed_max(step: &Step, defaults: &Options) -> Option<usize> {
    let inherited = || step.takes_batches() || says_fixed(defaults).unwrap_or(false);
    let own = step.options.max_demand.as_ref();
    let max = || own.or(defaults.max_demand.as_ref()).map_or(Some(DEFAULT_MAX_DEMAND), Number::known);
    if says_fixed(&step.options).unwrap_or_else(inherited) { max() } else { None }
}

/// Returns whether the options fix the window; `None` if they leave it open.
fn says_fixed(options: &Options) -> Option<bool> {
    let sets = options.max_demand.is_some() || options.min_demand.is_some();
    options.demand.as_ref().map(Demand::is_fixed).or(sets.then_some(true))
}

fn small(step: &Step, next: &Step, defaults: &Options) -> Option<Idle> {
    let Some(Buffer::Bounded(number)) = &step.options.buffer else { return None };
    let kept = number.known()?;
    let asked = fixed_max(next, defaults)?;
    if kept == 0 || kept >= asked {
        return None;
    }
    let note = format!(
        "the next step asks for up to {asked} events at once, and this buffer holds only {kept}: write at least `buffer: {asked}`, or a smaller `max_demand` there"
    );
    Some(Idle { at: number.span(), word: "buffer", note })
}
