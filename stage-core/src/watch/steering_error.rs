//! Why a request to a pipeline is refused.

use std::fmt;

use crate::base::copies::Copies;
use crate::credit::demand::WindowError;
use crate::policy::AtOnceError;
use crate::supervise::Ending;

/// Why a request to a pipeline is refused. A request that is refused changes nothing.
///
/// ```
/// use stage_core::Pipeline;
/// use stage_core::watch::SteeringError;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let running =
///     Pipeline::builder("upload").start_fn("files", || Ok(0_u64..)).finish_fn("store", |_| ()).start().await?;
/// let Err(SteeringError::UnknownStep { known, .. }) = running.steering().pause_step("stores") else { panic!() };
/// assert_eq!(known, ["files", "store"]);
/// running.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[non_exhaustive]
pub enum SteeringError {
    /// The pipeline has no such step.
    #[error("the pipeline `{pipeline}` has no step `{step}`; its steps are {}", List(known))]
    UnknownStep {
        /// The pipeline.
        pipeline: String,
        /// The name given.
        step: String,
        /// The names of its steps.
        known: Vec<String>,
    },
    /// The step is a source, which asks no stage for events.
    #[error(
        "the step `{step}` of the pipeline `{pipeline}` is a source and has no demand window; \
         the steps with one are {}",
        List(known)
    )]
    NoWindow {
        /// The pipeline.
        pipeline: String,
        /// The source.
        step: String,
        /// The names of the steps that have a window.
        known: Vec<String>,
    },
    /// The window is out of range.
    #[error("the step `{step}` of the pipeline `{pipeline}`: {source}")]
    Window {
        /// The pipeline.
        pipeline: String,
        /// The step.
        step: String,
        /// The error in the window.
        source: WindowError,
    },
    /// The number of copies of the step is fixed.
    #[error(
        "the step `{step}` of the pipeline `{pipeline}` has a fixed number of copies: declare a range, such as \
         `count: 1..=8`; {}",
        elastic(known)
    )]
    FixedCount {
        /// The pipeline.
        pipeline: String,
        /// The step.
        step: String,
        /// The names of the elastic steps.
        known: Vec<String>,
    },
    /// The step is a source, whose copies each have events of their own.
    #[error(
        "the step `{step}` of the pipeline `{pipeline}` is a source and has a fixed number of copies; {}",
        ranged(known)
    )]
    SourceCount {
        /// The pipeline.
        pipeline: String,
        /// The source.
        step: String,
        /// The names of the elastic steps.
        known: Vec<String>,
    },
    /// The number of copies is outside of the range of the declaration.
    #[error("the step `{step}` of the pipeline `{pipeline}` may have {range} copies, not {got}")]
    Count {
        /// The pipeline.
        pipeline: String,
        /// The step.
        step: String,
        /// The range of the declaration.
        range: Copies,
        /// The number, or the range, given.
        got: Copies,
    },
    /// The pipeline has no such step, or it does not limit the rate of events.
    #[error("no step `{step}` of the pipeline `{pipeline}` has a rate; {}", rated(known))]
    UnknownRate {
        /// The pipeline.
        pipeline: String,
        /// The name given.
        step: String,
        /// The names of the steps that have a rate.
        known: Vec<String>,
    },
    /// The pipeline has no such step, or it handles one event at a time, or has no key for `at_most`.
    #[error(
        "no step `{step}` of the pipeline `{pipeline}` has such a limit of events at once; {}",
        limited(known)
    )]
    UnknownAtOnce {
        /// The pipeline.
        pipeline: String,
        /// The name given.
        step: String,
        /// The names of the steps that have one.
        known: Vec<String>,
    },
    /// The number of events at once is out of range.
    #[error("the step `{step}` of the pipeline `{pipeline}`: {source}")]
    AtOnce {
        /// The pipeline.
        pipeline: String,
        /// The step.
        step: String,
        /// The error in the number.
        source: AtOnceError,
    },
    /// A supervisor has no stages of its own.
    #[error("`{pipeline}` has no sources to pause: steer each pipeline of a supervisor by itself")]
    NoStages {
        /// The name of the supervisor.
        pipeline: String,
    },
    /// The pipeline drains or stops, so it cannot be changed any more.
    #[error("the pipeline `{pipeline}` is draining or stopping, and can only be drained or stopped")]
    Ending {
        /// The pipeline.
        pipeline: String,
    },
    /// The pipeline has ended.
    #[error("the pipeline `{pipeline}` has ended: {ending}")]
    Ended {
        /// The pipeline.
        pipeline: String,
        /// The way in which it ended.
        ending: Ending,
    },
}

/// Displays names as a list: `a`, `b` and `c`.
pub(super) struct List<'a>(pub(super) &'a [String]);

impl fmt::Display for List<'_> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, name) in self.0.iter().enumerate() {
            let before = match number {
                0 => "",
                number if number + 1 == self.0.len() => " and ",
                _ => ", ",
            };
            write!(f, "{before}`{name}`")?;
        }
        Ok(())
    }
}

/// Displays the steps of which something can be steered: `some` and their names, or `none`.
struct Known<'a> {
    names: &'a [String],
    none: &'static str,
    some: &'static str,
}

impl fmt::Display for Known<'_> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { names, none, some } = self;
        if names.is_empty() { f.write_str(none) } else { write!(f, "{some} {}", List(names)) }
    }
}

#[inline]
fn elastic(names: &[String]) -> Known<'_> {
    Known { names, none: "no step has one", some: "the steps with one are" }
}

#[inline]
fn ranged(names: &[String]) -> Known<'_> {
    Known { names, none: "no step was declared with a range", some: "the steps whose number can change are" }
}

#[inline]
fn rated(names: &[String]) -> Known<'_> {
    Known { names, none: "none of its steps limits the rate of events", some: "the steps with one are" }
}

#[inline]
fn limited(names: &[String]) -> Known<'_> {
    Known { names, none: "none of its steps has one", some: "the steps with one are" }
}
