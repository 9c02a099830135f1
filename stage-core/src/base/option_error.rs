//! What can be wrong with a declaration, found when it is built.

use crate::credit::demand::WindowError;
use crate::credit::limits::{MOST_COPIES, MOST_EVENTS};

/// An option that cannot work, and the step it belongs to.
#[derive(Clone, PartialEq, Eq, stage_macros::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum OptionError {
    /// A step without copies.
    #[error("step `{step}`: count must be at least 1, got 0")]
    Count {
        /// The step.
        step: String,
    },
    /// More copies than could ever be of use.
    #[error("step `{step}`: count must be at most {MOST_COPIES}, got {got}")]
    TooManyCopies {
        /// The step.
        step: String,
        /// The number given.
        got: usize,
    },
    /// More copies in all lanes together than could ever be of use.
    #[error("step `{step}`: count × lanes must be at most {MOST_COPIES}, got {got}")]
    TooManyInLanes {
        /// The step.
        step: String,
        /// How many there would be.
        got: usize,
    },
    /// A buffer that could never be in memory.
    #[error("step `{step}`: buffer must be at most {MOST_EVENTS}, got {got}")]
    Buffer {
        /// The step.
        step: String,
        /// The number of events given.
        got: usize,
    },
    /// A period of zero, in which nothing could ever happen.
    #[error("{option} must be above zero, got 0")]
    Period {
        /// The option of the pipeline or supervisor: `within` of its intensity, `warn_of_stalls`.
        option: &'static str,
    },
    /// A source that would make every event several times.
    #[error("step `{step}`: this source must be alone, so count must be 1, got {count}")]
    Single {
        /// The step.
        step: String,
        /// The count given.
        count: usize,
    },
    /// A window that cannot work.
    #[error("step `{step}`: {source}")]
    Window {
        /// The step.
        step: String,
        /// What is wrong with it.
        source: WindowError,
    },
    /// Two steps of one name.
    #[error("step `{step}`: there is already a step of this name; give one of them another `name`")]
    Name {
        /// The step.
        step: String,
    },
    /// A partition without lanes.
    #[error("the partition after {step}: into must be at least 1, got 0")]
    Lanes {
        /// The steps before it.
        step: String,
    },
    /// A partition into more lanes than could ever be of use.
    #[error("the partition after {step}: into must be at most {MOST_COPIES}, got {got}")]
    TooManyLanes {
        /// The steps before it.
        step: String,
        /// The number given.
        got: usize,
    },
    /// A partition whose lanes are empty, so that they would change nothing.
    #[error("the partition after {step}: its lanes need at least one step before they come back")]
    EmptyLane {
        /// The steps before it.
        step: String,
    },
    /// A broadcast to nobody.
    #[error("the broadcast after {step}: it needs at least one branch")]
    NoBranch {
        /// The steps before it.
        step: String,
    },
    /// Something that has no effect, or no meaning, where it stands.
    #[error("after {step}: {what}")]
    Misplaced {
        /// The steps before it.
        step: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A branch ended in a pipeline that it did not begin with.
    #[error("the branch after {step}: it must return what it was given, not another pipeline")]
    Foreign {
        /// The steps before it.
        step: String,
    },
}

impl OptionError {
    /// The step it belongs to, or the steps before it; empty for an option of the whole pipeline.
    pub fn step(&self) -> &str {
        match self {
            Self::Period { .. } => "",
            Self::Count { step }
            | Self::TooManyCopies { step, .. }
            | Self::TooManyInLanes { step, .. }
            | Self::Buffer { step, .. }
            | Self::TooManyLanes { step, .. }
            | Self::Single { step, .. }
            | Self::Window { step, .. }
            | Self::Name { step }
            | Self::Lanes { step }
            | Self::EmptyLane { step }
            | Self::NoBranch { step }
            | Self::Misplaced { step, .. }
            | Self::Foreign { step } => step,
        }
    }
}
