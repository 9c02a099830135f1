//! The number of events that a step has in progress at a time, and the order of their results.

/// How many events a step of single events handles at a time: see
/// [`step_each_at_once`](crate::Chain::step_each_at_once).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct AtOnce {
    pub(crate) most: usize,
    pub(crate) order: Order,
}

/// The order in which results leave a step that handles several events at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// In the order of their events: a result waits for those of earlier events.
    #[default]
    Kept,
    /// As the events complete.
    Any,
}

/// A step could handle no event.
#[derive(Clone, Copy, PartialEq, Eq, stage_macros::ErrorDebug, thiserror::Error)]
#[error("at_once must be at least 1, got 0")]
pub(crate) struct NoneAtOnce;

impl AtOnce {
    /// Allows `events` events in progress at a time, at least 1; their results leave in the order of the events.
    pub const fn new(events: usize) -> Self {
        Self { most: events, order: Order::Kept }
    }

    /// Sets the order in which results leave. Default: [`Order::Kept`].
    pub const fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    pub(crate) const fn checked(self) -> Result<usize, NoneAtOnce> {
        if self.most == 0 { Err(NoneAtOnce) } else { Ok(self.most) }
    }
}
