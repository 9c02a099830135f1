//! Reads the statistics of a pipeline from outside.

use std::time::Duration;

use super::stall::Stall;
use super::stalled;
use crate::base::future::FutureExt;
use crate::base::stats::{EventTimes, StageStats};
use crate::pipeline::Topology;
use crate::supervise::{Exits, Lifecycle, StageEntry, stats_of};
use crate::sync::Arc;

/// A reader of a pipeline's statistics, even after it has ended. Cheap to clone.
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::Pipeline;
/// use stage_core::testing::{Probe, settle};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (probe, _seen) = Probe::<u32>::hanging();
/// let running = Pipeline::builder("numbers")
///     .start_fn("numbers", || Ok(0..1_000_u32))
///     .finish("probe", move || Ok(probe.clone()))
///     .start()
///     .await?;
/// settle().await;
/// let monitor = running.monitor();
/// let stalls = monitor.stalls(Duration::from_secs(1)).await;
/// assert!(stalls.iter().any(|stall| stall.stage == "probe/0"));
/// assert!(monitor.snapshot().stages.len() == 2 && monitor.topology().name == "numbers");
/// running.stop().await?;
/// assert_eq!(monitor.stats()[1].batches, 1);
/// assert!(monitor.status().state.is_ended());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Monitor {
    pub(crate) stages: Arc<[Arc<StageEntry>]>,
    pub(crate) topology: Arc<Topology>,
    pub(crate) lifecycle: Arc<Lifecycle>,
    pub(crate) exits: Arc<Exits>,
    /// The event time of its partitions, for a flow that uses it.
    pub(crate) event_times: Option<EventTimes>,
}

impl Monitor {
    /// Returns the statistics of each stage, in the order of the pipeline.
    #[inline]
    pub fn stats(&self) -> Vec<StageStats> {
        stats_of(&self.stages)
    }

    /// Returns the structure of the pipeline, with the options that were effective at its start.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Watches the pipeline for `within`, and returns the stages that hold events and made no progress in that
    /// time, as [`Running::stalls`](crate::Running::stalls) does.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn stalls(&self, within: Duration) -> Vec<Stall> {
        // Type-erased, so that user crates do not compile it again.
        stalled::stalls(self, within).boxed().await
    }
}
