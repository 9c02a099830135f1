//! The restart policy: pure decisions on which children restart, when, and when to give up.
//!
//! Strategies, restart types and intensity are those of Erlang/OTP's `supervisor`; the delays between
//! restarts are not (OTP restarts at once).

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use crate::base::backoff::Backoff;
use crate::base::error::ExitReason;
use crate::base::option_error::OptionError;
use crate::base::options::Restart;

/// Which other children restart with a failed one.
///
/// ```
/// use stage_core::{Pipeline, Strategy, pipeline};
///
/// pipeline! {
///     Declared() {
///         strategy: one_for_all,
///         start  0..10_u32;
///         finish |number| println!("{number}");
///     }
/// }
///
/// let built = Pipeline::builder("built").strategy(Strategy::OneForAll);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Strategy {
    /// No others.
    OneForOne,
    /// All children.
    OneForAll,
    /// The children started after it: later copies of its step, and every later step up to the next
    /// [edge](crate::pipeline::Across).
    #[default]
    RestForOne,
}

/// The number of failures that a supervisor tolerates: more than `max_restarts` restarts within `within` are
/// too many.
///
/// A period of zero is refused at the start: it would never count two restarts together. (OTP's
/// `max_seconds: 0` counts those within the same second.)
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::{Intensity, Pipeline};
///
/// let patient = Intensity { max_restarts: 20, within: Duration::from_secs(60) };
/// let pipeline = Pipeline::builder("patient").intensity(patient);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Intensity {
    /// Restarts allowed within the period. Default: 3.
    pub max_restarts: usize,
    /// The period, above zero. Default: 5 seconds. [`Duration::MAX`] counts all restarts.
    pub within: Duration,
}

impl Default for Intensity {
    fn default() -> Self {
        Self { max_restarts: 3, within: Duration::from_secs(5) }
    }
}

/// The restart options of a supervisor, without those of each child.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) strategy: Strategy,
    pub(crate) intensity: Intensity,
    /// Delay before restarts; `None` restarts at once.
    pub(crate) backoff: Option<Backoff>,
    /// Delay before another attempt to bring up a stage of any kind, including at the first start. With
    /// `None`, only sources retry, and only at a restart.
    pub(crate) retry_init: Option<Backoff>,
    /// Time without progress after which a warning about a stage that holds events is logged; `None` disables
    /// it.
    pub(crate) stalls: Option<Duration>,
}

impl Intensity {
    /// Checks that the period is not zero.
    pub(crate) fn check(&self) -> Result<(), OptionError> {
        if self.within.is_zero() {
            return Err(OptionError::Period { option: "the `within` of the intensity" });
        }
        Ok(())
    }
}

impl Plan {
    /// Returns the errors in these options.
    pub(crate) fn errors(&self) -> Vec<OptionError> {
        let stalls = match self.stalls {
            Some(Duration::ZERO) => Err(OptionError::Period { option: "warn_of_stalls" }),
            Some(_) | None => Ok(()),
        };
        [self.intensity.check(), stalls].into_iter().filter_map(Result::err).collect()
    }
}

/// Where a child gets its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// From outside the pipeline.
    Source,
    /// From other stages; or the child is not a stage.
    Other,
}

/// The reaction to the end of a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RestartDecision {
    /// Continue without it.
    Leave,
    /// End the children in `end`, in reverse order; then start those in `back`, in order, after the delay.
    Restart { end: Range<usize>, back: Vec<usize>, after: Duration },
    /// End all children: there were too many failures.
    GiveUp,
}

/// Default back-off of a source whose service cannot be reached.
const RETRY_INIT: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));

/// Minimum delay between two attempts to bring up a child, since a back-off may be zero.
const LEAST_WAIT: Duration = Duration::from_millis(10);

/// Number of restarts remembered if they are unlimited.
const REMEMBERED: usize = 1_000;

/// The state that decisions need: which children may return, and the times of the last restarts.
#[derive(Debug)]
pub(crate) struct Policy {
    plan: Plan,
    /// Restart types by child; `None` for a child that will never return.
    children: Vec<Option<Restart>>,
    /// By child, the number of its part; empty if all belong together.
    parts: Vec<usize>,
    /// By child, the number of consecutive failed attempts to bring it up.
    waits: Vec<u32>,
    recent: VecDeque<Duration>,
}

impl Policy {
    pub(crate) fn new(plan: Plan, children: Vec<Restart>) -> Self {
        let waits = vec![0; children.len()];
        let children = children.into_iter().map(Some).collect();
        Self { plan, children, parts: Vec::new(), waits, recent: VecDeque::new() }
    }

    /// Sets the part that each child belongs to.
    pub(crate) fn parts(mut self, parts: Vec<usize>) -> Self {
        self.parts = parts;
        self
    }

