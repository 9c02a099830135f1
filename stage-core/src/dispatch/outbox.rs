//! The decisions of a dispatcher: events with the subscriptions they go to, in order.

use super::{Asides, DispatchWarning, Marker, SubscriptionKey};
use crate::base::error::ExitReason;

/// Events for one subscription, sent as one message.
#[derive(Debug)]
pub(crate) struct Delivery<E> {
    pub(crate) to: SubscriptionKey,
    pub(crate) events: Vec<E>,
}

/// Collects a dispatcher's decisions: deliveries, fired markers, discarded events and warnings.
///
/// Emptied buffers are recycled, so that dispatching does not allocate once a stage has run for a while.
///
/// ```
/// use stage_core::dispatch::{Outbox, SubscriptionKey};
///
/// let (a, b) = (SubscriptionKey::new(0), SubscriptionKey::new(1));
/// let mut outbox = Outbox::new();
/// outbox.send(a, &mut vec![1, 2], 2);
/// outbox.push(b, 3);
/// outbox.push(b, 4);
/// assert_eq!(outbox.drain().collect::<Vec<_>>(), [(a, vec![1, 2]), (b, vec![3, 4])]);
/// ```
///
/// Besides deliveries it collects what else a dispatcher decides:
///
/// ```
/// use stage_core::ExitReason;
/// use stage_core::dispatch::{DispatchWarning, Marker, Outbox, SubscriptionKey};
///
/// let (a, b) = (SubscriptionKey::new(0), SubscriptionKey::new(1));
/// let mut outbox = Outbox::new();
/// let mut events = outbox.buffer();
/// events.extend([1, 2]);
/// outbox.send_all(a, events);
/// outbox.fire(Marker::new(1));
/// outbox.discard(3);
/// outbox.warn(DispatchWarning::TenantFull { events: 3 });
/// outbox.expel(b, ExitReason::Normal);
///
/// for (to, mut events) in outbox.drain().collect::<Vec<_>>() {
///     assert_eq!((to, events.len()), (a, 2));
///     events.clear();
///     outbox.recycle(events);
/// }
/// assert_eq!(outbox.drain_fired().collect::<Vec<_>>(), [Marker::new(1)]);
/// assert_eq!(outbox.take_discarded(), 3);
/// assert_eq!(outbox.drain_warnings().collect::<Vec<_>>(), [DispatchWarning::TenantFull { events: 3 }]);
/// assert_eq!(outbox.drain_expelled().map(|(key, _)| key).collect::<Vec<_>>(), [b]);
/// ```
#[derive(Debug)]
pub struct Outbox<E> {
    deliveries: Vec<Delivery<E>>,
    /// By key, the message that [`push`](Self::push) may extend: its round and its index in `deliveries`.
    open: Vec<(u64, usize)>,
    round: u64,
    spare: Vec<Vec<E>>,
    /// The most deliveries in one round; the number of spare buffers kept is a multiple of it.
    widest: usize,
    asides: Asides,
}

/// The spare buffers kept per delivery of the widest round, and the minimum overall.
const SPARE_PER_DELIVERY: usize = 4;
const LEAST_SPARE: usize = 64;

impl<E> Outbox<E> {
    /// Creates an empty outbox.
    pub fn new() -> Self {
        Self {
            deliveries: Vec::new(),
            open: Vec::new(),
            round: 1,
            spare: Vec::new(),
            widest: 0,
            asides: Asides::default(),
        }
    }

    /// Addresses the first `count` of `events` to `to`, as one message. A complete batch is moved, not
    /// copied.
    ///
    /// # Panics
    ///
    /// If there are fewer than `count` events.
    #[inline]
    pub fn send(&mut self, to: SubscriptionKey, events: &mut Vec<E>, count: usize) {
        let mut message = self.buffer();
        if count == events.len() {
            std::mem::swap(&mut message, events);
        } else {
            message.extend(events.drain(..count));
        }
        self.send_all(to, message);
    }

    /// Addresses a complete buffer to `to`, as one message. An empty buffer is kept for reuse.
    #[inline]
    pub fn send_all(&mut self, to: SubscriptionKey, events: Vec<E>) {
        if events.is_empty() {
            self.recycle(events);
            return;
        }
        if let Some(open) = self.open.get_mut(to.0) {
            *open = (0, 0);
        }
        self.deliveries.push(Delivery { to, events });
    }

