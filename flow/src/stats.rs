//! Counters that the stages of a flow share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A counter that many stages add to. Cheap to clone; clones share the same counter.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    count: Arc<AtomicU64>,
}

impl Tally {
    /// Creates a counter of zero.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn add(&self, events: u64) {
        self.count.fetch_add(events, Ordering::Relaxed);
    }

    /// Returns the count so far, over all runs of the flow.
    pub fn get(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}
