//! How the numbers of a pipeline are read from outside.

use std::any::Any;

use crate::stats::{Counters, StageStats};
use crate::supervise::Nature;
use crate::sync::Arc;

/// Reads the numbers of a pipeline, also after it ended. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Monitor {
    pub(super) stages: Arc<[Known]>,
}

/// A stage as the handle knows it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) step: Arc<str>,
    pub(super) copy: usize,
    pub(super) counters: Arc<Counters>,
    pub(super) mailbox: Arc<dyn Any + Send + Sync>,
    pub(super) nature: Nature,
}

impl Monitor {
    /// What each stage has done and holds now, in the order of the pipeline.
    pub fn stats(&self) -> Vec<StageStats> {
        let mut stats = Vec::with_capacity(self.stages.len());
        for stage in &*self.stages {
            stats.push(stage.counters.read(&stage.step, stage.copy));
            match &stage.nature {
                Nature::Stage | Nature::Task => {}
                Nature::Group(inner) => stats.extend(inner.stats(&stage.step)),
            }
        }
        stats
    }
}
