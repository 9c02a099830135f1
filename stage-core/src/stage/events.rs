//! The batch a callback is lent.

use std::vec::Drain;

use crate::wire::subscription::Subscription;

/// The events of one batch, in order; at least one, at most the subscription's
/// [`chunk`](crate::Window::chunk).
///
/// Iterating takes the events out of a buffer that goes back to the producer. Events that are still in
/// it when the callback returns `Ok` count as handled.
#[derive(Debug)]
pub struct Events<'a, E> {
    pub(crate) buffer: &'a mut Vec<E>,
    pub(crate) from: &'a Subscription,
}

impl<E> Events<'_, E> {
    /// How many events there are.
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether there are none left.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// The subscription they came by.
    pub fn from(&self) -> &Subscription {
        self.from
    }

    /// The events, to be looked at.
    pub fn as_slice(&self) -> &[E] {
        self.buffer
    }

    /// The events, to be changed in place.
    pub fn as_mut_slice(&mut self) -> &mut [E] {
        self.buffer
    }
}

impl<'a, E> IntoIterator for Events<'a, E> {
    type Item = E;
    type IntoIter = Drain<'a, E>;

    fn into_iter(self) -> Drain<'a, E> {
        self.buffer.drain(..)
    }
}
