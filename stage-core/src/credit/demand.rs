//! Demand arithmetic: event counts, windows, and the ledgers of consumer and producer.
//!
//! Everything here is arithmetic on plain values: no clock, no task, no channel.

use std::fmt;
use std::num::NonZeroUsize;

use crate::credit::limits::MOST_EVENTS;

/// A number of events that a consumer asks for; never zero.
///
/// ```
/// use stage_core::Demand;
///
/// assert_eq!(Demand::new(3).map(Demand::get), Some(3));
/// assert_eq!(Demand::new(0), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Demand(NonZeroUsize);

impl Demand {
    /// Returns a demand for `events` events, or `None` for zero, which is not a demand.
    pub const fn new(events: usize) -> Option<Self> {
        match NonZeroUsize::new(events) {
            Some(events) => Some(Self(events)),
            None => None,
        }
    }

    /// Returns the number of events, at least 1.
    pub const fn get(self) -> usize {
        self.0.get()
    }
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The demand window of a subscription: it asks for `max` at first, and asks again at `min` or fewer
/// outstanding.
///
/// A batch never holds more than [`chunk`](Window::chunk) = `max − min` events, so handling one full
/// batch is enough to reach the threshold and to ask again.
///
/// ```
/// use stage_core::Window;
///
/// let window = Window::new(1000, 500)?;
/// assert_eq!(window.chunk(), 500);
/// assert!(Window::new(10, 10).is_err());
/// # Ok::<(), stage_core::subscribe::WindowError>(())
/// ```
///
/// With the limit alone, the consumer asks again when half of the events are handled:
///
/// ```
/// use stage_core::Window;
///
/// let window = Window::with_max(100)?;
/// assert_eq!((window.max(), window.min()), (100, 50));
/// # Ok::<(), stage_core::subscribe::WindowError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    max: usize,
    min: usize,
}

/// An invalid window.
///
/// ```
/// use stage_core::Window;
/// use stage_core::subscribe::WindowError;
///
/// assert_eq!(Window::new(0, 0), Err(WindowError::MaxDemand));
/// assert_eq!(Window::new(5, 5), Err(WindowError::MinDemand { min: 5, max: 5 }));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[non_exhaustive]
pub enum WindowError {
    /// `max_demand` is zero, so the consumer would never ask.
    #[error("max_demand must be at least 1, got 0")]
    MaxDemand,
    /// `max_demand` of a step exceeds the limit.
    #[error("max_demand must be at most {MOST_EVENTS}, got {max}")]
    TooMuch {
        /// The given `max_demand`.
        max: usize,
    },
    /// `min_demand` is not below `max_demand`, so a batch could not hold any event.
    #[error("min_demand must be between 0 and {} (max_demand - 1), got {min}", max - 1)]
    MinDemand {
        /// The given `min_demand`.
        min: usize,
        /// The `max_demand` that it must stay below.
        max: usize,
    },
    /// The bound of an automatic window is zero or exceeds the limit.
    #[error("the bound of an automatic window must be between 1 and {MOST_EVENTS}, got {bound}")]
    Bound {
        /// The given bound.
        bound: usize,
    },
}

impl Window {
    /// Returns a window of `max_demand` (at least 1) and `min_demand` (0 to `max_demand − 1`) events.
    ///
    /// `usize::MAX` stands for demand without a bound. A step of a pipeline takes at most 1,000,000,000 events.
    ///
    /// # Errors
    ///
    /// [`WindowError`] names the option that is out of range, and the range.
    pub const fn new(max_demand: usize, min_demand: usize) -> Result<Self, WindowError> {
        if max_demand == 0 {
            return Err(WindowError::MaxDemand);
        }
        if min_demand >= max_demand {
            return Err(WindowError::MinDemand { min: min_demand, max: max_demand });
        }
        Ok(Self { max: max_demand, min: min_demand })
    }

    /// Returns a window of `max_demand` with `min_demand` at half of it, rounded down.
    ///
    /// # Errors
    ///
    /// [`WindowError`] if `max_demand` is zero.
    pub const fn with_max(max_demand: usize) -> Result<Self, WindowError> {
        Self::new(max_demand, max_demand / 2)
    }

    /// Returns a window of `max_demand`, at least 1, with `min_demand` at half of it.
    pub(crate) const fn halved(max_demand: usize) -> Self {
        Self { max: max_demand, min: max_demand / 2 }
    }

    /// Returns the limit of outstanding demand.
    pub const fn max(self) -> usize {
        self.max
    }

    /// Returns the outstanding demand at or below which the consumer asks again.
    pub const fn min(self) -> usize {
        self.min
    }

    /// Returns the most events a batch holds: `max − min`.
    pub const fn chunk(self) -> usize {
        self.max - self.min
    }
}

impl Default for Window {
    /// GenStage's default: 1000 and 500.
    fn default() -> Self {
        Self { max: 1000, min: 500 }
    }
}

/// The consumer's ledger of one subscription: the events asked for and not yet handled.
#[derive(Debug)]
pub(crate) struct Credit {
    window: Window,
    pending: usize,
}

impl Credit {
    /// Returns a new ledger and its first ask.
    pub(crate) fn open(window: Window) -> (Self, Demand) {
        let ask = Demand(NonZeroUsize::new(window.max).unwrap_or(NonZeroUsize::MIN));
        (Self { window, pending: window.max }, ask)
    }

