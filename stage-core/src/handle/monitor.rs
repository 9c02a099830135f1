//! How the numbers of a pipeline are read from outside.

use std::any::Any;

use crate::stats::{Counters, StageStats};
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
}

impl Monitor {
    /// What each stage has done and holds now, in the order of the pipeline.
    pub fn stats(&self) -> Vec<StageStats> {
        self.stages.iter().map(|stage| stage.counters.read(&stage.step, stage.copy)).collect()
    }
}
