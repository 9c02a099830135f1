//! The verdict on a pipeline: the step that limits it, and a sentence that explains why.

use std::fmt;
use std::time::Duration;

use crate::base::options::Placement;
use crate::base::stats::StageState;

/// The limit of a pipeline's throughput, found by [`Activity::verdict`](super::Activity::verdict). Its
/// `Display` is a sentence that names the step, the cause, the figures and a remedy.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Verdict {
    /// One step.
    Bottleneck(Bottleneck),
    /// The source: the steps could take more events than it emits.
    SourceBound {
        /// The source.
        source: String,
        /// Whether it waits for its input, or works.
        state: StageState,
        /// The share of the time that it spends in this state, from 0 to 1.
        share: f64,
        /// Events handed out per second.
        rate: f64,
    },
    /// The threads of the runtime: stages are ready to run, but no thread polls them.
    RuntimeBound {
        /// The steps that occupy the threads of the runtime, busiest first.
        steps: Vec<String>,
        /// The share of its time that the limiting step waited for a thread, from 0 to 1.
        share: f64,
    },
    /// No step is busy all the time.
    Balanced {
        /// The busiest step, and the share of its time that it is busy, from 0 to 1.
        busiest: Option<(String, f64)>,
    },
    /// No events arrived or left.
    Idle,
}

/// The step that limits a pipeline.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Bottleneck {
    /// The name of the step.
    pub step: String,
    /// The number of its copies.
    pub copies: usize,
    /// The cause of its load.
    pub cause: Cause,
    /// The share of their time that the copies, or the named copy, spend on the cause, from 0 to 1.
    pub share: f64,
    /// Where its callbacks run.
    pub placement: Placement,
    /// Events that wait for the step or that it is handling.
    pub waiting: u64,
    /// The maximum of `waiting`.
    pub room: u64,
    /// The time that an event waits for the step and is handled by it.
    pub wait: Option<Duration>,
}

/// The cause of the load of a step that limits a pipeline.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Cause {
    /// Its callbacks compute, or block their thread.
    Working,
    /// Its callbacks wait for something.
    Waiting,
    /// It keeps events inside until a rate, a time or its own tasks release them.
    Pacing,
    /// One copy has much more work than the others.
    Skew {
        /// The index of that copy, from 0.
        copy: usize,
        /// The share of the events that it has, from 0 to 1.
        events: f64,
    },
}

impl Verdict {
    /// Returns the step or the source that limits the pipeline, if one does.
    #[inline]
    pub fn step(&self) -> Option<&str> {
        match self {
            Self::Bottleneck(bottleneck) => Some(&bottleneck.step),
            Self::SourceBound { source, .. } => Some(source),
            Self::RuntimeBound { .. } | Self::Balanced { .. } | Self::Idle => None,
        }
    }
}

impl Verdict {
    /// Returns whether both name the same limit, whatever their figures: the same kind of limit and the same
    /// step.
    #[inline]
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other) && self.step() == other.step()
    }
}

impl fmt::Display for Verdict {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bottleneck(bottleneck) => bottleneck.fmt(f),
            Self::SourceBound { source, state: StageState::Waiting, share, rate } => write!(
                f,
                "the source `{source}` is the limit: it waits for its input {} of the time and emits {rate:.0} \
                 events per second. The steps after it have capacity left.",
                Percent(*share)
            ),
            Self::SourceBound { source, share, rate, .. } => write!(
                f,
                "the source `{source}` is the limit: it works {} of the time and emits {rate:.0} events per \
                 second. More events per call, or another placement, help.",
                Percent(*share)
            ),
            Self::RuntimeBound { steps, share } => {
                f.write_str("the runtime is the limit: ")?;
                list(f, steps)?;
                write!(
                    f,
                    " could run but got no thread {} of the time. Move callbacks that block or compute for long to \
                     `placement: blocking` or `placement: rayon`, or give the runtime more threads.",
                    Percent(*share)
                )
            }
            Self::Balanced { busiest: Some((step, share)) } => {
                write!(f, "no step is the limit: the busiest is `{step}`, {} of the time", Percent(*share))
            }
            Self::Balanced { busiest: None } => f.write_str("no step is the limit"),
            Self::Idle => f.write_str("idle: no event was emitted or handled"),
        }
    }
}

impl fmt::Display for Bottleneck {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, copies, cause, share, .. } = self;
        write!(f, "`{step}` is the bottleneck: ")?;
        let one = *copies == 1;
        match cause {
            Cause::Skew { copy, events } => write!(
                f,
                "copy {copy} of {copies} has {} of the events and is busy {} of the time",
                Percent(*events),
                Percent(*share)
            )?,
            Cause::Working if one => write!(f, "it works {} of the time", Percent(*share))?,
            Cause::Working => write!(f, "its {copies} copies work {} of the time", Percent(*share))?,
            Cause::Waiting if one => write!(f, "its callbacks wait {} of the time", Percent(*share))?,
            Cause::Waiting => {
                write!(f, "the callbacks of its {copies} copies wait {} of the time", Percent(*share))?;
            }
            Cause::Pacing => write!(f, "it holds events back {} of the time", Percent(*share))?,
        }
        if self.room > 0 {
            write!(f, ", and {} of {} events wait", self.waiting, self.room)?;
            if let Some(wait) = self.wait {
                write!(f, " {:.3} s", wait.as_secs_f64())?;
            }
            f.write_str(" for it")?;
        }
        write!(f, ". {}", self.remedy())
    }
}

impl Bottleneck {
    /// Returns the remedy.
    #[inline]
    const fn remedy(&self) -> &'static str {
        match (self.cause, self.placement) {
            (Cause::Working, Placement::Runtime) => {
                "More copies (`count`), or a placement of its own (`blocking`, `rayon`), help."
            }
            (Cause::Working, _) => "More copies (`count`) help.",
            (Cause::Waiting, _) => "More copies (`count`), or one task for each event (`per_event`), help.",
            (Cause::Pacing, _) => "A higher rate, a shorter time, or a larger window (`max_demand`) helps.",
            (Cause::Skew { .. }, _) => "A key that spreads the events more evenly helps.",
        }
    }
}

#[inline]
fn list(f: &mut fmt::Formatter<'_>, steps: &[String]) -> fmt::Result {
    for (number, step) in steps.iter().enumerate() {
        let before = match number {
            0 => "",
            number if number + 1 == steps.len() => " and ",
            _ => ", ",
        };
        write!(f, "{before}`{step}`")?;
    }
    Ok(())
}

/// A share, displayed as a percentage.
struct Percent(f64);

impl fmt::Display for Percent {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} %", self.0 * 100.0)
    }
}
