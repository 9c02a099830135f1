//! Control of a running pipeline from outside, without the types of its stages.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::steering_error::SteeringError;
use crate::base::rate::Rate;
use crate::credit::demand::{Window, WindowError};
use crate::credit::limits::MOST_EVENTS;
use crate::pipeline::handle::{Monitor, Running};
use crate::policy::{AtOnce, AtOnceError};
use crate::supervise::{Closed, Command, Nature, StageEntry};
use crate::sync::Arc;
use crate::wire::operator::{AdjustableLimit, OperatorRequests};

/// Control of a running pipeline: pause and resume it, change windows and rates, drain and stop it. Cheap to
/// clone. Unlike [`Running`], it does not stop the pipeline when it is dropped.
///
/// A request takes effect when the stages concerned next read their mail, and stays in effect when they are
/// restarted. Each is recorded as a tracing event at level INFO.
///
/// ```
/// use std::time::Duration;
/// use stage_core::{Pipeline, StepOptions, Window};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let running = Pipeline::builder("upload")
///     .start_fn("files", || Ok(0_u64..))
///     .step_fn("compress", |file| file / 2)
///     .finish_fn("store", |_| ())
///     .start()
///     .await?;
/// let steering = running.steering();
/// steering.pause()?;
/// steering.set_window("store", Window::new(100, 50)?)?;
/// let refused = steering.pause_step("stores").unwrap_err();
/// assert_eq!(
///     refused.to_string(),
///     "the pipeline `upload` has no step `stores`; its steps are `files`, `compress` and `store`"
/// );
/// steering.drain(Duration::from_secs(10))?;
/// running.join().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Steering {
    pub(super) monitor: Monitor,
}

impl Running {
    /// Returns the control of the pipeline, which outlives this handle.
    #[inline]
    pub fn steering(&self) -> Steering {
        Steering::of(&self.monitor())
    }
}

impl Steering {
    #[inline]
    pub(super) fn of(monitor: &Monitor) -> Self {
        Self { monitor: monitor.clone() }
    }

    /// Pauses every source, or the first steps of a group without sources: demand is held back there, and the
    /// events behind the sources are handled to the end. Deliveries remain leased, and a source that is restarted remains paused.
    ///
    /// A source finishes the callback that is running. The events that it emits are kept until the pipeline
    /// is resumed: at most as many as had been asked for, unless it emits without being asked.
    ///
    /// Does nothing if all sources are paused. A drain ends the pause, and a stop is not delayed by it.
    ///
    /// # Errors
    ///
    /// Returns [`SteeringError::Ending`] and [`SteeringError::Ended`], and [`SteeringError::NoStages`] for a
    /// supervisor.
    #[inline]
    pub fn pause(&self) -> Result<(), SteeringError> {
        let sources = self.sources()?;
        self.change(|| sources.iter().for_each(|requests| requests.set_paused(true)))?;
        tracing::info!(pipeline = self.name(), "paused");
        Ok(())
    }

    /// Pauses one step: a source as by [`pause`](Self::pause). Any other step finishes its callback and leaves
    /// its input where it is, up to its `max_demand` per producer; the steps before it are held up by that,
    /// those behind it go on.
    ///
    /// # Errors
    ///
    /// As for [`pause`](Self::pause), and [`SteeringError::UnknownStep`].
    #[inline]
    pub fn pause_step(&self, step: &str) -> Result<(), SteeringError> {
        self.set_paused(step, true)?;
        tracing::info!(pipeline = self.name(), step, "step paused");
        Ok(())
    }

    /// Ends all pauses, those of single steps included. Does nothing if there are none.
    ///
    /// # Errors
    ///
    /// As for [`pause`](Self::pause).
    #[inline]
    pub fn resume(&self) -> Result<(), SteeringError> {
        self.sources()?;
        self.change(|| self.stages().filter_map(requests).for_each(|requests| requests.set_paused(false)))?;
        tracing::info!(pipeline = self.name(), "resumed");
        Ok(())
    }

    /// Ends the pause of one step.
    ///
    /// # Errors
    ///
    /// As for [`pause_step`](Self::pause_step).
    #[inline]
    pub fn resume_step(&self, step: &str) -> Result<(), SteeringError> {
        self.set_paused(step, false)?;
        tracing::info!(pipeline = self.name(), step, "step resumed");
        Ok(())
    }