    /// Addresses one event to `to`, as part of the message begun by the last push to `to`.
    pub fn push(&mut self, to: SubscriptionKey, event: E) {
        if let Some((round, place)) = self.open.get(to.0)
            && *round == self.round
        {
            self.deliveries[*place].events.push(event);
            return;
        }
        let mut events = self.buffer();
        events.push(event);
        if self.open.len() <= to.0 {
            self.open.resize(to.0 + 1, (0, 0));
        }
        self.open[to.0] = (self.round, self.deliveries.len());
        self.deliveries.push(Delivery { to, events });
    }

    /// Counts events that no subscriber can receive.
    pub fn discard(&mut self, events: usize) {
        self.asides.discarded += events;
    }

    /// Fires a marker, because every event before it has been handed out.
    pub fn fire(&mut self, marker: Marker) {
        self.asides.fire(marker);
    }

    /// Records a warning for the operator. At most 64 unread warnings are kept; further ones are dropped.
    pub fn warn(&mut self, warning: DispatchWarning) {
        self.asides.warn(warning);
    }

    /// Requests that a subscription be ended for `reason`, because it cannot work. The dispatcher still knows
    /// it until it is cancelled, which happens soon.
    pub fn expel(&mut self, key: SubscriptionKey, reason: ExitReason) {
        self.asides.expel(key, reason);
    }

    /// Returns an empty buffer, a recycled one if possible.
    pub fn buffer(&mut self) -> Vec<E> {
        self.spare.pop().unwrap_or_default()
    }

    /// Takes an emptied buffer for reuse.
    pub fn recycle(&mut self, buffer: Vec<E>) {
        debug_assert!(buffer.is_empty(), "only emptied buffers come back");
        let most = LEAST_SPARE.max(SPARE_PER_DELIVERY * self.widest);
        if self.spare.len() < most && buffer.capacity() > 0 {
            self.spare.push(buffer);
        }
    }

    /// Removes and returns the deliveries, in order.
    pub fn drain(&mut self) -> impl Iterator<Item = (SubscriptionKey, Vec<E>)> {
        self.end_round();
        self.deliveries.drain(..).map(|delivery| (delivery.to, delivery.events))
    }

    /// Returns the number of events discarded since the last call.
    pub fn take_discarded(&mut self) -> usize {
        std::mem::take(&mut self.asides.discarded)
    }

    /// Removes and returns the fired markers, in order. They fired after the deliveries decided so far.
    pub fn drain_fired(&mut self) -> impl Iterator<Item = Marker> {
        self.asides.fired.drain(..)
    }

    /// Removes and returns the warnings, in order.
    pub fn drain_warnings(&mut self) -> impl Iterator<Item = DispatchWarning> {
        self.asides.warnings.drain(..)
    }

    /// Removes and returns the subscriptions to end.
    pub fn drain_expelled(&mut self) -> impl Iterator<Item = (SubscriptionKey, ExitReason)> {
        self.asides.expelled.drain(..)
    }

    /// Moves the deliveries into `into`, which must be empty.
    #[inline]
    pub(crate) fn swap(&mut self, into: &mut Vec<Delivery<E>>) {
        debug_assert!(into.is_empty(), "the last deliveries were sent");
        self.end_round();
        std::mem::swap(&mut self.deliveries, into);
    }

    /// Returns the decisions other than deliveries.
    pub(crate) fn asides(&mut self) -> &mut Asides {
        &mut self.asides
    }

    /// Returns the number of fired markers.
    pub(super) fn fired(&self) -> usize {
        self.asides.fired.len()
    }

    /// Removes and returns the markers that fired after the first `before`.
    pub(super) fn take_fired(&mut self, before: usize) -> Vec<Marker> {
        self.asides.fired.split_off(before)
    }

    /// Closes all messages that pushes could extend.
    fn end_round(&mut self) {
        self.round += 1;
        self.widest = self.widest.max(self.deliveries.len());
    }

    /// Returns whether there are decisions other than deliveries.
    pub(crate) fn has_asides(&self) -> bool {
        self.asides.need_settling()
    }

    pub(crate) fn has_expelled(&self) -> bool {
        !self.asides.expelled.is_empty()
    }

    pub(crate) fn has_deliveries(&self) -> bool {
        !self.deliveries.is_empty()
    }
}

impl<E> Default for Outbox<E> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_never_joins_a_message_that_another_has_followed() {
        let to = SubscriptionKey(3);
        let mut outbox = Outbox::new();
        outbox.push(to, 1);
        outbox.push(to, 2);
        outbox.send(to, &mut vec![3, 4], 2);
        outbox.push(to, 5);
        let messages: Vec<_> = outbox.drain().map(|(_, events)| events).collect();
        assert_eq!(messages, [vec![1, 2], vec![3, 4], vec![5]]);
        outbox.push(to, 6);
        assert_eq!(outbox.drain().count(), 1);
    }
}
