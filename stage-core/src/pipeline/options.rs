//! The options of a step, and their valid ranges.

use super::carried::Carried;
use crate::base::option_error::OptionError;
use crate::base::options::{CancelMode, Capacity, Keep, Placement, Restart};
use crate::credit::demand::{Window, WindowError};
use crate::credit::limits::{MOST_COPIES, MOST_EVENTS};

/// The options of one step, or the defaults of a pipeline's steps. Options that are not set use the
/// pipeline's defaults, or else: one copy, `min_demand` 1, `max_demand` 10, placed on the runtime, restarted
/// after every failure.
///
/// If a step sets only `max_demand`, to a value at or below the default minimum, then
/// `min_demand = max_demand / 2`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct StepOptions {
    pub(crate) name: Option<String>,
    pub(crate) count: Option<usize>,
    pub(crate) min_demand: Option<usize>,
    pub(crate) max_demand: Option<usize>,
    pub(crate) placement: Option<Placement>,
    pub(crate) buffer: Option<Capacity>,
    pub(crate) keep: Option<Keep>,
    pub(crate) restart: Option<Restart>,
    pub(crate) cancel: Option<CancelMode>,
}

/// The options of a step with every default filled in.
#[derive(Clone, Debug)]
pub(crate) struct Effective {
    pub(crate) name: String,
    pub(crate) count: usize,
    pub(crate) window: Window,
    pub(crate) placement: Placement,
    /// `None` for the default of the kind of stage.
    pub(crate) buffer: Option<Capacity>,
    pub(crate) keep: Keep,
    pub(crate) restart: Restart,
    pub(crate) cancel: CancelMode,
}

impl Effective {
    /// Checks that all lanes together do not have too many copies.
    pub(super) fn check_copies(&self, lanes: usize) -> Result<(), OptionError> {
        let got = self.count.saturating_mul(lanes);
        if got > MOST_COPIES {
            return Err(OptionError::TooManyInLanes { step: self.name.clone(), got });
        }
        Ok(())
    }
}

impl StepOptions {
    /// Creates options with nothing set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates options with only the name set.
    pub fn named(name: impl Into<String>) -> Self {
        Self::new().name(name)
    }

    /// Sets the name, unique in the pipeline. Default: made from the type of the stage.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the number of parallel copies of the step, 1 to 65,536. Default: 1.
    pub fn count(mut self, count: usize) -> Self {
        self.count = Some(count);
        self
    }

    /// Sets the outstanding demand, in events, at or below which each copy asks again: 0 to `max_demand − 1`.
    /// Default: 1.
    pub fn min_demand(mut self, events: usize) -> Self {
        self.min_demand = Some(events);
        self
    }

    /// Sets the maximum number of events that each copy has outstanding at each producer, 1 to 1,000,000,000.
    /// Default: 10.
    ///
    /// A step that takes batches counts batches. Instead of the pipeline's number, it inherits the number of
    /// batches that hold that many events, at least one; or two, if the declaration does not set the batch
    /// size.
    pub fn max_demand(mut self, events: usize) -> Self {
        self.max_demand = Some(events);
        self
    }

    /// Sets where the callbacks run. Default: on the runtime.
    pub fn placement(mut self, placement: Placement) -> Self {
        self.placement = Some(placement);
        self
    }

    /// Sets how many events without demand each copy buffers. Default: 10,000 for a source, unlimited for a
    /// step. Has no effect on a last step.
    pub fn buffer(mut self, capacity: Capacity) -> Self {
        self.buffer = Some(capacity);
        self
    }

    /// Sets which events a full buffer keeps. Default: the last.
    pub fn keep(mut self, keep: Keep) -> Self {
        self.keep = Some(keep);
        self
    }

    /// Sets when a copy that has ended is restarted. Default: always, unless it has finished.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = Some(restart);
        self
    }

    /// Sets the reaction of a copy to the end of one of its producers. Default:
    /// [temporary](CancelMode::Temporary), it continues until all producers have ended; a failed producer is
    /// used again after its restart.
    ///
    /// [Transient](CancelMode::Transient): it fails when a producer fails, and restarts according to
    /// [`restart`](Self::restart). Useful with [`Strategy::OneForOne`](crate::Strategy::OneForOne); with
    /// other strategies it restarts together with the producers anyway. [Permanent](CancelMode::Permanent):
    /// it also finishes as soon as one producer has finished, and takes no more events from the others. Has
    /// no effect on a source.
    pub fn cancel(mut self, mode: CancelMode) -> Self {
        self.cancel = Some(mode);
        self
    }

    /// Returns these options, with unset ones taken from `others`. The name is not taken over.
    pub(crate) fn or(&self, others: &Self) -> Self {
        Self {
            name: self.name.clone(),
            count: self.count.or(others.count),
            min_demand: self.min_demand.or(others.min_demand),
            max_demand: self.max_demand.or(others.max_demand),
            placement: self.placement.or(others.placement),
            buffer: self.buffer.or(others.buffer),
            keep: self.keep.or(others.keep),
            restart: self.restart.or(others.restart),
            cancel: self.cancel.or(others.cancel),
        }
    }

    /// Fills in `defaults` and the general defaults, for a step that takes `taken`.
    pub(super) fn effective(
        &self,
        defaults: &Self,
        unnamed: &str,
        taken: Carried,
    ) -> Result<Effective, OptionError> {
        let name = self.name.clone().unwrap_or_else(|| unnamed.to_owned());
        let count = self.count.or(defaults.count).unwrap_or(1);
        if count == 0 {
            return Err(OptionError::Count { step: name });
        }
        if count > MOST_COPIES {
            return Err(OptionError::TooManyCopies { step: name, got: count });
        }
        let inherited = || taken.inherited(defaults.max_demand.unwrap_or(10));
        let max = self.max_demand.unwrap_or_else(inherited);
        if max > MOST_EVENTS {
            let source = WindowError::TooMuch { max };
            return Err(OptionError::Window { step: name, source });
        }
        // A minimum in events does not apply to batches.
        let default_min = match (taken.is_batches(), self.max_demand) {
            (true, None) => max / 2,
            (true, Some(_)) => 1,
            (false, _) => defaults.min_demand.unwrap_or(1),
        };
        // An explicit maximum takes precedence over a default minimum.
        let halves = self.max_demand.is_some() || defaults.min_demand.is_none();
        let min = match (self.min_demand, default_min) {
            (None, min) if max <= min && halves => max / 2,
            (Some(min), _) | (None, min) => min,
        };
        let window =
            Window::new(max, min).map_err(|source| OptionError::Window { step: name.clone(), source })?;
        let placement = self.placement.or(defaults.placement).unwrap_or_default();
        let buffer = self.buffer.or(defaults.buffer);
        if let Some(Capacity::Bounded(got)) = buffer
            && got > MOST_EVENTS
        {
            return Err(OptionError::Buffer { step: name, got });
        }
        let keep = self.keep.or(defaults.keep).unwrap_or_default();
        let restart = self.restart.or(defaults.restart).unwrap_or_default();
        let cancel = self.cancel.or(defaults.cancel).unwrap_or(CancelMode::Temporary);
        Ok(Effective { name, count, window, placement, buffer, keep, restart, cancel })
    }
}

