//! A stage of a pipeline, as its handle knows it: by name, numbers and address.

use std::any::Any;

use crate::ack::Collectors;
use crate::stats::{Counters, StageStats};
use crate::supervise::{Child, Control, Nature};
use crate::sync::{Arc, AtomicBool, Ordering};

/// What outlives the restarts of a child, and the pipeline.
pub(super) struct Known {
    pub(super) step: Arc<str>,
    pub(super) copy: usize,
    pub(super) counters: Arc<Counters>,
    pub(super) mailbox: Arc<dyn Any + Send + Sync>,
    pub(super) control: Arc<dyn Control>,
    pub(super) nature: Nature,
    /// Who tells what became of its deliveries.
    pub(super) collectors: Arc<Collectors>,
    /// Whether it has producers in its pipeline.
    pub(super) fed: Fed,
    up: Arc<AtomicBool>,
}

/// Where the events of a stage come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fed {
    /// It makes them.
    ByItself,
    /// Producers of its pipeline.
    ByProducers,
}

impl Known {
    pub(super) fn of(child: &Child) -> Self {
        Self {
            step: Arc::clone(&child.step),
            copy: child.copy,
            counters: Arc::clone(&child.counters),
            mailbox: Arc::clone(&child.mailbox),
            control: Arc::clone(&child.control),
            nature: child.nature.clone(),
            collectors: Arc::clone(&child.collectors),
            fed: if child.sources.is_empty() { Fed::ByItself } else { Fed::ByProducers },
            up: Arc::clone(&child.up),
        }
    }

    pub(super) fn stats(&self) -> StageStats {
        self.counters.read(&self.step, self.copy)
    }

    /// Whether it runs now.
    pub(super) fn is_up(&self) -> bool {
        self.up.load(Ordering::Acquire)
    }
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known").field("step", &self.step).field("copy", &self.copy).finish_non_exhaustive()
    }
}
