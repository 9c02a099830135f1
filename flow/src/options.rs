//! How one layer runs: its stages, how they ask, and what is done when they start.

use std::fmt;
use std::sync::Arc;

use crate::plan::Place;

/// The options of one layer.
#[derive(Clone)]
pub struct LayerOptions {
    /// How many stages; as many as there are cores, if not said.
    pub(crate) stages: Option<usize>,
    pub(crate) max_demand: usize,
    pub(crate) min_demand: Option<usize>,
    pub(crate) name: Option<Arc<str>>,
    /// Whether what feeds the layer hands its events out as it does, whoever subscribes.
    pub(crate) foreign: bool,
    pub(crate) on_init: Option<Arc<dyn Fn(Place) + Send + Sync>>,
}

impl LayerOptions {
    /// How many stages the layer has.
    pub(crate) fn count(&self) -> usize {
        self.stages.unwrap_or_else(cores).max(1)
    }
}

impl Default for LayerOptions {
    fn default() -> Self {
        Self { stages: None, max_demand: 1000, min_demand: None, name: None, foreign: false, on_init: None }
    }
}

impl fmt::Debug for LayerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerOptions")
            .field("stages", &self.stages)
            .field("max_demand", &self.max_demand)
            .field("min_demand", &self.min_demand)
            .finish_non_exhaustive()
    }
}

/// How many threads can run at once here.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
