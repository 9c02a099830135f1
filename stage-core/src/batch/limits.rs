//! When a batch is full, and when it has waited long enough.

use std::fmt;
use std::time::Duration;

/// When a batch goes out. The first limit that is reached counts; a count or a weight has to be set, so
/// that no batch grows without bound.
///
/// ```
/// use std::time::Duration;
/// use stage_core::batch::Limits;
///
/// // At most 500 lines, at most 64 KiB, and none waits longer than a tenth of a second for others.
/// let limits = Limits::count(500).weight(64 * 1024, String::len).within(Duration::from_millis(100));
/// # let _: Limits<String> = limits;
/// ```
#[must_use]
pub struct Limits<E> {
    pub(super) count: Option<usize>,
    pub(super) weight: Option<Weight<E>>,
    pub(super) within: Option<Duration>,
}

/// How much a batch may weigh, and what an event weighs.
pub(super) struct Weight<E> {
    pub(super) max: usize,
    pub(super) of: WeightOf<E>,
}

type WeightOf<E> = Box<dyn Fn(&E) -> usize + Send>;

/// Limits that cannot work.
#[derive(Clone, Copy, PartialEq, Eq, stage_macros::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// A batch of no events.
    #[error("the count of a batch must be at least 1, got 0")]
    Count,
    /// A batch that may weigh nothing.
    #[error("the weight of a batch must be at least 1, got 0")]
    Weight,
    /// A batch that is due before it has an event.
    #[error("the time within which a batch goes out must be above zero")]
    Within,
    /// No open batch at all.
    #[error("the number of open batches must be at least 1, got 0")]
    MaxOpen,
}

impl<E> Limits<E> {
    /// At most `events` events in a batch, at least 1; `usize::MAX` for as many as come within the other limits.
    pub fn count(events: usize) -> Self {
        Self { count: Some(events), weight: None, within: None }
    }

    /// At most `max` (at least 1) in a batch, in whatever unit `of` weighs an event. An event that is heavier
    /// goes alone.
    pub fn weighing(max: usize, of: impl Fn(&E) -> usize + Send + 'static) -> Self {
        Self { count: None, weight: None, within: None }.weight(max, of)
    }

    /// Also at most so much weight: see [`weighing`](Self::weighing).
    pub fn weight(mut self, max: usize, of: impl Fn(&E) -> usize + Send + 'static) -> Self {
        self.weight = Some(Weight { max, of: Box::new(of) });
        self
    }

    /// Also no longer than this after its first event; over 30 years means that time is no limit. Default: a batch waits
    /// until it is full.
    pub fn within(mut self, time: Duration) -> Self {
        self.within = Some(time);
        self
    }

    /// No more than `events` in a batch, whatever was said.
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

    /// What an event weighs; nothing where weight has no limit.
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
