//! The time that a stage spent in each state.

use std::time::Duration;

use super::state::StageState;

/// The time that a stage spent in each state, over all its restarts and including the current state up to
/// now.
///
/// The sum is the time for which the stage ran: since its first start, without the time between an end and
/// the following restart.
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::stats::{StageState, StateTimes};
///
/// let mut times = StateTimes::default();
/// (times.working, times.starved) = (Duration::from_secs(3), Duration::from_secs(1));
/// assert_eq!(times.of(StageState::Working), Duration::from_secs(3));
/// assert_eq!(times.total(), Duration::from_secs(4));
/// assert!((times.share(StageState::Starved) - 0.25).abs() < f64::EPSILON);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StateTimes {
    /// In [`StageState::Working`].
    pub working: Duration,
    /// In [`StageState::Waiting`].
    pub waiting: Duration,
    /// In [`StageState::Starved`].
    pub starved: Duration,
    /// In [`StageState::HeldUp`].
    pub held_up: Duration,
    /// In [`StageState::Scheduled`]. Measured on multi-thread runtimes only; elsewhere this time counts for
    /// the state before it, except where a stage yields to others.
    pub scheduled: Duration,
}

impl StateTimes {
    /// Returns the time spent in `state`.
    pub const fn of(&self, state: StageState) -> Duration {
        match state {
            StageState::Working => self.working,
            StageState::Waiting => self.waiting,
            StageState::Starved => self.starved,
            StageState::HeldUp => self.held_up,
            StageState::Scheduled => self.scheduled,
        }
    }

    /// Returns the time spent in all states: how long the stage ran.
    #[inline]
    pub fn total(&self) -> Duration {
        StageState::ALL.iter().map(|state| self.of(*state)).sum()
    }

    /// Returns the share of the time spent in `state`, from 0 to 1; 0 for a stage that did not run.
    #[inline]
    pub fn share(&self, state: StageState) -> f64 {
        let total = self.total().as_secs_f64();
        if total > 0.0 { self.of(state).as_secs_f64() / total } else { 0.0 }
    }

    /// Returns the times since `earlier`, an earlier reading for the same stage.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        self.each(earlier, Duration::saturating_sub)
    }

    /// Returns the sum of both, state by state.
    pub(crate) fn and(&self, other: &Self) -> Self {
        self.each(other, Duration::saturating_add)
    }

    fn each(&self, other: &Self, both: impl Fn(Duration, Duration) -> Duration) -> Self {
        Self {
            working: both(self.working, other.working),
            waiting: both(self.waiting, other.waiting),
            starved: both(self.starved, other.starved),
            held_up: both(self.held_up, other.held_up),
            scheduled: both(self.scheduled, other.scheduled),
        }
    }
}
