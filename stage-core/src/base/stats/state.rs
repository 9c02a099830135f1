//! The states that a stage's time is divided into.

use std::fmt;

/// The state of a running stage. Its time is divided between these five states, without gap or overlap.
///
/// ```
/// use stage_core::stats::StageState;
///
/// let names = StageState::ALL.map(StageState::name);
/// assert_eq!(names, ["working", "waiting", "starved", "held_up", "scheduled"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum StageState {
    /// The stage is being polled: a callback runs, or the engine around it. More copies, or another
    /// placement, help.
    Working,
    /// The stage waits on its own account: in a pending callback, for a rate limit, a timer, or tasks it
    /// started. A source waits for its input. More copies help a waiting step; nothing inside the pipeline
    /// helps a waiting source.
    Waiting,
    /// The stage has nothing to handle. Look at the steps before it.
    Starved,
    /// The stage has events, or as a source could make some, but its subscribers do not ask for more; or its
    /// subscription is paused. Look at the steps after it.
    HeldUp,
    /// The stage is ready to run, but no thread polls it: other tasks occupy the threads of the runtime.
    Scheduled,
}

impl StageState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Working, Self::Waiting, Self::Starved, Self::HeldUp, Self::Scheduled];

    /// Returns the name used in metrics, such as `held_up`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Waiting => "waiting",
            Self::Starved => "starved",
            Self::HeldUp => "held_up",
            Self::Scheduled => "scheduled",
        }
    }

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

/// Writes the name used in metrics, such as `held_up`.
impl fmt::Display for StageState {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
