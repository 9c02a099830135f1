//! The batch sizes, callback times and delivery times of one stage, recorded on request.

use std::time::Duration;

use crate::timed::Histogram;

/// The batch sizes, callback times and delivery times of one stage.
#[derive(Debug, Default)]
pub(crate) struct StageHistograms {
    /// Numbers of events, each recorded as that many nanoseconds.
    batches: Histogram,
    callbacks: Histogram,
    deliveries: Histogram,
}

impl StageHistograms {
    pub(crate) fn batch(&self, events: usize) {
        self.batches.record(Duration::from_nanos(events as u64));
    }

    pub(crate) fn callback(&self, time: Duration) {
        self.callbacks.record(time);
    }

    /// Records the time from the making of a delivery to its verdict.
    pub(crate) fn delivery(&self, time: Duration) {
        self.deliveries.record(time);
    }

    /// Returns the numbers of batches with fewer events than each of these powers of two, of all batches, and
    /// of all events in them.
    #[inline]
    pub(crate) fn batches_below(&self, powers: &[u32]) -> (Vec<u64>, u64, u64) {
        let (below, count, sum) = self.batches.below(powers);
        (below, count, u64::try_from(sum.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Returns the numbers of callbacks shorter than each of these powers of two nanoseconds, of all callbacks,
    /// and the sum of their times.
    #[inline]
    pub(crate) fn callbacks_below(&self, powers: &[u32]) -> (Vec<u64>, u64, Duration) {
        self.callbacks.below(powers)
    }

    /// Like [`callbacks_below`](Self::callbacks_below), for the times of deliveries.
    #[inline]
    pub(crate) fn deliveries_below(&self, powers: &[u32]) -> (Vec<u64>, u64, Duration) {
        self.deliveries.below(powers)
    }
}
