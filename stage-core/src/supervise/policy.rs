//! Who is restarted with whom, when, and when it is one failure too many: pure decisions.
//!
//! The strategies, the restart types and the intensity are those of Erlang/OTP's `supervisor`; the waits between
//! restarts are not (OTP restarts at once).

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use crate::base::backoff::Backoff;
use crate::base::error::ExitReason;
use crate::base::option_error::OptionError;
use crate::base::options::Restart;

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
///
/// A period of zero is refused at the start: no two restarts would ever be counted together. (OTP's `max_seconds: 0`
/// counts those of the same second.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intensity {
    /// Restarts that are allowed within the period. Default: 3.
    pub max_restarts: usize,
    /// The period, above zero. Default: 5 seconds. [`Duration::MAX`] counts all restarts.
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
    /// How a stage of any kind waits that does not come up, at the first start too. If there is none, only sources
    /// wait, and only at a restart.
    pub(crate) retry_init: Option<Backoff>,
    /// After what time without progress it is warned of a stage that holds events; not at all if there is none.
    pub(crate) stalls: Option<Duration>,
}

impl Intensity {
    /// Refuses a period of zero.
    pub(crate) fn check(&self) -> Result<(), OptionError> {
        if self.within.is_zero() {
            return Err(OptionError::Period { option: "the `within` of the intensity" });
        }
        Ok(())
    }
}

impl Plan {
    /// What cannot work.
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
    /// From outside of the pipeline.
    Source,
    /// From other stages, or it is no stage.
    Other,
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

/// How a source waits whose service cannot be reached.
const RETRY_INIT: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));

/// Between two attempts to bring a child up, at least: a back-off may say none.
const LEAST_WAIT: Duration = Duration::from_millis(10);

/// How many restarts are remembered where they are unlimited.
const REMEMBERED: usize = 1_000;

/// The memory that decisions need: who may come back, and when the last restarts were.
#[derive(Debug)]
pub(crate) struct Policy {
    plan: Plan,
    /// By child; nothing for one that will never come back.
    children: Vec<Option<Restart>>,
    /// By child, how often in a row it did not come up and was to wait.
    waits: Vec<u32>,
    recent: VecDeque<Duration>,
}

impl Policy {
    pub(crate) fn new(plan: Plan, children: Vec<Restart>) -> Self {
        let waits = vec![0; children.len()];
        Self { plan, children: children.into_iter().map(Some).collect(), waits, recent: VecDeque::new() }
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

    /// Whether a child that did not come up for `reason` waits for what it lacks: an error says that something is
    /// missing, a panic that the code is wrong.
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

    /// A child did not come up, and waits. It costs nothing of the intensity: those beside it are left alone, and the
    /// waits grow until the attempts of the back-off are used up.
    pub(crate) fn did_not_come_up(&mut self, child: usize, reason: &ExitReason, seed: u64) -> Verdict {
        if !self.children[child].is_some_and(|restart| restart.returns(reason)) {
            self.leave(child);
            return Verdict::Leave;
        }
        let Some(after) = self.wait(child, seed) else { return Verdict::GiveUp };
        let come_back = |index: &usize| match self.children[*index] {
            Some(Restart::Permanent | Restart::Transient) => true,
            Some(Restart::Temporary) | None => false,
        };
        let back = self.share(child).filter(come_back).collect();
        Verdict::Restart { end: child..child, back, after }
    }

    /// How long a child waits that did not come up once more; nothing if it was tried often enough.
    pub(crate) fn wait(&mut self, child: usize, seed: u64) -> Option<Duration> {
        let backoff = self.plan.retry_init.or(self.plan.backoff).unwrap_or(RETRY_INIT);
        let attempt = self.waits[child];
        self.waits[child] = attempt.saturating_add(1);
        Some(backoff.delay(attempt, seed)?.max(LEAST_WAIT))
    }

    /// A child is up.
    pub(crate) fn came_up(&mut self, child: usize) {
        self.waits[child] = 0;
    }

    /// Whether stages that do not come up at the first start are tried again.
    pub(crate) fn retries_first_start(&self) -> bool {
        self.plan.retry_init.is_some()
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
        // Where restarts are unlimited, those before say nothing any more but how long to wait.
        if max_restarts == usize::MAX && self.recent.len() > REMEMBERED {
            self.recent.pop_front();
        }
        match after {
            Some(after) if self.recent.len() <= max_restarts => self.restart(child, after),
            Some(_) | None => Verdict::GiveUp,
        }
    }

    fn restart(&mut self, child: usize, after: Duration) -> Verdict {
        let end = self.share(child);
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

    /// Who is restarted with a child.
    fn share(&self, child: usize) -> Range<usize> {
        match self.plan.strategy {
            Strategy::OneForOne => child..child + 1,
            Strategy::OneForAll => 0..self.children.len(),
            Strategy::RestForOne => child..self.children.len(),
        }
    }

    /// How many restarts, this far, there were within the period that counts.
    pub(crate) fn recent(&self) -> usize {
        self.recent.len()
    }
}

#[cfg(test)]
mod tests;
