//! The final report of a pipeline.

use std::fmt;
use std::time::Duration;

use crate::ack::Settlement;
use crate::base::error::ExitReason;
use crate::base::stats::{EventFailures, StageStats};

/// The way in which a pipeline ended without failing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Outcome {
    /// Every stage handled everything, to the end of the sources.
    Finished,
    /// The pipeline was drained, and everything in flight was handled.
    Drained,
    /// The pipeline was stopped, or a drain reached its deadline: events in flight were discarded.
    Stopped,
}

/// The results of a pipeline's run.
///
/// ```
/// use stage_core::Pipeline;
/// use stage_core::pipeline::Outcome;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let pipeline = Pipeline::builder("count").start_fn("numbers", || Ok(0..100)).finish_fn("drop", drop);
/// let report = pipeline.start().await?.join().await?;
/// assert_eq!(report.outcome, Outcome::Finished);
/// assert_eq!((report.stages[0].events_out, report.stages[1].events_in), (100, 100));
/// println!("{report}");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// How long it ran.
    pub elapsed: Duration,
    /// The statistics of each stage, in the order of the pipeline.
    pub stages: Vec<StageStats>,
    /// The outcome of the sources' deliveries, if the sources track acknowledgements.
    pub settlement: Settlement,
    /// Unhandled events that stages held when they were stopped, at the deadline of a drain or otherwise: by
    /// stage, in the order of the pipeline. Stages without such events are omitted. The events count as
    /// discarded, too.
    pub rejected: Vec<StageLoss>,
    /// Stages that ended abnormally and were not restarted because they are
    /// [temporary](crate::Restart::Temporary).
    pub not_restarted: Vec<StageExit>,
    /// Stages that did not end in time and were aborted, as `step/copy`. Events held by a callback that never
    /// returned appear in no other count.
    pub cut_off: Vec<String>,
}

/// Events that a stage held when it was stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StageLoss {
    /// The stage, as `step/copy`.
    pub stage: String,
    /// Number of events that it held.
    pub events: u64,
}

/// A stage that ended, with the reason.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StageExit {
    /// The stage, as `step/copy`.
    pub stage: String,
    /// Why it ended.
    pub reason: ExitReason,
}

/// The failure of a pipeline.
///
/// ```
/// use stage_core::pipeline::ExitKind;
/// use stage_core::{ExitReason, Fatal, Pipeline, PipelineError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let pipeline = Pipeline::builder("numbers")
///     .start_fn("numbers", || Ok(0..3))
///     .finish_each_fn("store", stage_core::policy::FailurePolicy::stop(), |_| Err(Fatal::new("no disk")));
/// let Err(PipelineError::Failed { stage, reason, report, .. }) = pipeline.start().await?.join().await else { panic!() };
/// assert_eq!((&*stage, reason.kind()), ("store/0", ExitKind::Error));
/// assert_eq!(report.stages.len(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, stage_macros::ErrorDebug, stage_macros::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// A stage failed more often than the pipeline's [`Intensity`](crate::Intensity) allows.
    #[error(
        "the stage `{stage}` {reason}; the pipeline gave up after {restarts} restarts{}",
        Began(first, stage, reason)
    )]
    Failed {
        /// The stage whose failure ended the pipeline, as `step/copy`.
        stage: String,
        /// Why it failed.
        #[source]
        reason: ExitReason,
        /// The first of the failures within the intensity period.
        first: Box<StageExit>,
        /// Number of restarts of all stages together.
        restarts: u64,
        /// The report up to the failure.
        report: Box<Report>,
    },
    /// The runtime that ran the pipeline was shut down before the pipeline ended.
    #[error("the runtime was shut down before the pipeline ended")]
    RuntimeGone,
    /// The task that supervises the stages panicked, for example because a `tracing` subscriber panicked in
    /// it. All stages were aborted, and the events they held are lost.
    #[error("the supervisor of the pipeline panicked: {message}")]
    SupervisorPanicked {
        /// The message of the panic.
        message: String,
    },
}

/// Displays the first failure if it differs from the last.
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
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.outcome {
            Outcome::Finished => "finished",
            Outcome::Drained => "drained",
            Outcome::Stopped => "stopped",
        };
        writeln!(f, "{verb} after {:.3} s", self.elapsed.as_secs_f64())?;
        for stage in &self.stages {
            write!(
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
            if stage.failures != EventFailures::default() {
                write!(f, ", {}", stage.failures)?;
            }
            writeln!(f)?;
        }
        if self.settlement.delivered > 0 {
            writeln!(f, "  {}", self.settlement)?;
        }
        for StageLoss { stage, events } in &self.rejected {
            writeln!(f, "  {stage}: {events} events were left unhandled")?;
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
