//! Limits on the size of a batch and on its waiting time.

use std::fmt;
use std::time::Duration;

/// Limits that close a batch; the first one reached applies. A count or a weight is required, so that no
/// batch grows without bound.
///
/// ```
/// use std::time::Duration;
/// use stage_core::batch::Limits;
///
/// // At most 500 lines, at most 64 KiB, and at most a tenth of a second from the first line on.
/// let limits = Limits::count(500).weight(64 * 1024, String::len).within(Duration::from_millis(100));
/// # let _: Limits<String> = limits;
/// ```
#[must_use]
pub struct Limits<E> {
    pub(super) count: Option<usize>,
    pub(super) weight: Option<Weight<E>>,
    pub(super) within: Option<Duration>,
}

/// The maximum weight of a batch, and the function that weighs an event.
pub(super) struct Weight<E> {
    pub(super) max: usize,
    pub(super) of: WeightOf<E>,
}

type WeightOf<E> = Box<dyn Fn(&E) -> usize + Send>;

/// Invalid batch limits.
#[derive(Clone, Copy, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// A batch could hold no events.
    #[error("the count of a batch must be at least 1, got 0")]
    Count,
    /// A batch could hold no weight.
    #[error("the weight of a batch must be at least 1, got 0")]
    Weight,
    /// A batch would be due before it has an event.
    #[error("the time limit of a batch must be above zero")]
    Within,
    /// No batch could be open.
    #[error("the number of open batches must be at least 1, got 0")]
    MaxOpen,
}

impl<E> Limits<E> {
    /// Limits a batch to `events` events, at least 1; `usize::MAX` leaves the size to the other limits.
    pub fn count(events: usize) -> Self {
        Self { count: Some(events), weight: None, within: None }
    }

    /// Limits a batch to a weight of `max` (at least 1), in the unit of `of`, which weighs an event. An event
    /// that is heavier than `max` forms a batch of its own.
    pub fn weighing(max: usize, of: impl Fn(&E) -> usize + Send + 'static) -> Self {
        Self { count: None, weight: None, within: None }.weight(max, of)
    }

    /// Adds a limit on the weight: see [`weighing`](Self::weighing).
    pub fn weight(mut self, max: usize, of: impl Fn(&E) -> usize + Send + 'static) -> Self {
        self.weight = Some(Weight { max, of: Box::new(of) });
        self
    }

    /// Adds a limit on the time since the first event of the batch; more than 30 years means no limit.
    /// Default: a batch waits until it is full.
    pub fn within(mut self, time: Duration) -> Self {
        self.within = Some(time);
        self
    }

    /// Lowers the limit to `events` events in a batch, if it is higher.
    pub(super) fn up_to(mut self, events: usize) -> Self {
        self.count = Some(self.count.map_or(events, |count| count.min(events)));
        self
    }

    pub(super) fn check(&self) -> Result<(), BatchError> {
        if self.count == Some(0) {
            return Err(BatchError::Count);
        }
        if self.weight.as_ref().is_some_and(|weight| weight.max == 0) {
            return Err(BatchError::Weight);
        }
        if self.within == Some(Duration::ZERO) {
            return Err(BatchError::Within);
        }
        Ok(())
    }

    /// Returns the weight of an event, or 0 if there is no limit on the weight.
    pub(super) fn weigh(&self, event: &E) -> usize {
        self.weight.as_ref().map_or(0, |weight| (weight.of)(event))
    }
}

impl<E> fmt::Debug for Limits<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits")
            .field("count", &self.count)
            .field("weight", &self.weight.as_ref().map(|weight| weight.max))
            .field("within", &self.within)
            .finish()
    }
}
