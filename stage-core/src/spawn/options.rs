//! What can be set on a stage that is spawned by hand.

use crate::options::{Capacity, DemandMode, Keep, Placement};

/// The options of a stage.
#[derive(Clone, Debug)]
#[must_use]
pub struct StageOptions {
    pub(super) name: Option<String>,
    pub(super) placement: Placement,
    pub(super) capacity: Option<Capacity>,
    pub(super) keep: Keep,
    pub(super) mode: DemandMode,
}

impl StageOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            name: None,
            placement: Placement::default(),
            capacity: None,
            keep: Keep::default(),
            mode: DemandMode::default(),
        }
    }

    /// Only the name set.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::new() }
    }

    /// Where the callbacks run. Default: on the runtime.
    pub fn placement(mut self, placement: Placement) -> Self {
        self.placement = placement;
        self
    }

    /// How many undemanded events the stage keeps. Default: 10,000 for a producer, all for a
    /// producer-consumer. Of no meaning to a consumer.
    pub fn buffer(mut self, capacity: Capacity) -> Self {
        self.capacity = Some(capacity);
        self
    }

    /// Which events a full buffer keeps. Default: the last.
    pub fn keep(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }

    /// Whether demand is held back at first. Default: it is not.
    pub fn demand(mut self, mode: DemandMode) -> Self {
        self.mode = mode;
        self
    }
}

impl Default for StageOptions {
    fn default() -> Self {
        Self::new()
    }
}
