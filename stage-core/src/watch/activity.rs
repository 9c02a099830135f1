//! The activity of a pipeline between two snapshots.

use std::collections::HashMap;
use std::time::Duration;

use super::judge::judge;
use super::link_activity::LinkActivity;
use super::lint::Lint;
use super::lints::lints;
use super::snapshot::Snapshot;
use super::step_activity::{CopyActivity, StepActivity};
use super::verdict::Verdict;

/// The activity of a pipeline between two snapshots, made by [`Snapshot::since`].
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Activity {
    /// The time between the snapshots.
    pub elapsed: Duration,
    /// The steps, in the order of the pipeline.
    pub steps: Vec<StepActivity>,
    /// The links between steps.
    pub links: Vec<LinkActivity>,
}

impl Activity {
    #[inline]
    pub(super) fn between(earlier: &Snapshot, later: &Snapshot) -> Self {
        let before: HashMap<_, _> = earlier
            .stages
            .iter()
            .map(|stage| ((stage.stats.step.as_str(), stage.stats.copy), stage))
            .collect();
        let mut steps: Vec<StepActivity> = Vec::new();
        for stage in &later.stages {
            let name = stage.stats.step.as_str();
            let copy = CopyActivity::between(before.get(&(name, stage.stats.copy)).copied(), stage);
            match steps.iter_mut().find(|step| step.step == name) {
                Some(step) => step.copies.push(copy),
                None => steps.push(StepActivity::new(later, stage, copy)),
            }
        }
        let links = later.links.iter().map(|link| {
            let before = earlier.links.iter().find(|before| before.is_between(&link.from, &link.to));
            LinkActivity::between(before, link)
        });
        let elapsed = later.at.saturating_sub(earlier.at);
        Self { elapsed, links: links.collect(), steps }
    }

    /// Returns the step that limits the pipeline, and the cause. The activity should span at least a second.
    #[inline]
    pub fn verdict(&self) -> Verdict {
        judge(self, None)
    }

    /// Returns the verdict like [`verdict`](Self::verdict), but keeps the limit that `before` names unless
    /// another one is clearly better.
    #[inline]
    pub fn verdict_after(&self, before: &Verdict) -> Verdict {
        judge(self, Some(before))
    }

    /// Returns what is unfavourable in the pipeline's structure and options, whether or not it limits the
    /// pipeline.
    #[inline]
    pub fn lints(&self) -> Vec<Lint> {
        lints(self)
    }

    /// Returns whether a step asks for more than its producers send.
    #[inline]
    pub(super) fn lacks_input(&self, step: &StepActivity) -> bool {
        let inputs = || self.links.iter().filter(|link| link.to == step.step);
        let unmet: f64 = inputs().map(|link| link.unmet).sum();
        // Demand that is not met stays above `min_demand`; that of a step with enough input is near zero.
        let least: f64 = inputs().map(LinkActivity::least).sum();
        inputs().next().is_some() && 2.0 * unmet > least + 1.0
    }

    /// Returns the step with this name.
    #[inline]
    pub fn step(&self, name: &str) -> Option<&StepActivity> {
        self.steps.iter().find(|step| step.step == name)
    }
}
