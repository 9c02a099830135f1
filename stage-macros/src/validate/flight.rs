//! Warnings for links with so many events in flight that back-pressure has little effect.

use super::DEFAULT_COUNT;
use super::idle::{Idle, fixed_max};
use crate::model::{Model, Node, Number, Options, Step};
use crate::words::Role;

/// More events in flight along one link cause a warning.
const MANY: usize = 100_000;

/// Returns a warning for each number that allows very many events in flight, as far as the macro knows the
/// numbers.
pub(super) fn in_flight(model: &Model) -> Vec<Idle> {
    let mut flight = Flight { defaults: &model.defaults, found: Vec::new(), inherited: None };
    flight.walk(&model.nodes, None, 1);
    flight.found.extend(flight.inherited);
    flight.found
}

/// Walks the links of a pipeline.
struct Flight<'a> {
    defaults: &'a Options,
    found: Vec<Idle>,
    /// The first link with too many events due to the `max_demand` of the pipeline: one warning at that
    /// number suffices.
    inherited: Option<Idle>,
}

impl Flight<'_> {
    /// Walks the nodes. `before` is the number of copies per lane before the nodes, `lanes` the number of
    /// lanes; `None` if the macro does not know them.
    fn walk(&mut self, nodes: &[Node], mut before: Option<usize>, lanes: usize) {
        for node in nodes {
            match node {
                Node::Step(step) => {
                    let copies = self.copies(step);
                    if let Some((before, copies)) = before.zip(copies) {
                        self.link(step, before, copies, lanes);
                    }
                    before = copies.filter(|_| step.role != Role::Through);
                }
                Node::Broadcast(broadcast) => {
                    broadcast.branches.iter().for_each(|branch| self.walk(&branch.nodes, before, lanes));
                    before = None;
                }
                Node::Partition(partition) => {
                    if let Some(into) = partition.into.known() {
                        self.walk(&partition.nodes, before, lanes.saturating_mul(into));
                    }
                    before = None;
                }
            }
        }
    }

    fn copies(&self, step: &Step) -> Option<usize> {
        if step.role == Role::Across {
            return Some(1);
        }
        let count = step.options.count.as_ref().or(self.defaults.count.as_ref());
        count.map_or(Some(DEFAULT_COUNT), |count| count.most.known())
    }

    /// Checks the link to `step`, which has `copies` copies per lane, from `before` copies.
    fn link(&mut self, step: &Step, before: usize, copies: usize, lanes: usize) {
        if step.role == Role::Start || step.role == Role::Through {
            return;
        }
        // A step that an option adds has one copy.
        let before = if step.gates.is_empty() { before } else { 1 };
        let batch = step.gates.iter().find(|gate| gate.word == "batch");
        let Some(size) = batch.map_or(Some(1), |gate| gate.size.as_ref().and_then(Number::known)) else {
            return;
        };
        let own = step.options.max_demand.as_ref();
        let inherited = self.defaults.max_demand.as_ref();
        let Some(max) = fixed_max(step, self.defaults) else { return };
        let max = if own.is_some() { max } else { (max / size.max(1)).max(1) };
        let subscriptions = before.saturating_mul(copies).saturating_mul(lanes);
        let events = subscriptions.saturating_mul(max).saturating_mul(size);
        if events <= MANY {
            return;
        }
        let note = format!(
            "up to {events} events are in flight to this step, too many for back-pressure to have an effect: write a smaller {}",
            if batch.is_some() {
                "`max_demand`, which counts batches here, or a smaller batch"
            } else {
                "`max_demand` or `count`"
            }
        );
        let several = |count: &&Number| count.known().is_some_and(|count| count > 1);
        let own_count = step.options.count.as_ref().map(|count| &count.most).filter(several);
        let batch = batch.map(|gate| gate.word.span());
        let at = |number: &Number| syn::spanned::Spanned::span(number);
        let (at, word) = match (own, own_count, batch) {
            (Some(own), ..) => (at(own), "max_demand"),
            (None, Some(count), _) => (at(count), "count"),
            (None, None, Some(batch)) => (batch, "batch"),
            (None, None, None) => {
                let number = inherited.or(self.defaults.count.as_ref().map(|count| &count.most));
                if let (Some(number), None) = (number, &self.inherited) {
                    self.inherited = Some(Idle { at: at(number), word: "max_demand", note });
                }
                return;
            }
        };
        self.found.push(Idle { at, word, note });
    }
}
