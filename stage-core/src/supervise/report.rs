//! How a pipeline ended.

use std::fmt;
use std::time::Duration;

use crate::ack::Settlement;
use crate::error::ExitReason;
use crate::stats::StageStats;

/// In which way a pipeline ended, if it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Outcome {
    /// Every stage handled everything, to the end of the sources.
    Finished,
    /// It was asked to drain, and everything in flight was handled.
    Drained,
    /// It was stopped, or a drain ran into its deadline: events in flight were discarded.
    Stopped,
}

/// What a pipeline did.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// How long it ran.
    pub elapsed: Duration,
    /// What each stage did, in the order of the pipeline.
    pub stages: Vec<StageStats>,
    /// What became of what the sources delivered, if they want to know.
    pub settlement: Settlement,
    /// Stages that did not end in time and were cut off, as `step/copy`.
    pub cut_off: Vec<String>,
}

/// A pipeline that could not go on.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// A stage failed more often than the pipeline's [`Intensity`](crate::Intensity) allows.
    #[error("the stage `{stage}` {reason}; the pipeline gave up after {restarts} restarts")]
    Failed {
        /// The stage whose failure ended the pipeline, as `step/copy`.
        stage: String,
        /// Why it failed.
        reason: ExitReason,
        /// How many restarts were tried, all stages together.
        restarts: u64,
        /// What was done until then.
        report: Box<Report>,
    },
    /// The runtime that ran the pipeline was shut down before the pipeline ended.
    #[error("the runtime was shut down before the pipeline ended")]
    RuntimeGone,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.outcome {
            Outcome::Finished => "finished",
            Outcome::Drained => "drained",
            Outcome::Stopped => "stopped",
        };
        writeln!(f, "{verb} after {:.3} s", self.elapsed.as_secs_f64())?;
        for stage in &self.stages {
            writeln!(
                f,
                "  {}/{}: {} in, {} out, {} batches, {} discarded, {} restarts",
                stage.step,
                stage.copy,
                stage.events_in,
                stage.events_out,
                stage.batches,
                stage.discarded,
                stage.restarts,
            )?;
        }
        if self.settlement.delivered > 0 {
            writeln!(f, "  {}", self.settlement)?;
        }
        Ok(())
    }
}