    /// Records a batch of `events`, and returns the ask to send once it is handled, if one is due.
    ///
    /// `pending` falls by the size of the batch, and is refilled to `max` as soon as it is at or below `min`
    /// (spec: genstage-semantics §6.2).
    pub(crate) fn settle(&mut self, events: usize) -> Option<Demand> {
        debug_assert!(events <= self.pending, "rule 1: delivered ≤ asked");
        self.pending = self.pending.saturating_sub(events);
        if self.pending > self.window.min {
            return None;
        }
        let ask = self.window.max.saturating_sub(self.pending);
        self.pending += ask;
        Demand::new(ask)
    }
}

impl Credit {
    /// Changes the window, and returns the ask that is due at once, if any.
    pub(crate) fn set_window(&mut self, window: Window) -> Option<Demand> {
        self.window = window;
        self.settle(0)
    }

    /// Changes the window for the batches to settle.
    pub(crate) fn use_window(&mut self, window: Window) {
        self.window = window;
    }

    /// Changes the window, then does the same as [`settle`](Self::settle).
    pub(crate) fn settle_by(&mut self, window: Window, events: usize) -> Option<Demand> {
        self.window = window;
        self.settle(events)
    }

    /// Adds a demand that the consumer asked for manually.
    pub(crate) fn asked(&mut self, demand: Demand) {
        self.pending = self.pending.saturating_add(demand.get());
    }
}

/// The producer's ledger: the demand announced to the stage that it has not yet met.
///
/// Invariant: `outstanding ≥ wanted − buffered`, and more is announced only to maintain it. Demand announced
/// for a subscriber that left is thus used up by the next one, and demand for events that were lost is
/// announced again.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    outstanding: usize,
}

impl Ledger {
    /// Returns the demand to announce when subscribers want `wanted` events and `buffered` are ready for
    /// them.
    pub(crate) fn announce(&mut self, wanted: usize, buffered: usize) -> Option<Demand> {
        let missing = wanted.saturating_sub(buffered).saturating_sub(self.outstanding);
        self.outstanding += missing;
        Demand::new(missing)
    }

    /// Same as [`announce`](Self::announce), but announces at most `most`.
    pub(crate) fn announce_most(&mut self, most: Demand, wanted: usize, buffered: usize) -> Option<Demand> {
        let missing = wanted.saturating_sub(buffered).saturating_sub(self.outstanding).min(most.get());
        self.outstanding += missing;
        Demand::new(missing)
    }

    /// Records that the stage emitted `events`.
    pub(crate) fn emitted(&mut self, events: usize) {
        self.outstanding = self.outstanding.saturating_sub(events);
    }

    /// Returns the demand that was announced and not yet met.
    pub(crate) fn outstanding(&self) -> usize {
        self.outstanding
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Splits a message as a consumer does, and returns the `(batch, ask)` pairs and the pending demand after
    /// them.
    fn split(max: usize, min: usize, pending: usize, message: usize) -> (Vec<(usize, usize)>, usize) {
        let window = Window::new(max, min).unwrap();
        let mut credit = Credit { window, pending };
        let mut left = message;
        let mut plan = Vec::new();
        while left > 0 {
            let batch = left.min(window.chunk());
            left -= batch;
            plan.push((batch, credit.settle(batch).map_or(0, Demand::get)));
        }
        (plan, credit.pending)
    }

    #[test]
    fn batches_and_asks_follow_the_traces_of_the_specification() {
        assert_eq!(split(1000, 500, 1000, 1000), (vec![(500, 500), (500, 500)], 1000));
        assert_eq!(split(100, 80, 100, 100), (vec![(20, 20); 5], 100));
        assert_eq!(split(100, 80, 100, 20), (vec![(20, 20)], 100));
        assert_eq!(split(100, 20, 100, 100), (vec![(80, 80), (20, 0)], 80));
        assert_eq!(split(100, 20, 80, 80), (vec![(80, 100)], 100));
        assert_eq!(split(1, 0, 1, 1), (vec![(1, 1)], 1));
        assert_eq!(split(10, 0, 10, 10), (vec![(10, 10)], 10));
        assert_eq!(split(10, 3, 10, 7), (vec![(7, 7)], 10));
    }

    #[test]
    fn three_messages_of_a_hundred_cross_a_threshold_of_750_at_the_third() {
        let (mut credit, first) = Credit::open(Window::new(1000, 750).unwrap());
        assert_eq!(first.get(), 1000);
        assert_eq!(credit.settle(100), None);
        assert_eq!(credit.settle(100), None);
        assert_eq!(credit.settle(100).map(Demand::get), Some(300));
    }

    #[test]
    fn a_window_error_names_the_violated_bound() {
        assert_eq!(Window::new(0, 0), Err(WindowError::MaxDemand));
        let error = Window::new(1000, 1000).unwrap_err();
        assert_eq!(error.to_string(), "min_demand must be between 0 and 999 (max_demand - 1), got 1000");
        assert_eq!(Window::with_max(1).unwrap().min(), 0);
    }

    #[test]
    fn demand_of_a_subscriber_that_left_serves_the_next_one() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.announce(10, 0).map(Demand::get), Some(10));
        // The first subscriber leaves; the next one asks 4, 4, 4.
        assert_eq!(ledger.announce(4, 0), None);
        assert_eq!(ledger.announce(8, 0), None);
        assert_eq!(ledger.announce(12, 0).map(Demand::get), Some(2));
    }
}
