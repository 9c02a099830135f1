//! The options of one layer: its stages, their demand, and the function called when they start.

use std::fmt;
use std::sync::Arc;

use stage_core::{CancelMode, SubscribeOptions, Tuning};

use crate::error::FlowError;
use crate::plan::Place;
use crate::refused::Refused;

/// The sum of the bounds of the tuned windows of a stage behind an exchange, unless `LEAST` or `MOST` applies.
const HELD: usize = 8192;
/// The least bound of such a window, which is that of all other tuned windows, and the largest one.
const LEAST: usize = 1024;
const MOST: usize = 4096;

/// The producers of a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FedBy {
    /// The layer before, with the dispatcher that this layer needs.
    #[default]
    Layer,
    /// External running stages, with their own dispatchers.
    RunningSource,
    /// External running stages that are fed by the layer before.
    RunningStep,
}

/// The options of one layer.
///
/// The methods of [`Flow`](crate::Flow) set them.
///
/// ```
/// use flow::LayerOptions;
///
/// // Whatever is not set follows from the machine and from the load.
/// assert!(format!("{:?}", LayerOptions::default()).contains("max_demand: None"));
/// ```
#[derive(Clone)]
pub struct LayerOptions {
    /// The number of stages; `None` for the number of cores.
    pub(crate) stages: Option<usize>,
    pub(crate) max_demand: Option<usize>,
    pub(crate) min_demand: Option<usize>,
    pub(crate) demand: Option<Tuning>,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) fed_by: FedBy,
    pub(crate) on_init: Option<Arc<dyn Fn(Place) + Send + Sync>>,
    /// The first invalid option of the layer, its window and its steps.
    pub(crate) refused: Option<Refused>,
}

impl LayerOptions {
    /// Returns the options of a layer with a fixed window: its stages may use the window for something other than speed.
    pub(crate) fn fixed() -> Self {
        Self { demand: Some(Tuning::Fixed), ..Self::default() }
    }

    /// Returns the number of stages of the layer.
    pub(crate) fn count(&self) -> usize {
        self.stages.unwrap_or_else(cores).max(1)
    }

    /// Records an invalid option; the first one is kept.
    pub(crate) fn refuse(&mut self, refused: Option<Refused>) {
        self.refused = self.refused.take().or(refused);
    }

    /// Sets the number of stages if it is valid.
    pub(crate) fn set_stages(&mut self, stages: usize, refused: Option<Refused>) {
        match refused {
            None => self.stages = Some(stages),
            refused => self.refuse(refused),
        }
    }

    /// Returns the error of the first invalid option.
    pub(crate) fn check(&self) -> Result<(), FlowError> {
        self.refused.clone().map_or(Ok(()), |refused| Err(refused.into()))
    }

    /// Returns how the stages of the layer ask for events, in the words of a configuration.
    pub(crate) fn demand_words(&self) -> String {
        match (self.tuning(), self.max_demand, self.min_demand) {
            (Tuning::Fixed, None, None) => "demand fixed".to_owned(),
            (Tuning::Fixed, Some(max), None) => format!("demand up to {max}"),
            (Tuning::Fixed, None, Some(min)) => format!("demand from {min}"),
            (Tuning::Fixed, Some(max), Some(min)) => format!("demand {min} to {max}"),
            (tuning, ..) => format!("demand {tuning}"),
        }
    }

    /// Returns how the windows of the layer are chosen: by default, a number of theirs fixes them.
    fn tuning(&self) -> Tuning {
        let is_fixed = self.max_demand.or(self.min_demand).is_some();
        self.demand.unwrap_or(if is_fixed { Tuning::Fixed } else { Tuning::Auto })
    }

    /// Returns the options with which a stage of the layer subscribes to one of `producers` stages that deal events by key.
    ///
    /// A tuned window may become larger than in a pipeline. The stages of a layer work at the same time, and their keys do not
    /// come evenly: of some thousands of events, most may belong to one stage. If the windows hold less than that, the others
    /// wait for it.
    pub(crate) fn demand_by_key<E>(&self, producers: usize) -> SubscribeOptions<E> {
        match (self.tuning(), self.fed_by) {
            (Tuning::Auto, FedBy::Layer) => self.demand().demand(Tuning::UpTo(bound(producers))),
            _ => self.demand(),
        }
    }

    /// Returns the options with which a stage of the layer subscribes to a producer. The stage ends if the
    /// producer fails, but not if it finishes.
    pub(crate) fn demand<E>(&self) -> SubscribeOptions<E> {
        let mut demand = SubscribeOptions::new().cancel(CancelMode::Transient);
        if let Some(max) = self.max_demand {
            demand = demand.max_demand(max);
        }
        if let Some(min) = self.min_demand {
            demand = demand.min_demand(min);
        }
        match self.demand {
            Some(tuning) => demand.demand(tuning),
            None => demand,
        }
    }
}

impl Default for LayerOptions {
    fn default() -> Self {
        let fed_by = FedBy::default();
        let (stages, max_demand, min_demand, demand) = Default::default();
        let (name, on_init, refused) = Default::default();
        Self { stages, max_demand, min_demand, demand, name, fed_by, on_init, refused }
    }
}

impl fmt::Debug for LayerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerOptions")
            .field("stages", &self.stages)
            .field("max_demand", &self.max_demand)
            .field("min_demand", &self.min_demand)
            .field("demand", &self.demand)
            .finish_non_exhaustive()
    }
}

/// Returns the largest size of a tuned window, if a stage has one for each of `producers`.
fn bound(producers: usize) -> usize {
    (HELD / producers.max(1)).clamp(LEAST, MOST)
}

/// Returns the number of threads that can run in parallel on this machine.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_windows_of_a_stage_share_its_events_within_bounds() {
        let bounds = [0, 1, 2, 4, 8, 1000].map(bound);
        assert_eq!(bounds, [4096, 4096, 4096, 2048, 1024, 1024]);
    }
}
