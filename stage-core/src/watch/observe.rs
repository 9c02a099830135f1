//! Takes snapshots of a running pipeline.

use std::time::Duration;

use super::snapshot::{LinkSnapshot, Snapshot, StageSnapshot};
use crate::ack::Settlement;
use crate::base::stats::NumbersByName;
use crate::pipeline::handle::Monitor;
use crate::supervise::{Nature, StageEntry, step_of};

impl Monitor {
    /// Takes a snapshot of the pipeline: its stages, the links between them, the outcome of its deliveries,
    /// and its last exits. Costs the pipeline nothing. A supervisor has no links; take a snapshot of each of
    /// its pipelines.
    #[inline]
    pub fn snapshot(&self) -> Snapshot {
        let stages = self.stages.iter().filter(|stage| matches!(stage.nature, Nature::Stage));
        let mut settlement = Settlement::default();
        for stage in &*self.stages {
            settlement.add(stage.collectors.settlement());
        }
        Snapshot {
            pipeline: self.topology.name.clone(),
            at: self.lifecycle.began().elapsed(),
            steps: self.topology.steps.clone(),
            stages: stages.map(|stage| stage_snapshot(stage)).collect(),
            links: self.links(),
            settlement,
            oldest_open: self.stages.iter().filter_map(|stage| stage.collectors.oldest_open()).max(),
            exits: self.exits.read(),
        }
    }

    #[inline]
    fn links(&self) -> Vec<LinkSnapshot> {
        let mut links = Vec::new();
        let mut steps: Vec<&str> = Vec::new();
        for stage in &*self.stages {
            if !steps.contains(&&*stage.step) {
                steps.push(&stage.step);
            }
        }
        for step in steps {
            let mut to = NumbersByName::default();
            for stage in self.stages.iter().filter(|stage| *stage.step == *step) {
                for (consumer, numbers) in stage.counters.links.read().iter() {
                    to.add(step_of(consumer), numbers);
                }
            }
            for (to, numbers) in to.iter() {
                links.push(LinkSnapshot::new(step.to_owned(), to.to_string(), *numbers));
            }
        }
        links
    }
}

#[inline]
fn stage_snapshot(stage: &StageEntry) -> StageSnapshot {
    let clock = &stage.counters.clock;
    let now = clock.state();
    StageSnapshot {
        stats: stage.stats(),
        state: now.map(|(state, _)| state),
        state_age: now.map_or(Duration::ZERO, |(_, age)| age),
        times: clock.times(),
        waiting_for: stage.waiting_for(),
        is_source: stage.is_source(),
        starts_over: stage.counters.starts_over(),
    }
}
