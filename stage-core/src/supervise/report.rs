//! How a pipeline ended.

use std::fmt;
use std::time::Duration;

use crate::ack::Settlement;
use crate::base::error::ExitReason;
use crate::base::stats::StageStats;

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
    /// What was still in the stages when they were stopped, at the deadline of a drain or otherwise, and was
    /// not handled: by stage, in the order of the pipeline. Stages that had nothing are left out. It counts
    /// as discarded, too.
    pub rejected: Vec<Rejected>,
    /// Stages that ended otherwise than normally, and were not restarted since they are
    /// [temporary](crate::Restart::Temporary).
    pub not_restarted: Vec<StageExit>,
    /// Stages that did not end in time and were cut off, as `step/copy`. What a callback that never came back
    /// had in its hands is in no other number.
    pub cut_off: Vec<String>,
}

/// Events that a stage held when it was stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Rejected {
    /// The stage, as `step/copy`.
    pub stage: String,
    /// How many events it held.
    pub events: u64,
}

/// A stage that ended, and why.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StageExit {
    /// The stage, as `step/copy`.
    pub stage: String,
    /// Why it ended.
    pub reason: ExitReason,
}

/// A pipeline that could not go on.
#[derive(Clone, stage_macros::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// A stage failed more often than the pipeline's [`Intensity`](crate::Intensity) allows.
    #[error("the stage `{stage}` {reason}; the pipeline gave up after {restarts} restarts{}", Began(.first, .stage, .reason))]
    Failed {
        /// The stage whose failure ended the pipeline, as `step/copy`.
        stage: String,
        /// Why it failed.
        #[source]
        reason: ExitReason,
        /// The first of the failures that were too many: what it began with.
        first: Box<StageExit>,
        /// How many restarts were tried, all stages together.
        restarts: u64,
        /// What was done until then.
        report: Box<Report>,
    },
    /// The runtime that ran the pipeline was shut down before the pipeline ended.
    #[error("the runtime was shut down before the pipeline ended")]
    RuntimeGone,
    /// The task that supervises the stages panicked, as it does when a `tracing` subscriber panics in it. All stages
    /// were cut off, and what they held is lost.
    #[error("the supervisor of the pipeline panicked: {message}")]
    SupervisorPanicked {
        /// What the panic said.
        message: String,
    },
}

/// Names the first failure, where it says more than the last.
struct Began<'a>(&'a StageExit, &'a str, &'a ExitReason);

impl fmt::Display for Began<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(first, stage, reason) = self;
        if first.stage == **stage && first.reason.to_string() == reason.to_string() {
            return Ok(());
        }
        write!(f, "; it began when {first}")
    }
}

impl fmt::Display for StageExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the stage `{}` {}", self.stage, self.reason)
    }
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
        for Rejected { stage, events } in &self.rejected {
            writeln!(f, "  {stage}: {events} events were not handled any more")?;
        }
        for exit in &self.not_restarted {
            writeln!(f, "  {exit}, and was not restarted")?;
        }
        for stage in &self.cut_off {
            writeln!(f, "  {stage}: did not stop in time and was cut off")?;
        }
        Ok(())
    }
}
