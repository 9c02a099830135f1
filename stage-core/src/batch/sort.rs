//! Decides which events form a batch: all events, or those with the same key.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use crate::policy::{Acknowledged, Carry};

/// Assigns events to batches and builds the batches: the bound of functions over a [`Batcher`](super::Batcher). A
/// batcher is made with one of the implementations below.
pub trait Sort<E>: Send + 'static {
    /// The key shared by the events of a batch.
    type Key: Clone + Eq + Hash + Send + 'static;
    /// A batch.
    type Batch: Send + 'static;

    /// Returns the key of an event.
    fn key(&self, event: &E) -> Self::Key;

    /// Builds a batch of the events with `key`.
    fn batch(&self, key: Self::Key, events: Vec<E>) -> Self::Batch;
}

/// Puts all events into the same batch, a `Vec`.
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

/// Puts all events of a chain into the same batch: a `Vec`, or one delivery of a `Vec`, whose verdict applies to
/// all of them. The sort of [`Batcher::joining`](super::Batcher::joining).
pub struct Joined<T, C = Acknowledged>(PhantomData<fn() -> (T, C)>);

impl<T, C> Joined<T, C> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: Send + 'static, C: Carry> Sort<C::Of<T>> for Joined<T, C> {
    type Key = ();
    type Batch = C::Of<Vec<T>>;

    fn key(&self, _event: &C::Of<T>) {}

    fn batch(&self, (): (), events: Vec<C::Of<T>>) -> C::Of<Vec<T>> {
        C::join(events)
    }
}

impl<T, C> fmt::Debug for Joined<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Joined")
    }
}

/// Puts events with the same key into the same batch, a [`Batch`] that names the key.
pub struct ByKey<F>(pub(super) F);

/// Events that share a key, in order.
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