    /// Decides on a child that ended for `reason` at `now`, measured from any fixed instant. `seed` replaces
    /// randomness.
    pub(crate) fn ended(
        &mut self,
        child: usize,
        reason: &ExitReason,
        now: Duration,
        seed: u64,
    ) -> RestartDecision {
        match self.children[child] {
            _ if reason.is_fatal() => RestartDecision::GiveUp,
            Some(restart) if restart.returns(reason) => self.failed(child, now, seed),
            Some(_) | None => {
                self.leave(child);
                RestartDecision::Leave
            }
        }
    }

    /// Returns whether a child that failed to start for `reason` waits and tries again: an error indicates
    /// that something is missing, a panic indicates a bug.
    pub(crate) fn waits(&self, reason: &ExitReason, kind: Kind) -> bool {
        let error = match reason {
            ExitReason::Error(_) | ExitReason::Custom(_) => !reason.is_fatal(),
            ExitReason::Normal
            | ExitReason::Shutdown
            | ExitReason::Panicked(_)
            | ExitReason::Aborted
            | ExitReason::NotFound => false,
        };
        error && (self.plan.retry_init.is_some() || kind == Kind::Source)
    }

    /// Decides on a child that failed to start and waits. This does not count towards the intensity: the
    /// children around it keep running, and the delays grow until the attempts of the back-off are used up.
    pub(crate) fn did_not_come_up(
        &mut self,
        child: usize,
        reason: &ExitReason,
        seed: u64,
    ) -> RestartDecision {
        if !self.children[child].is_some_and(|restart| restart.returns(reason)) {
            self.leave(child);
            return RestartDecision::Leave;
        }
        let Some(after) = self.wait(child, seed) else { return RestartDecision::GiveUp };
        let come_back = |index: &usize| match self.children[*index] {
            Some(Restart::Permanent | Restart::Transient) => true,
            Some(Restart::Temporary) | None => false,
        };
        let back = self.share(child).filter(come_back).collect();
        RestartDecision::Restart { end: child..child, back, after }
    }

    /// Returns the delay before the next attempt to bring up a child; `None` if the attempts are used up.
    pub(crate) fn wait(&mut self, child: usize, seed: u64) -> Option<Duration> {
        let backoff = self.plan.retry_init.or(self.plan.backoff).unwrap_or(RETRY_INIT);
        let attempt = self.waits[child];
        self.waits[child] = attempt.saturating_add(1);
        Some(backoff.delay(attempt, seed)?.max(LEAST_WAIT))
    }

    /// Notes that a child is up.
    pub(crate) fn came_up(&mut self, child: usize) {
        self.waits[child] = 0;
    }

    /// Returns whether stages that fail to come up at the first start are tried again.
    pub(crate) fn retries_first_start(&self) -> bool {
        self.plan.retry_init.is_some()
    }

    /// Notes that a child is gone, or has finished, for good.
    pub(crate) fn leave(&mut self, child: usize) {
        self.children[child] = None;
    }

    /// Decides on the failure of a child, or of its start.
    pub(crate) fn failed(&mut self, child: usize, now: Duration, seed: u64) -> RestartDecision {
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
        // If restarts are unlimited, older ones only influence the delay.
        if max_restarts == usize::MAX && self.recent.len() > REMEMBERED {
            self.recent.pop_front();
        }
        match after {
            Some(after) if self.recent.len() <= max_restarts => self.restart(child, after),
            Some(_) | None => RestartDecision::GiveUp,
        }
    }

    fn restart(&mut self, child: usize, after: Duration) -> RestartDecision {
        let end = self.share(child);
        let mut back = Vec::new();
        for index in end.clone() {
            match self.children[index] {
                Some(Restart::Permanent | Restart::Transient) => back.push(index),
                Some(Restart::Temporary) => self.leave(index),
                None => {}
            }
        }
        RestartDecision::Restart { end, back, after }
    }

    /// Returns the children that restart with `child`, itself included.
    fn share(&self, child: usize) -> Range<usize> {
        match self.plan.strategy {
            Strategy::OneForOne => child..child + 1,
            Strategy::OneForAll => 0..self.children.len(),
            Strategy::RestForOne => {
                let part = self.parts.get(child);
                let last = self.parts.iter().rposition(|other| Some(other) == part);
                child..last.map_or(self.children.len(), |last| last + 1)
            }
        }
    }

    /// Returns the number of restarts within the current period.
    pub(crate) fn recent(&self) -> usize {
        self.recent.len()
    }

    /// Returns the times of the failures within the current period, oldest first.
    pub(crate) fn failures(&self) -> impl Iterator<Item = Duration> + '_ {
        self.recent.iter().copied()
    }
}

#[cfg(test)]
mod tests;
