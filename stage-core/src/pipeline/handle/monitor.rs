//! Reads the statistics of a pipeline from outside.

use tokio::time::Instant;

use crate::base::stats::StageStats;
use crate::pipeline::Topology;
use crate::supervise::{Exits, StageEntry, stats_of};
use crate::sync::Arc;

/// A reader of a pipeline's statistics, even after it has ended. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Monitor {
    pub(crate) stages: Arc<[Arc<StageEntry>]>,
    pub(crate) topology: Arc<Topology>,
    /// The time at which the pipeline was started.
    pub(crate) began: Instant,
    pub(crate) exits: Arc<Exits>,
}

impl Monitor {
    /// Returns the statistics of each stage, in the order of the pipeline.
    pub fn stats(&self) -> Vec<StageStats> {
        stats_of(&self.stages)
    }
}
