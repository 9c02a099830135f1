//! The topology of stages that were spawned by hand, as far as their links show it.

use crate::base::options::Placement;
use crate::base::stats::{LinkNumbers, NumbersByName};
use crate::credit::tuning::Tuning;
use crate::pipeline::{Carried, Link, LinkKind, StepInfo, StepKind, Topology};
use crate::supervise::{StageEntry, step_of};
use crate::sync::Arc;

#[inline]
pub(super) fn topology(name: String, stages: &[Arc<StageEntry>]) -> Topology {
    let mut topology = Topology::unwired(name);
    let mut links: Vec<(String, String, LinkNumbers)> = Vec::new();
    for stage in stages {
        match topology.steps.iter_mut().find(|step| step.name == *stage.step) {
            Some(step) => step.count += 1,
            None => topology.steps.push(step(stage)),
        }
        let mut to = NumbersByName::default();
        for (consumer, numbers) in stage.counters.links.read().iter() {
            to.add(step_of(consumer), numbers);
        }
        for (to, numbers) in to.iter() {
            match links.iter_mut().find(|(from, other, _)| *from == *stage.step && **other == **to) {
                Some((_, _, all)) => all.add(numbers),
                None => links.push((stage.step.to_string(), to.to_string(), *numbers)),
            }
        }
    }
    for (from, to, numbers) in links {
        if let Some(step) = topology.steps.iter_mut().find(|step| step.name == from) {
            step.kind = match step.kind {
                StepKind::Consumer => StepKind::ProducerConsumer,
                kind => kind,
            };
        }
        // A consumer outside of the group is not a step of it.
        let Some(step) = topology.steps.iter_mut().find(|step| step.name == to) else { continue };
        let one = |sum: u64| usize::try_from(sum / numbers.links.max(1)).unwrap_or(usize::MAX);
        (step.min_demand, step.max_demand) = (one(numbers.min), one(numbers.max));
        topology.links.push(Link {
            from,
            to,
            kind: LinkKind::Straight,
            carries: Carried::Events,
            in_flight: usize::try_from(numbers.max).ok(),
        });
    }
    topology.in_flight = topology.links.iter().map(|link| link.in_flight).sum();
    topology
}

#[inline]
fn step(stage: &StageEntry) -> StepInfo {
    StepInfo {
        name: stage.step.to_string(),
        kind: if stage.is_source() { StepKind::Producer } else { StepKind::Consumer },
        count: 1,
        elastic: None,
        lanes: 1,
        min_demand: 0,
        max_demand: 0,
        demand: Tuning::Fixed,
        batch_size: None,
        keyed: false,
        placement: Placement::default(),
        edge: None,
    }
}
