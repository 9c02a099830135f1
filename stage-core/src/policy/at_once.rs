//! The number of events that a step has in progress at a time, and the order of their results.

use std::fmt;
use std::hash::Hash;

use crate::dispatch::stable_hash;
use crate::sync::Arc;

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
pub(crate) enum NoneAtOnce {
    #[error("at_once must be at least 1, got 0")]
    InAll,
    #[error("at_most must be at least 1, got 0")]
    PerKey,
}

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

    /// Handles at most `events` events with equal keys at a time, at least 1: a bulkhead for each key. If the target of one
    /// key hangs, its events wait, and the others are handled. They all count towards the `max_demand` of the step, so
    /// set that above the number of events that may wait.
    ///
    /// With `1`, the events of a key are handled one after the other, in order.
    ///
    /// ```
    /// use stage_core::policy::AtOnce;
    ///
    /// struct Order {
    ///     tenant: u32,
    /// }
    ///
    /// let at_once = AtOnce::new(64).at_most(4, |order: &Order| order.tenant);
    /// # let _ = at_once;
    /// ```
    pub fn at_most<E, K: Hash>(
        self,
        events: usize,
        per: impl Fn(&E) -> K + Send + Sync + 'static,
    ) -> AtOncePer<E> {
        let key = Arc::new(move |event: &E| stable_hash(&per(event)));
        AtOncePer { at_once: self, bulkheads: Some(PerKey { most: events, key }) }
    }
}

/// How many events a step handles at a time, in all and with equal keys: see [`AtOnce::at_most`].
#[must_use]
pub struct AtOncePer<E> {
    pub(crate) at_once: AtOnce,
    pub(crate) bulkheads: Option<PerKey<E>>,
}

/// The most events with equal keys in progress at a time.
pub(crate) struct PerKey<E> {
    pub(crate) most: usize,
    pub(crate) key: Arc<dyn Fn(&E) -> u64 + Send + Sync>,
}

impl<E> AtOncePer<E> {
    /// # Errors
    ///
    /// If no event could be handled.
    pub(crate) fn checked(&self) -> Result<usize, NoneAtOnce> {
        if self.at_once.most == 0 {
            return Err(NoneAtOnce::InAll);
        }
        if self.bulkheads.as_ref().is_some_and(|bulkheads| bulkheads.most == 0) {
            return Err(NoneAtOnce::PerKey);
        }
        Ok(self.at_once.most)
    }
}

impl<E> From<AtOnce> for AtOncePer<E> {
    fn from(at_once: AtOnce) -> Self {
        Self { at_once, bulkheads: None }
    }
}

impl<E> Clone for AtOncePer<E> {
    fn clone(&self) -> Self {
        Self { at_once: self.at_once, bulkheads: self.bulkheads.clone() }
    }
}

impl<E> Clone for PerKey<E> {
    fn clone(&self) -> Self {
        Self { most: self.most, key: Arc::clone(&self.key) }
    }
}

impl<E> fmt::Debug for AtOncePer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at_most = self.bulkheads.as_ref().map(|bulkheads| bulkheads.most);
        f.debug_struct("AtOncePer").field("at_once", &self.at_once).field("at_most", &at_most).finish()
    }
}
