//! The state of a pipeline from its start to its end, shared with its observers and operators.

use std::fmt;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::orders::Command;
use super::policy::Intensity;
use super::report::PipelineError;
use super::state::{Ending, PipelineState, Restarts};
use crate::sync::{Arc, Mutex, lock};

/// The state of a pipeline, and the way to end it.
pub(crate) struct Lifecycle {
    began: Instant,
    started: SystemTime,
    intensity: Option<Intensity>,
    phase: Mutex<Phase>,
    tell: Box<dyn Fn(Command) + Send + Sync>,
}

#[derive(Debug)]
struct Phase {
    at: At,
    restarting: bool,
    restarts: u64,
    /// The times of the failures that count towards the intensity.
    failures: Vec<Duration>,
}

#[derive(Clone, Debug)]
enum At {
    Starting,
    Running,
    Draining,
    Stopping,
    Ended(Ending, Duration),
}

/// Why an operator's request is refused.
#[derive(Clone, Debug)]
pub(crate) enum Closed {
    /// The pipeline drains or stops.
    Ending,
    Ended(Ending),
}

impl Lifecycle {
    /// Begins the lifecycle of a pipeline; `tell` passes commands to the task that supervises it.
    pub(crate) fn begin(
        intensity: Option<Intensity>,
        tell: impl Fn(Command) + Send + Sync + 'static,
    ) -> Arc<Self> {
        let phase = Phase { at: At::Starting, restarting: false, restarts: 0, failures: Vec::new() };
        Arc::new(Self {
            began: Instant::now(),
            started: SystemTime::now(),
            intensity,
            phase: Mutex::new(phase),
            tell: Box::new(tell),
        })
    }

    /// Returns when it began, by the clock of the runtime.
    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// Returns when it began, by the clock of the machine.
    pub(crate) fn started(&self) -> SystemTime {
        self.started
    }

    /// Returns the time since the start, or from the start to the end.
    #[inline]
    pub(crate) fn uptime(&self) -> Duration {
        match lock(&self.phase).at {
            At::Ended(_, after) => after,
            At::Starting | At::Running | At::Draining | At::Stopping => self.began.elapsed(),
        }
    }

    /// Passes a command to the task that supervises the pipeline.
    pub(crate) fn tell(&self, command: Command) {
        (self.tell)(command);
    }

    /// Notes that all stages are up for the first time.
    pub(crate) fn came_up(&self) {
        self.go_to(At::Running);
    }

    /// Notes whether stages wait for their restart.
    pub(super) fn set_restarting(&self, restarting: bool) {
        lock(&self.phase).restarting = restarting;
    }

    /// Notes the number of restarts, and the times of the failures that count towards the intensity.
    pub(super) fn failed(&self, restarts: u64, failures: impl Iterator<Item = Duration>) {
        let mut phase = lock(&self.phase);
        phase.restarts = restarts;
        phase.failures.clear();
        phase.failures.extend(failures);
    }

    /// Notes that a drain begins, and ends every pause by `resume`. No pause can begin after that.
    pub(crate) fn drains(&self, resume: impl FnOnce()) {
        let mut phase = lock(&self.phase);
        if let At::Starting | At::Running = phase.at {
            phase.at = At::Draining;
        }
        resume();
    }

    /// Notes that the pipeline is being stopped.
    pub(crate) fn stops(&self) {
        self.go_to(At::Stopping);
    }

    /// Notes the end. The first one counts.
    pub(crate) fn end(&self, ending: Ending) {
        let after = self.began.elapsed();
        self.go_to(At::Ended(ending, after));
    }

    fn go_to(&self, at: At) {
        let mut phase = lock(&self.phase);
        match phase.at {
            At::Ended(..) => {}
            At::Starting | At::Running | At::Draining | At::Stopping => phase.at = at,
        }
    }

    /// Applies a change to a pipeline that is neither ending nor ended.
    pub(crate) fn change<T>(&self, change: impl FnOnce() -> T) -> Result<T, Closed> {
        let phase = lock(&self.phase);
        match &phase.at {
            At::Starting | At::Running => Ok(change()),
            At::Draining | At::Stopping => Err(Closed::Ending),
            At::Ended(ending, _) => Err(Closed::Ended(ending.clone())),
        }
    }

    /// Returns when it ended, if it has.
    #[inline]
    pub(crate) fn ended_at(&self) -> Option<Instant> {
        match lock(&self.phase).at {
            At::Ended(_, after) => self.began.checked_add(after),
            At::Starting | At::Running | At::Draining | At::Stopping => None,
        }
    }

    /// Returns how it ended, if it has.
    #[inline]
    pub(crate) fn ending(&self) -> Option<Ending> {
        match &lock(&self.phase).at {
            At::Ended(ending, _) => Some(ending.clone()),
            At::Starting | At::Running | At::Draining | At::Stopping => None,
        }
    }

    /// Returns the state; a pause is not known here.
    #[inline]
    pub(crate) fn state(&self) -> PipelineState {
        let phase = lock(&self.phase);
        match &phase.at {
            At::Starting => PipelineState::Starting,
            At::Running if phase.restarting => PipelineState::Restarting,
            At::Running => PipelineState::Running,
            At::Draining => PipelineState::Draining,
            At::Stopping => PipelineState::Stopping,
            At::Ended(ending, _) => PipelineState::Ended(ending.clone()),
        }
    }

    #[inline]
    pub(crate) fn restarts(&self) -> Restarts {
        let phase = lock(&self.phase);
        Restarts::at(self.began.elapsed(), phase.restarts, &phase.failures, self.intensity)
    }
}

impl fmt::Debug for Lifecycle {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lifecycle").field("phase", &*lock(&self.phase)).finish_non_exhaustive()
    }
}

/// Notes the end of a pipeline whose task is dropped before the pipeline has ended.
#[derive(Debug)]
pub(crate) struct EndGuard(pub(crate) Arc<Lifecycle>);

impl Drop for EndGuard {
    fn drop(&mut self) {
        self.0.end(Ending::Failed(PipelineError::RuntimeGone.to_string()));
    }
}
