//! Counts of requests by outcome.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of an intake since its creation. Events of streamed bodies count one by one.
///
/// See the example of [`Intake`](crate::Intake).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IntakeCounts {
    /// Events that were taken.
    pub taken: u64,
    /// Events that were acknowledged.
    pub acknowledged: u64,
    /// Events that were rejected, whether or not a handler tried them.
    pub rejected: u64,
    /// Events whose verdict never came, because the runtime or the collector ended.
    pub unknown: u64,
    /// Requests that were refused because no stage wanted an event (429).
    pub full: u64,
    /// Requests that were refused because the pipeline did not take events (503).
    pub unavailable: u64,
    /// Events with a verdict whose client had gone, or had been answered with 504. They are part of the counts
    /// above.
    pub unread: u64,
}

impl IntakeCounts {
    /// Returns the number of events without a verdict.
    pub const fn open(&self) -> u64 {
        self.taken.saturating_sub(self.acknowledged + self.rejected + self.unknown)
    }
}

/// The live counts.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) taken: Counter,
    pub(super) acknowledged: Counter,
    pub(super) rejected: Counter,
    pub(super) unknown: Counter,
    pub(super) full: Counter,
    pub(super) unavailable: Counter,
    pub(super) unread: Counter,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(super) fn read(&self) -> IntakeCounts {
        IntakeCounts {
            taken: self.taken.get(),
            acknowledged: self.acknowledged.get(),
            rejected: self.rejected.get(),
            unknown: self.unknown.get(),
            full: self.full.get(),
            unavailable: self.unavailable.get(),
            unread: self.unread.get(),
        }
    }
}
