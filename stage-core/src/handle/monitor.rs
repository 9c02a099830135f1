//! How the numbers of a pipeline are read from outside.

use super::known::Known;
use crate::stats::StageStats;
use crate::supervise::Nature;
use crate::sync::Arc;

/// Reads the numbers of a pipeline, also after it ended. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Monitor {
    pub(super) stages: Arc<[Arc<Known>]>,
}

impl Monitor {
    /// What each stage has done and holds now, in the order of the pipeline.
    pub fn stats(&self) -> Vec<StageStats> {
        let mut stats = Vec::with_capacity(self.stages.len());
        for stage in &*self.stages {
            stats.push(stage.stats());
            match &stage.nature {
                Nature::Stage | Nature::Task => {}
                Nature::Group(inner) => stats.extend(inner.stats(&stage.step)),
            }
        }
        stats
    }

    /// Every stage that there is now, also within others, with its name.
    pub(super) fn named(&self) -> Vec<(String, Arc<Known>)> {
        let mut named = Vec::with_capacity(self.stages.len());
        for stage in &*self.stages {
            match &stage.nature {
                Nature::Stage => named.push((format!("{}/{}", stage.step, stage.copy), Arc::clone(stage))),
                Nature::Task => {}
                Nature::Group(inner) => {
                    let within = inner.running().map(|monitor| monitor.named()).unwrap_or_default();
                    named.extend(
                        within.into_iter().map(|(name, known)| (format!("{}/{name}", stage.step), known)),
                    );
                }
            }
        }
        named
    }
}
