//! How a stage keeps and hands out events, and when it comes back: its options, as plain values.

use crate::base::error::ExitReason;

/// How many undemanded events a stage keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// At most this many, up to 1,000,000,000; what does not fit is discarded by [`Keep`], counted and reported.
    Bounded(usize),
    /// As many as come.
    Unbounded,
}

/// Which events a full buffer keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Keep {
    /// The oldest: new events are discarded.
    First,
    /// The newest: the oldest are discarded.
    #[default]
    Last,
}

/// Where a stage's callbacks run. Their order and meaning are the same everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Placement {
    /// On the runtime's worker threads, as a task. For callbacks that wait or are short.
    ///
    /// On a runtime of several workers, stages whose callbacks take less than a few microseconds are polled in
    /// turn by one task, since to wake another worker costs more; as soon as one takes longer, it gets a worker
    /// of its own again. A callback that blocks belongs elsewhere: its neighbours may wait behind it.
    #[default]
    Runtime,
    /// On a blocking thread of the runtime that the stage keeps for itself. For callbacks that block:
    /// file systems, databases, foreign code.
    Blocking,
    /// On rayon's pool. For callbacks that compute for long, and may use `par_iter` themselves.
    #[cfg(feature = "rayon")]
    Rayon,
}

/// When a supervisor builds anew what has ended: OTP's restart types.
///
/// A stage of a pipeline that has [finished](crate::Emitter::finish), or whose producers have, stays finished
/// whatever its type: its events were all handled. A child of a [`Supervisor`](crate::Supervisor) that ends
/// normally is restarted if it is permanent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Restart {
    /// Always.
    #[default]
    Permanent,
    /// After a failure, but not after a [normal](ExitReason::is_normal) end, such as a stop of its own.
    Transient,
    /// Never, not even with others that a failure restarts. Its end does not count as a restart. The rest of a
    /// pipeline goes on without it: to its producers and consumers it has finished.
    Temporary,
}

impl Restart {
    /// Whether it comes back after an end for `reason`.
    pub(crate) fn returns(self, reason: &ExitReason) -> bool {
        match self {
            Self::Permanent => true,
            Self::Transient => !reason.is_normal(),
            Self::Temporary => false,
        }
    }
}

/// What a subscriber does when a subscription ends.
///
/// A step of a pipeline is temporary unless it says otherwise ([`StepOptions::cancel`](crate::StepOptions::cancel)):
/// it goes on with its other producers, and with one that failed when that is back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum CancelMode {
    /// It ends too, for whatever reason the subscription ended.
    #[default]
    Permanent,
    /// It ends too, unless the subscription ended normally.
    Transient,
    /// It goes on.
    Temporary,
}

/// How far a producer-consumer runs ahead of what its subscribers ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// As GenStage does: once its subscribers want something, it handles everything that its producer
    /// sent together, and buffers what they did not ask for.
    #[default]
    Message,
    /// It handles one batch at a time, and the next only while its subscribers want something: what it
    /// buffers is at most what one batch became.
    Strict,
}

/// What is logged when a stage discards events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DiscardLog {
    /// A warning that says how many and why.
    #[default]
    Warn,
    /// Nothing: the stage has seen to it.
    Silent,
}

/// Whether demand reaches a stage's callbacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DemandMode {
    /// It does.
    #[default]
    Forward,
    /// It is held back, and events with it, until the mode is set to `Forward`: so that a topology can be
    /// wired before anything flows. What a stage emits all the same is kept, in order and without bound: the
    /// buffer's capacity counts once it is let through.
    Accumulate,
}

/// What a stage that was spawned by hand does when its last consumer has left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnCancel {
    /// It goes on, and waits for others.
    #[default]
    Continue,
    /// It ends normally. What it had emitted and nobody received [goes back](crate::Producer::take_back) to it, or is
    /// discarded.
    Stop,
}
