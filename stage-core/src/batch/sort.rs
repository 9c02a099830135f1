//! Which events go into one batch: all, or those of one key.

use std::fmt;
use std::hash::Hash;

use crate::ack::Delivery;

/// Says which events belong together, and what a batch looks like.
pub trait Sort<E>: Send + 'static {
    /// What the events of a batch have in common.
    type Key: Clone + Eq + Hash + Send + 'static;
    /// A batch.
    type Batch: Send + 'static;

    /// The key of an event.
    fn key(&self, event: &E) -> Self::Key;

    /// A batch of the events with `key`.
    fn batch(&self, key: Self::Key, events: Vec<E>) -> Self::Batch;
}

/// All events go together; a batch is a `Vec`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Together;

impl<E: Send + 'static> Sort<E> for Together {
    type Key = ();
    type Batch = Vec<E>;

    fn key(&self, _event: &E) {}

    fn batch(&self, (): (), events: Vec<E>) -> Vec<E> {
        events
    }
}

/// All deliveries go together; a batch is one delivery of a `Vec`, and whatever becomes of it becomes of all of
/// them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Joined;

impl<T: Send + 'static> Sort<Delivery<T>> for Joined {
    type Key = ();
    type Batch = Delivery<Vec<T>>;

    fn key(&self, _event: &Delivery<T>) {}

    fn batch(&self, (): (), events: Vec<Delivery<T>>) -> Delivery<Vec<T>> {
        Delivery::join(events)
    }
}

/// Events with the same key go together; a batch is a [`Batch`], which names it.
pub struct ByKey<F>(pub(super) F);

/// Events that have a key in common, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<K, E> {
    /// The key.
    pub key: K,
    /// At least one event.
    pub events: Vec<E>,
}

impl<E, K, F> Sort<E> for ByKey<F>
where
    E: Send + 'static,
    K: Clone + Eq + Hash + Send + 'static,
    F: Fn(&E) -> K + Send + 'static,
{
    type Key = K;
    type Batch = Batch<K, E>;

    fn key(&self, event: &E) -> K {
        (self.0)(event)
    }

    fn batch(&self, key: K, events: Vec<E>) -> Batch<K, E> {
        Batch { key, events }
    }
}

impl<F> fmt::Debug for ByKey<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByKey")
    }
}
