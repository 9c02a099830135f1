//! Which stages a failure restarts, and when it is one failure too many: pure decisions.
//!
//! The strategies and the restart intensity are those of Erlang/OTP's `supervisor`.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

/// Which other stages are restarted with one that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Strategy {
    /// None.
    OneForOne,
    /// All.
    OneForAll,
    /// Those started after it: the later copies of its step, and every later step.
    #[default]
    RestForOne,
}

/// How many failures a pipeline survives: more than `max_restarts` restarts within `within` end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intensity {
    /// Restarts that are allowed within the period. Default: 3.
    pub max_restarts: usize,
    /// The period. Default: 5 seconds.
    pub within: Duration,
}

impl Default for Intensity {
    fn default() -> Self {
        Self { max_restarts: 3, within: Duration::from_secs(5) }
    }
}

/// What to do about a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Restart these children, in order.
    Restart(Range<usize>),
    /// End the pipeline.
    GiveUp,
}

/// The memory that decisions need: when the last restarts were.
#[derive(Debug)]
pub(crate) struct Policy {
    strategy: Strategy,
    intensity: Intensity,
    restarts: VecDeque<Duration>,
}

impl Policy {
    pub(crate) fn new(strategy: Strategy, intensity: Intensity) -> Self {
        Self { strategy, intensity, restarts: VecDeque::new() }
    }

    /// Child number `failed` of `children` failed at `now`, counted from any fixed moment.
    pub(crate) fn failed(&mut self, failed: usize, children: usize, now: Duration) -> Verdict {
        self.restarts.push_back(now);
        while self.restarts.front().is_some_and(|then| now.saturating_sub(*then) > self.intensity.within) {
            self.restarts.pop_front();
        }
        if self.restarts.len() > self.intensity.max_restarts {
            return Verdict::GiveUp;
        }
        Verdict::Restart(match self.strategy {
            Strategy::OneForOne => failed..failed + 1,
            Strategy::OneForAll => 0..children,
            Strategy::RestForOne => failed..children,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn each_strategy_restarts_its_own_share() {
        let restarted = |strategy| Policy::new(strategy, Intensity::default()).failed(2, 5, seconds(0));
        assert_eq!(restarted(Strategy::OneForOne), Verdict::Restart(2..3));
        assert_eq!(restarted(Strategy::OneForAll), Verdict::Restart(0..5));
        assert_eq!(restarted(Strategy::RestForOne), Verdict::Restart(2..5));
    }

    #[test]
    fn the_fourth_restart_within_five_seconds_is_one_too_many() {
        let mut policy = Policy::new(Strategy::RestForOne, Intensity::default());
        for at in [0, 1, 2] {
            assert_eq!(policy.failed(0, 1, seconds(at)), Verdict::Restart(0..1));
        }
        assert_eq!(policy.failed(0, 1, seconds(5)), Verdict::GiveUp);
    }

    #[test]
    fn old_restarts_are_forgotten() {
        let mut policy = Policy::new(Strategy::RestForOne, Intensity::default());
        for at in [0, 1, 2, 6, 7, 8] {
            assert_eq!(policy.failed(0, 1, seconds(at)), Verdict::Restart(0..1), "at {at} s");
        }
    }
}
