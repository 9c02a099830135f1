//! The states of a pipeline, as its observers see them.

use std::fmt;
use std::time::Duration;

use super::policy::Intensity;
use super::report::{Outcome, PipelineError, Report};

/// The state of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum PipelineState {
    /// Its stages come up for the first time.
    Starting,
    /// All stages are up, or were and have finished.
    Running,
    /// An operator paused every source.
    Paused,
    /// Stages that failed are down and will be restarted.
    Restarting,
    /// Its sources have been told to finish, and the events in flight are handled.
    Draining,
    /// Its stages are being stopped.
    Stopping,
    /// It has ended.
    Ended(Ending),
}

/// The way in which a pipeline ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Ending {
    /// Every stage handled everything, to the end of the sources.
    Finished,
    /// It was drained, and everything in flight was handled.
    Drained,
    /// It was stopped, or a drain reached its deadline.
    Stopped,
    /// It failed, for this reason.
    Failed(String),
}

/// The restarts of a pipeline's stages, and how many of them it tolerates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Restarts {
    /// Restarts since the start of the pipeline.
    pub total: u64,
    /// Failures within the period of the intensity, up to now.
    pub recent: usize,
    /// The tolerated number of failures; `None` if nothing restarts the stages.
    pub intensity: Option<Intensity>,
}

impl PipelineState {
    /// Returns the state in one word: `starting`, `running`, `paused`, `restarting`, `draining`, `stopping` or
    /// `ended`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Draining => "draining",
            Self::Stopping => "stopping",
            Self::Ended(_) => "ended",
        }
    }

    /// Returns whether the pipeline has ended.
    pub const fn is_ended(&self) -> bool {
        matches!(self, Self::Ended(_))
    }
}

impl fmt::Display for PipelineState {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(ending) => ending.fmt(f),
            state => f.write_str(state.name()),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => f.write_str("finished"),
            Self::Drained => f.write_str("drained"),
            Self::Stopped => f.write_str("stopped"),
            Self::Failed(error) => write!(f, "failed: {error}"),
        }
    }
}

impl Ending {
    pub(crate) fn of(result: &Result<Report, PipelineError>) -> Self {
        match result {
            Ok(report) => report.outcome.into(),
            Err(error) => Self::Failed(error.to_string()),
        }
    }
}

impl From<Outcome> for Ending {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Finished => Self::Finished,
            Outcome::Drained => Self::Drained,
            Outcome::Stopped => Self::Stopped,
        }
    }
}

impl Restarts {
    /// Returns the restarts at `now`, given the times of the last failures.
    #[inline]
    pub(super) fn at(now: Duration, total: u64, failures: &[Duration], intensity: Option<Intensity>) -> Self {
        let within = intensity.map_or(Duration::MAX, |intensity| intensity.within);
        let recent = failures.iter().filter(|then| now.saturating_sub(**then) <= within).count();
        Self { total, recent, intensity }
    }
}
