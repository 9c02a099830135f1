//! The options of a step as it runs: every default filled in, every value within its range.

use super::step_options::{StepOptions, StepValues};
use crate::base::option_error::OptionError;
use crate::base::options::Capacity;
use crate::credit::demand::{Window, WindowError};
use crate::credit::limits::{MOST_COPIES, MOST_EVENTS};
use crate::credit::tuner::Tuner;
use crate::credit::tuning::Tuning;
use crate::pipeline::describe::Carried;

/// The options of a step with every default filled in.
#[derive(Clone, Debug)]
pub(crate) struct Effective {
    pub(crate) name: String,
    /// The fixed window, also for a stage that asks by itself.
    pub(crate) window: Window,
    /// Chooses the window instead, if the engine asks.
    pub(crate) tuner: Option<Tuner>,
    pub(crate) values: StepValues,
}

impl Effective {
    /// Fixes the window, for a stage to which it means something else.
    pub(in crate::pipeline) fn fix(&mut self) {
        (self.tuner, self.values.demand) = (None, Tuning::Fixed);
    }

    /// Checks that all lanes together do not have too many copies.
    pub(in crate::pipeline) fn check_copies(&self, lanes: usize) -> Result<(), OptionError> {
        let got = self.values.count.most().saturating_mul(lanes);
        if got > MOST_COPIES {
            return Err(OptionError::TooManyInLanes { step: self.name.clone(), got });
        }
        Ok(())
    }
}

impl StepOptions {
    /// Fills in `defaults` and the general defaults, for a step that takes `taken` and whose kind buffers
    /// `capacity`.
    pub(in crate::pipeline) fn effective(
        &self,
        defaults: &Self,
        unnamed: &str,
        taken: Carried,
        capacity: Capacity,
    ) -> Result<Effective, OptionError> {
        let name = self.name.clone().unwrap_or_else(|| unnamed.to_owned());
        let usual = StepValues::default();
        let mut values = self.or(defaults).values(StepValues { buffer: capacity, ..usual });
        let count = values.count;
        if count.least() == 0 {
            return Err(OptionError::Count { step: name });
        }
        if count.least() > count.most() {
            return Err(OptionError::EmptyCount { step: name, got: count });
        }
        if count.most() > MOST_COPIES {
            return Err(OptionError::TooManyCopies { step: name, got: count.most() });
        }
        let inherited = || taken.inherited(defaults.max_demand.unwrap_or(usual.max_demand));
        let max = self.max_demand.unwrap_or_else(inherited);
        if max > MOST_EVENTS {
            let source = WindowError::TooMuch { max };
            return Err(OptionError::Window { step: name, source });
        }
        // A minimum in events does not apply to batches.
        let default_min = match (taken.is_batches(), self.max_demand) {
            (true, None) => max / 2,
            (true, Some(_)) => 1,
            (false, _) => defaults.min_demand.unwrap_or(usual.min_demand),
        };
        // An explicit maximum takes precedence over a default minimum.
        let halves = self.max_demand.is_some() || defaults.min_demand.is_none();
        let min = match (self.min_demand, default_min) {
            (None, min) if max <= min && halves => max / 2,
            (Some(min), _) | (None, min) => min,
        };
        let window =
            Window::new(max, min).map_err(|source| OptionError::Window { step: name.clone(), source })?;
        if let Capacity::Bounded(got) = values.buffer
            && got > MOST_EVENTS
        {
            return Err(OptionError::Buffer { step: name, got });
        }
        let demand = self.tuning(defaults, taken);
        let tuner = demand.tuner().map_err(|source| OptionError::Window { step: name.clone(), source })?;
        (values.max_demand, values.min_demand, values.demand) = (max, min, demand);
        Ok(Effective { name, window, tuner, values })
    }

    /// Returns how the window is chosen: as the step says, by name or by setting a window; or else, unless it
    /// takes batches, as the pipeline does.
    fn tuning(&self, defaults: &Self, taken: Carried) -> Tuning {
        let inherited = || match taken {
            Carried::Events => defaults.said().unwrap_or(StepValues::default().demand),
            Carried::Batches(_) => Tuning::Fixed,
        };
        self.said().unwrap_or_else(inherited)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::copies::Copies;

    fn window(options: &StepOptions, defaults: &StepOptions) -> Result<(usize, usize), String> {
        let effective = options
            .effective(defaults, "step", Carried::Events, Capacity::Unbounded)
            .map_err(|error| error.to_string())?;
        Ok((effective.window.max(), effective.window.min()))
    }

    #[test]
    fn defaults_are_those_of_the_book() {
        let effective = StepOptions::new()
            .effective(&StepOptions::new(), "seal", Carried::Events, Capacity::Unbounded)
            .unwrap();
        assert_eq!((effective.name.as_str(), effective.values.count), ("seal", Copies::from(1)));
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
            let effective = options
                .effective(defaults, "step", Carried::Batches(Some(500)), Capacity::Unbounded)
                .unwrap();
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
        assert_eq!(
            window(&StepOptions::named("seal").count(0..=4), &StepOptions::new()),
            Err("step `seal`: count must be at least 1, got 0".to_owned())
        );
        let (most, least) = (8, 1);
        assert_eq!(
            window(&StepOptions::named("seal").count(most..=least), &StepOptions::new()),
            Err("step `seal`: count must be a range from the smaller number to the larger, got 8..=1"
                .to_owned())
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
                .effective(&StepOptions::new(), "seal", Carried::Events, Capacity::Unbounded)
                .is_ok()
        );
    }
}