impl From<&str> for StepOptions {
    fn from(name: &str) -> Self {
        Self::named(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(options: &StepOptions, defaults: &StepOptions) -> Result<(usize, usize), String> {
        let effective =
            options.effective(defaults, "step", Carried::Events).map_err(|error| error.to_string())?;
        Ok((effective.window.max(), effective.window.min()))
    }

    #[test]
    fn defaults_are_those_of_the_book() {
        let effective = StepOptions::new().effective(&StepOptions::new(), "seal", Carried::Events).unwrap();
        assert_eq!((effective.name.as_str(), effective.count), ("seal", 1));
        assert_eq!((effective.window.max(), effective.window.min()), (10, 1));
    }

    #[test]
    fn a_maximum_at_or_below_the_default_minimum_halves_itself() {
        assert_eq!(window(&StepOptions::new().max_demand(1), &StepOptions::new()), Ok((1, 0)));
        let defaults = StepOptions::new().min_demand(500).max_demand(1000);
        assert_eq!(window(&StepOptions::new().max_demand(100), &defaults), Ok((100, 50)));
        assert_eq!(window(&StepOptions::new().max_demand(501), &defaults), Ok((501, 500)));
    }

    #[test]
    fn a_step_that_takes_batches_inherits_the_demand_in_batches() {
        let window = |options: &StepOptions, defaults: &StepOptions| {
            let effective = options.effective(defaults, "step", Carried::Batches(Some(500))).unwrap();
            (effective.window.max(), effective.window.min())
        };
        let defaults = StepOptions::new().max_demand(1000).min_demand(500);
        assert_eq!(window(&StepOptions::new(), &defaults), (2, 1));
        assert_eq!(window(&StepOptions::new(), &StepOptions::new()), (1, 0));
        assert_eq!(window(&StepOptions::new().max_demand(7), &defaults), (7, 1));
        let most = StepOptions::new().max_demand(1_000_000_000).min_demand(500);
        assert_eq!(window(&StepOptions::new(), &most).0, 2_000_000);
    }

    #[test]
    fn errors_name_the_step_the_option_and_the_range() {
        assert_eq!(
            window(&StepOptions::named("seal").min_demand(10), &StepOptions::new()),
            Err("step `seal`: min_demand must be between 0 and 9 (max_demand - 1), got 10".to_owned())
        );
        assert_eq!(
            window(&StepOptions::named("seal").max_demand(0), &StepOptions::new()),
            Err("step `seal`: max_demand must be at least 1, got 0".to_owned())
        );
        assert_eq!(
            window(&StepOptions::named("seal").count(0), &StepOptions::new()),
            Err("step `seal`: count must be at least 1, got 0".to_owned())
        );
    }

    #[test]
    fn sizes_beyond_any_machine_are_refused_by_name() {
        let refused = |options: &StepOptions| window(options, &StepOptions::new()).unwrap_err();
        for size in [usize::MAX, 1_000_000_001] {
            let count = refused(&StepOptions::named("seal").count(size));
            assert_eq!(count, format!("step `seal`: count must be at most 65536, got {size}"));
            let buffer = refused(&StepOptions::named("seal").buffer(Capacity::Bounded(size)));
            assert_eq!(buffer, format!("step `seal`: buffer must be at most 1000000000, got {size}"));
            let demand = refused(&StepOptions::named("seal").max_demand(size));
            assert_eq!(demand, format!("step `seal`: max_demand must be at most 1000000000, got {size}"));
        }
        let most = StepOptions::named("seal").count(65_536).max_demand(1_000_000_000);
        assert!(
            most.buffer(Capacity::Bounded(1_000_000_000))
                .effective(&StepOptions::new(), "seal", Carried::Events)
                .is_ok()
        );
    }
}
