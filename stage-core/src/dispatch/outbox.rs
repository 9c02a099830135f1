//! What a dispatcher decided: events and the subscription they go to, in order.

use super::SubscriptionKey;

/// Events for one subscription: one message.
#[derive(Debug)]
pub(crate) struct Delivery<E> {
    pub(crate) to: SubscriptionKey,
    pub(crate) events: Vec<E>,
}

/// Decided deliveries, and the spare buffers they are written into.
#[derive(Debug)]
pub(crate) struct Outbox<E> {
    deliveries: Vec<Delivery<E>>,
    spare: Vec<Vec<E>>,
    discarded: usize,
}

/// Spare buffers kept; a running pipeline needs a few per subscription.
const MOST_SPARE: usize = 64;

impl<E> Outbox<E> {
    pub(crate) fn new() -> Self {
        Self { deliveries: Vec::new(), spare: Vec::new(), discarded: 0 }
    }

    /// Addresses the first `count` of `events` to `to`, as one message. A batch that goes whole is moved.
    pub(crate) fn send(&mut self, to: SubscriptionKey, events: &mut Vec<E>, count: usize) {
        let mut message = self.buffer();
        if count == events.len() {
            std::mem::swap(&mut message, events);
        } else {
            message.extend(events.drain(..count));
        }
        self.send_all(to, message);
    }

    /// Addresses a whole buffer to `to`.
    pub(crate) fn send_all(&mut self, to: SubscriptionKey, events: Vec<E>) {
        self.deliveries.push(Delivery { to, events });
    }

    /// Counts events that can go nowhere.
    pub(crate) fn discard(&mut self, events: usize) {
        self.discarded += events;
    }

    /// How many events were discarded since the last call.
    pub(crate) fn take_discarded(&mut self) -> usize {
        std::mem::take(&mut self.discarded)
    }

    /// An empty buffer, one that was used before if there is any.
    pub(crate) fn buffer(&mut self) -> Vec<E> {
        self.spare.pop().unwrap_or_default()
    }

    /// Takes an emptied buffer for later use.
    pub(crate) fn recycle(&mut self, buffer: Vec<E>) {
        debug_assert!(buffer.is_empty(), "only emptied buffers come back");
        if self.spare.len() < MOST_SPARE && buffer.capacity() > 0 {
            self.spare.push(buffer);
        }
    }

    /// Moves the decided deliveries into `into`, which must be empty.
    pub(crate) fn swap(&mut self, into: &mut Vec<Delivery<E>>) {
        debug_assert!(into.is_empty(), "the last deliveries were sent");
        std::mem::swap(&mut self.deliveries, into);
    }

    pub(crate) fn has_deliveries(&self) -> bool {
        !self.deliveries.is_empty()
    }
}
