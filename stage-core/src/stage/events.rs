//! The batch that a callback borrows.

use std::vec::Drain;

use crate::wire::subscription::Subscription;

/// The events of one batch, in order: at least one, and at most the subscription's
/// [`chunk`](crate::Window::chunk).
///
/// Iterating drains a buffer that returns to the producer. Events that remain in it when the callback returns
/// `Ok` count as handled.
///
/// ```
/// use stage_core::{Consumer, Context, Events, StageResult};
///
/// struct Largest(u32);
///
/// impl Consumer for Largest {
///     type Event = u32;
///
///     async fn handle_events(&mut self, events: Events<'_, u32>, _: &mut Context<'_>) -> StageResult {
///         println!("{} events", events.len());
///         // Reads them; a loop `for event in events` takes them.
///         self.0 = events.as_slice().iter().copied().fold(self.0, u32::max);
///         Ok(())
///     }
/// }
/// ```
///
/// A step can change the events where they are:
///
/// ```
/// use stage_core::{Emitter, Events, ProducerConsumer, StageResult};
///
/// struct Increment;
///
/// impl ProducerConsumer for Increment {
///     type In = u32;
///     type Out = u32;
///
///     async fn handle_events(&mut self, mut events: Events<'_, u32>, out: &mut Emitter<'_, u32>) -> StageResult {
///         println!("from {}", events.from().producer());
///         events.as_mut_slice().iter_mut().for_each(|number| *number += 1);
///         out.forward(events);
///         Ok(())
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Events<'a, E> {
    pub(crate) buffer: &'a mut Vec<E>,
    pub(crate) from: &'a Subscription,
}

impl<E> Events<'_, E> {
    /// Returns the number of events.
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Returns whether there are no events left.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Returns the subscription through which they came.
    pub fn from(&self) -> &Subscription {
        self.from
    }

    /// Returns the events for reading.
    pub fn as_slice(&self) -> &[E] {
        self.buffer
    }

    /// Returns the events for changing them in place.
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