    /// Sets the window by which each copy of a step asks each of its producers. A smaller window takes effect
    /// as events arrive; demand is not withdrawn. A [tuned](crate::Tuning) window is fixed from then on.
    ///
    /// # Errors
    ///
    /// Returns [`SteeringError::UnknownStep`]; [`SteeringError::NoWindow`] for a source;
    /// [`SteeringError::Window`] for a `max_demand` above 1,000,000,000; [`SteeringError::Ending`] and
    /// [`SteeringError::Ended`].
    #[inline]
    pub fn set_window(&self, step: &str, window: Window) -> Result<(), SteeringError> {
        let copies = self.copies(step)?;
        if copies.iter().any(|copy| copy.is_source()) {
            let known = self.steps(|stage| !stage.is_source());
            return Err(SteeringError::NoWindow {
                pipeline: self.owned_name(),
                step: step.to_owned(),
                known,
            });
        }
        if window.max() > MOST_EVENTS {
            let source = WindowError::TooMuch { max: window.max() };
            return Err(SteeringError::Window { pipeline: self.owned_name(), step: step.to_owned(), source });
        }
        self.change(|| {
            copies.iter().copied().filter_map(requests).for_each(|stage| stage.set_window(window));
        })?;
        tracing::info!(
            pipeline = self.name(),
            step,
            max_demand = window.max(),
            min_demand = window.min(),
            "window set"
        );
        Ok(())
    }

    /// Sets the rate of a step that limits it: a [`RateLimiter`](crate::rate::RateLimiter), or a step
    /// declared with `limited`. All steps that share its budget have the new rate.
    ///
    /// # Errors
    ///
    /// Returns [`SteeringError::UnknownRate`] if there is no such step, or it has no rate;
    /// [`SteeringError::Ending`] and [`SteeringError::Ended`].
    #[inline]
    pub fn set_rate(&self, step: &str, rate: Rate) -> Result<(), SteeringError> {
        let has_rate =
            |stage: &Arc<StageEntry>| requests(stage).is_some_and(|requests| requests.rate().is_some());
        let limited: Vec<_> = self.stages().filter(|stage| *stage.step == *step && has_rate(stage)).collect();
        if limited.is_empty() {
            let known = self.steps(has_rate);
            return Err(SteeringError::UnknownRate {
                pipeline: self.owned_name(),
                step: step.to_owned(),
                known,
            });
        }
        self.change(|| {
            for requests in limited.into_iter().filter_map(requests) {
                requests.set_rate(rate);
            }
        })?;
        tracing::info!(pipeline = self.name(), step, %rate, "rate set");
        Ok(())
    }

    /// Sets how many events each copy of a step handles at once: a step declared with
    /// [`at_once`](crate::Chain::step_each_at_once). One number fixes it; a range lets it follow the target of the
    /// handlers, as [`AtOnce::adaptive`] does. Events in progress beyond the new limit are handled to their end.
    ///
    /// A step that declares no `max_demand` asks for twice the new limit.
    ///
    /// # Errors
    ///
    /// Returns [`SteeringError::UnknownAtOnce`] if there is no such step, or it handles one event at a time;
    /// [`SteeringError::AtOnce`] for a range that is empty or begins at zero; [`SteeringError::Ending`] and
    /// [`SteeringError::Ended`].
    #[inline]
    pub fn set_at_once(&self, step: &str, events: RangeInclusive<usize>) -> Result<(), SteeringError> {
        let limits = self.limits(step, |_| true)?;
        AtOnce::adaptive(events.clone()).checked().map_err(|source| self.wrong_at_once(step, source))?;
        self.change(|| limits.iter().for_each(|limit| limit.set_bounds(events.clone())))?;
        tracing::info!(
            pipeline = self.name(),
            step,
            least = events.start(),
            most = events.end(),
            "at_once set"
        );
        Ok(())
    }

    /// Sets how many events with equal keys each copy of a step handles at once: a step declared with
    /// [`AtOnce::at_most`].
    ///
    /// # Errors
    ///
    /// As for [`set_at_once`](Self::set_at_once), for a step without such a key as well.
    #[inline]
    pub fn set_at_most(&self, step: &str, events: usize) -> Result<(), SteeringError> {
        let limits = self.limits(step, |limit| limit.read().per_key.is_some())?;
        if events == 0 {
            return Err(self.wrong_at_once(step, AtOnceError::PerKey));
        }
        self.change(|| limits.iter().for_each(|limit| limit.set_per_key(events)))?;
        tracing::info!(pipeline = self.name(), step, events, "at_most set");
        Ok(())
    }

    /// Begins to record the batch sizes and callback times of a step, which [`openmetrics`](super::openmetrics)
    /// then writes as histograms. For a source, the size of a demand counts. Costs two readings of the clock per
    /// batch; a pipeline fused into one stage has no batches to record.
    ///
    /// # Errors
    ///
    /// As for [`pause_step`](Self::pause_step).
    #[inline]
    pub fn measure(&self, step: &str) -> Result<(), SteeringError> {
        self.set_measured(step, true)?;
        tracing::info!(pipeline = self.name(), step, "step measured");
        Ok(())
    }

    /// Ends to record the batch sizes and callback times of a step; those recorded are kept.
    ///
    /// # Errors
    ///
    /// As for [`pause_step`](Self::pause_step).
    #[inline]
    pub fn stop_measuring(&self, step: &str) -> Result<(), SteeringError> {
        self.set_measured(step, false)?;
        tracing::info!(pipeline = self.name(), step, "step no longer measured");
        Ok(())
    }

