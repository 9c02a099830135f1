//! The states between which the time of a stage is divided.

use std::fmt;

/// What a running stage does at one moment. Its time is divided between these five states, without gap or overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum StageState {
    /// It is being polled: a callback runs, or the engine around it. More copies, or another placement, help.
    Working,
    /// It waits by itself: in a callback that is pending, for a rate, for a time, or for tasks of its own. A source
    /// waits for its input. More copies help a step that waits; nothing within the pipeline helps a source that does.
    Waiting,
    /// It has nothing to handle: look at the steps before it.
    Starved,
    /// It has events, or for a source time, and nobody behind it asks for more; or its subscription is paused. Look at
    /// the steps behind it.
    HeldUp,
    /// It could go on, and no thread polls it. The threads of the runtime are taken by other tasks.
    Scheduled,
}

impl StageState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Working, Self::Waiting, Self::Starved, Self::HeldUp, Self::Scheduled];

    pub(super) const fn index(self) -> usize {
        match self {
            Self::Working => 0,
            Self::Waiting => 1,
            Self::Starved => 2,
            Self::HeldUp => 3,
            Self::Scheduled => 4,
        }
    }
}

/// As in metrics: `held_up`.
impl fmt::Display for StageState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Working => "working",
            Self::Waiting => "waiting",
            Self::Starved => "starved",
            Self::HeldUp => "held_up",
            Self::Scheduled => "scheduled",
        })
    }
}
