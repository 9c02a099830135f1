//! Errors in a declaration, found when it is built.

use crate::base::copies::Copies;
use crate::credit::demand::WindowError;
use crate::credit::limits::{MOST_COPIES, MOST_EVENTS};

/// An invalid option, with the step that has it.
///
/// ```
/// use stage_core::pipeline::OptionError;
/// use stage_core::{Pipeline, StartError, StepOptions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let pipeline = Pipeline::builder("count")
///     .start_fn("numbers", || Ok(0..10))
///     .step_fn(StepOptions::named("next").count(0), |number| number + 1)
///     .finish_fn("print", |number| println!("{number}"));
/// let Err(StartError::Options { errors, .. }) = pipeline.start().await else { panic!("it starts") };
/// assert!(matches!(errors[..], [OptionError::Count { .. }]));
/// assert_eq!(errors[0].step(), "next");
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[non_exhaustive]
pub enum OptionError {
    /// A step has no copies.
    #[error("step `{step}`: count must be at least 1, got 0")]
    Count {
        /// The step.
        step: String,
    },
    /// The range of a step's copies is empty.
    #[error("step `{step}`: count must be a range from the smaller number to the larger, got {got}")]
    EmptyCount {
        /// The step.
        step: String,
        /// The range given.
        got: Copies,
    },
    /// The number of copies of a source cannot change.
    #[error("step `{step}`: a source has a fixed number of copies: count must be one number, got {got}")]
    ElasticSource {
        /// The step.
        step: String,
        /// The range given.
        got: Copies,
    },
    /// The number of copies of a step that is fed by key cannot change, because its stage hands no state over.
    #[error(
        "step `{step}`: its copies are fed by key, and count can only be a range, such as {got}, if their stage hands the \
         state of its keys over: declare it with `step_keyed` or `finish_keyed`, or write one number"
    )]
    ElasticKeyed {
        /// The step.
        step: String,
        /// The range given.
        got: Copies,
    },
    /// A step has more copies than the limit.
    #[error("step `{step}`: count must be at most {MOST_COPIES}, got {got}")]
    TooManyCopies {
        /// The step.
        step: String,
        /// The number given.
        got: usize,
    },
    /// A step has more copies over all lanes than the limit.
    #[error("step `{step}`: count × lanes must be at most {MOST_COPIES}, got {got}")]
    TooManyInLanes {
        /// The step.
        step: String,
        /// The number of copies over all lanes.
        got: usize,
    },
    /// A buffer exceeds the limit.
    #[error("step `{step}`: buffer must be at most {MOST_EVENTS}, got {got}")]
    Buffer {
        /// The step.
        step: String,
        /// The number of events given.
        got: usize,
    },
    /// A period is zero, so nothing could ever happen within it.
    #[error("{option} must be above zero, got 0")]
    Period {
        /// The option of the pipeline or supervisor: `within` of the restart intensity, or `warn_of_stalls`.
        option: &'static str,
    },
    /// A source allows only one copy, because every further copy would emit each event again.
    #[error("step `{step}`: this source allows one copy only: count must be 1, got {count}")]
    Single {
        /// The step.
        step: String,
        /// The count given.
        count: usize,
    },
    /// An end of an edge has several copies; each process has one.
    #[error(
        "step `{step}`: an edge has one copy of it in each process: count must be 1, got {count}; start more processes instead"
    )]
    EdgeCopies {
        /// The step.
        step: String,
        /// The count given.
        count: usize,
    },
    /// The demand window of a step is invalid.
    #[error("step `{step}`: {source}")]
    Window {
        /// The step.
        step: String,
        /// The error in the window.
        source: WindowError,
    },
    /// Two steps have the same name.
    #[error("step `{step}`: the name is already taken; give one of the two steps another `name`")]
    Name {
        /// The step.
        step: String,
    },
    /// A partition has no lanes.
    #[error("the partition after {step}: into must be at least 1, got 0")]
    Lanes {
        /// The steps before the partition.
        step: String,
    },
    /// A partition has more lanes than the limit.
    #[error("the partition after {step}: into must be at most {MOST_COPIES}, got {got}")]
    TooManyLanes {
        /// The steps before the partition.
        step: String,
        /// The number given.
        got: usize,
    },
    /// The lanes of a partition contain no steps, so they have no effect.
    #[error("the partition after {step}: its lanes need at least one step before the merge")]
    EmptyLane {
        /// The steps before the partition.
        step: String,
    },
    /// A broadcast has no branches.
    #[error("the broadcast after {step}: it needs at least one branch")]
    NoBranch {
        /// The steps before the broadcast.
        step: String,
    },
    /// A declaration has no effect, or no meaning, at this place.
    #[error("after {step}: {what}")]
    Misplaced {
        /// The steps before the declaration.
        step: String,
        /// The error.
        what: &'static str,
    },
    /// Two edges have the same name.
    #[error("edge `{edge}`: the pipeline has another edge of this name; give one of the two another name")]
    Edge {
        /// The edge.
        edge: String,
    },
    /// The pipeline has no edge with this name.
    #[error("there is no edge `{edge}`: {}", edges(known))]
    UnknownEdge {
        /// The name.
        edge: String,
        /// The edges of the pipeline.
        known: Box<[String]>,
    },
    /// The parts before and behind an edge are one, because they are also connected within the process.
    #[error(
        "the parts before and behind the edge `{edge}` cannot be started apart: they are also joined by a `merge`"
    )]
    JoinedParts {
        /// The edge.
        edge: String,
    },
    /// No step belongs to the chosen parts.
    #[error("no step is {parts}")]
    NoParts {
        /// The chosen parts.
        parts: String,
    },
    /// A branch returned another pipeline than the one it was given.
    #[error("the branch after {step}: it must return the chain that it was given")]
    Foreign {
        /// The steps before the branch.
        step: String,
    },
}

impl OptionError {
    /// Returns the name of the step or edge, or the steps before the error; empty for an option of the whole
    /// pipeline.
    pub fn step(&self) -> &str {
        match self {
            Self::Period { .. } => "",
            Self::Count { step }
            | Self::EmptyCount { step, .. }
            | Self::ElasticSource { step, .. }
            | Self::ElasticKeyed { step, .. }
            | Self::TooManyCopies { step, .. }
            | Self::TooManyInLanes { step, .. }
            | Self::Buffer { step, .. }
            | Self::TooManyLanes { step, .. }
            | Self::Single { step, .. }
            | Self::EdgeCopies { step, .. }
            | Self::Window { step, .. }
            | Self::Name { step }
            | Self::Lanes { step }
            | Self::EmptyLane { step }
            | Self::NoBranch { step }
            | Self::Misplaced { step, .. }
            | Self::Foreign { step }
            | Self::UnknownEdge { edge: step, .. }
            | Self::JoinedParts { edge: step }
            | Self::NoParts { parts: step }
            | Self::Edge { edge: step } => step,
        }
    }
}

/// Lists the edges of a pipeline.
fn edges(known: &[String]) -> String {
    match known {
        [] => "the pipeline has none".to_owned(),
        [edge] => format!("the only one is `{edge}`"),
        [first @ .., last] => format!("the edges are `{}` and `{last}`", first.join("`, `")),
    }
}