    /// Ends the sources and lets every stage finish its events in flight, as [`Running::drain`] does, without
    /// waiting for the end. A later drain replaces the deadline.
    ///
    /// # Errors
    ///
    /// Returns [`SteeringError::Ended`].
    #[inline]
    pub fn drain(&self, deadline: Duration) -> Result<(), SteeringError> {
        self.is_there()?;
        tracing::info!(pipeline = self.name(), ?deadline, "drained by an operator");
        self.monitor.lifecycle.tell(Command::Drain(deadline));
        Ok(())
    }

    /// Ends every stage after its current callback, as [`Running::stop`] does, without waiting for the end.
    ///
    /// # Errors
    ///
    /// Returns [`SteeringError::Ended`].
    #[inline]
    pub fn stop(&self) -> Result<(), SteeringError> {
        self.is_there()?;
        tracing::info!(pipeline = self.name(), "stopped by an operator");
        self.monitor.lifecycle.tell(Command::Stop);
        Ok(())
    }

    /// Returns the limits of the events in progress of a step that has suitable ones.
    fn limits(
        &self,
        step: &str,
        suits: impl Fn(&dyn AdjustableLimit) -> bool,
    ) -> Result<Vec<Arc<dyn AdjustableLimit>>, SteeringError> {
        let limit = |stage: &Arc<StageEntry>| requests(stage)?.limit().filter(|limit| suits(&**limit));
        let limits: Vec<_> = self.stages().filter(|stage| *stage.step == *step).filter_map(limit).collect();
        if limits.is_empty() {
            let known = self.steps(|stage| limit(stage).is_some());
            let (pipeline, step) = (self.owned_name(), step.to_owned());
            return Err(SteeringError::UnknownAtOnce { pipeline, step, known });
        }
        Ok(limits)
    }

    #[inline]
    fn wrong_at_once(&self, step: &str, source: AtOnceError) -> SteeringError {
        SteeringError::AtOnce { pipeline: self.owned_name(), step: step.to_owned(), source }
    }

    #[inline]
    fn set_paused(&self, step: &str, paused: bool) -> Result<(), SteeringError> {
        let copies = self.copies(step)?;
        self.change(|| {
            copies.iter().copied().filter_map(requests).for_each(|stage| stage.set_paused(paused));
        })
    }

    #[inline]
    fn set_measured(&self, step: &str, measured: bool) -> Result<(), SteeringError> {
        let copies = self.copies(step)?;
        self.change(|| {
            copies.iter().copied().filter_map(requests).for_each(|stage| stage.set_measured(measured));
        })
    }

    #[inline]
    fn is_there(&self) -> Result<(), SteeringError> {
        match self.monitor.lifecycle.ending() {
            Some(ending) => Err(SteeringError::Ended { pipeline: self.owned_name(), ending }),
            None => Ok(()),
        }
    }

    pub(super) fn change(&self, change: impl FnOnce()) -> Result<(), SteeringError> {
        let pipeline = || self.owned_name();
        self.monitor.lifecycle.change(change).map_err(|closed| match closed {
            Closed::Ending => SteeringError::Ending { pipeline: pipeline() },
            Closed::Ended(ending) => SteeringError::Ended { pipeline: pipeline(), ending },
        })
    }

    #[inline]
    fn stages(&self) -> impl Iterator<Item = &Arc<StageEntry>> {
        self.monitor.stages.iter().filter(|stage| matches!(stage.nature, Nature::Stage))
    }

    /// Returns the copies of a step.
    #[inline]
    pub(super) fn copies(&self, step: &str) -> Result<Vec<&Arc<StageEntry>>, SteeringError> {
        let copies: Vec<_> = self.stages().filter(|stage| *stage.step == *step).collect();
        if copies.is_empty() {
            let known = self.steps(|_| true);
            return Err(SteeringError::UnknownStep {
                pipeline: self.owned_name(),
                step: step.to_owned(),
                known,
            });
        }
        Ok(copies)
    }

    #[inline]
    fn sources(&self) -> Result<Vec<&OperatorRequests>, SteeringError> {
        let sources: Vec<_> = self.monitor.heads().filter_map(requests).collect();
        if sources.is_empty() {
            return Err(SteeringError::NoStages { pipeline: self.owned_name() });
        }
        Ok(sources)
    }

    /// Returns the names of the steps for whose copies `holds` holds, in the order of the pipeline.
    pub(super) fn steps(&self, holds: impl Fn(&Arc<StageEntry>) -> bool) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for stage in self.stages().filter(|stage| holds(stage)) {
            if names.last().is_none_or(|last| *last != *stage.step) {
                names.push(stage.step.to_string());
            }
        }
        names
    }

    #[inline]
    pub(super) fn name(&self) -> &str {
        &self.monitor.topology.name
    }

    #[inline]
    pub(super) fn owned_name(&self) -> String {
        self.name().to_owned()
    }
}

#[inline]
fn requests(stage: &Arc<StageEntry>) -> Option<&OperatorRequests> {
    stage.control.requests()
}
