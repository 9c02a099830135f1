//! Who is restarted with whom, when, and when it is one failure too many: pure decisions.
//!
//! The strategies, the restart types and the intensity are those of Erlang/OTP's `supervisor`; the waits between
//! restarts are not (OTP restarts at once).

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use crate::backoff::Backoff;
use crate::error::ExitReason;
use crate::options::Restart;

/// Which others are restarted with one that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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

/// How many failures are survived: more than `max_restarts` restarts within `within` are too many.
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

/// Everything that is said about restarts, beside what each child says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) strategy: Strategy,
    pub(crate) intensity: Intensity,
    /// Restarts are made at once if there is none.
    pub(crate) backoff: Option<Backoff>,
    /// After what time without progress it is warned of a stage that holds events; not at all if there is none.
    pub(crate) stalls: Option<Duration>,
}

/// What to do about the end of a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Go on without it.
    Leave,
    /// End these, in reverse order; then start those of them that come back, in order, after some time.
    Restart { end: Range<usize>, back: Vec<usize>, after: Duration },
    /// End all: it failed too often.
    GiveUp,
}

/// The memory that decisions need: who may come back, and when the last restarts were.
#[derive(Debug)]
pub(crate) struct Policy {
    plan: Plan,
    /// By child; nothing for one that will never come back.
    children: Vec<Option<Restart>>,
    recent: VecDeque<Duration>,
}

impl Policy {
    pub(crate) fn new(plan: Plan, children: Vec<Restart>) -> Self {
        Self { plan, children: children.into_iter().map(Some).collect(), recent: VecDeque::new() }
    }

    /// A child ended for `reason` at `now`, counted from any fixed moment. `seed` stands for chance.
    pub(crate) fn ended(&mut self, child: usize, reason: &ExitReason, now: Duration, seed: u64) -> Verdict {
        match self.children[child] {
            _ if reason.is_fatal() => Verdict::GiveUp,
            Some(restart) if restart.returns(reason) => self.failed(child, now, seed),
            Some(_) | None => {
                self.leave(child);
                Verdict::Leave
            }
        }
    }

    /// A child is gone, or has finished, for good.
    pub(crate) fn leave(&mut self, child: usize) {
        self.children[child] = None;
    }

    /// A child that is to run failed, or could not be started.
    pub(crate) fn failed(&mut self, child: usize, now: Duration, seed: u64) -> Verdict {
        let Intensity { max_restarts, within } = self.plan.intensity;
        while self.recent.front().is_some_and(|then| now.saturating_sub(*then) > within) {
            self.recent.pop_front();
        }
        let attempt = u32::try_from(self.recent.len()).unwrap_or(u32::MAX);
        let after = match self.plan.backoff {
            Some(backoff) => backoff.delay(attempt, seed),
            None => Some(Duration::ZERO),
        };
        self.recent.push_back(now);
        match after {
            Some(after) if self.recent.len() <= max_restarts => self.restart(child, after),
            Some(_) | None => Verdict::GiveUp,
        }
    }

    fn restart(&mut self, child: usize, after: Duration) -> Verdict {
        let end = match self.plan.strategy {
            Strategy::OneForOne => child..child + 1,
            Strategy::OneForAll => 0..self.children.len(),
            Strategy::RestForOne => child..self.children.len(),
        };
        let mut back = Vec::new();
        for index in end.clone() {
            match self.children[index] {
                Some(Restart::Permanent | Restart::Transient) => back.push(index),
                Some(Restart::Temporary) => self.leave(index),
                None => {}
            }
        }
        Verdict::Restart { end, back, after }
    }

    /// How many restarts, this far, there were within the period that counts.
    pub(crate) fn recent(&self) -> usize {
        self.recent.len()
    }
}

#[cfg(test)]
mod tests;
