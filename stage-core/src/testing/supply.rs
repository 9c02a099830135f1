//! The dispatching half of a producing stage, without the stage.

use crate::base::error::SubscribeError;
use crate::base::options::{Capacity, Keep};
use crate::credit::demand::Demand;
use crate::dispatch::supply::buffer::Buffer;
use crate::dispatch::{
    self, AnyDispatcher, DispatchOptions, DispatchWarning, Dispatcher, Marker, Outbox, SubscriptionKey,
};

/// Dispatcher, buffer and demand accounting as one plain value, exactly as in a producing stage: for testing
/// a dispatcher without a runtime.
///
/// ```
/// use stage_core::dispatch::{DemandDispatcher, DispatchOptions, SubscriptionKey};
/// use stage_core::testing::Supply;
///
/// let mut supply = Supply::new(DemandDispatcher::new());
/// let consumer = SubscriptionKey::new(0);
/// supply.subscribe(consumer, DispatchOptions::new())?;
/// assert_eq!(supply.ask(consumer, 2), 2);
/// assert_eq!(supply.emit(['a', 'b', 'c']), 0);
/// assert_eq!(supply.sent(), [(consumer, vec!['a', 'b'])]);
/// assert_eq!(supply.ask(consumer, 2), 1);
/// assert_eq!(supply.sent(), [(consumer, vec!['c'])]);
/// # Ok::<(), stage_core::subscribe::SubscribeError>(())
/// ```
///
/// A supply counts the events that wait and those that were discarded, and reports when a marker has passed:
///
/// ```
/// use stage_core::dispatch::{DispatchOptions, FairDispatcher, Marker, SubscriptionKey};
/// use stage_core::testing::Supply;
/// use stage_core::{Capacity, Keep};
///
/// let mut supply = Supply::with_buffer(FairDispatcher::new(), Capacity::Bounded(2), Keep::First);
/// let (a, b) = (SubscriptionKey::new(0), SubscriptionKey::new(1));
/// supply.subscribe(a, DispatchOptions::new())?;
/// supply.subscribe(b, DispatchOptions::new())?;
/// supply.emit([1, 2, 3]);
/// assert_eq!((supply.waiting(), supply.discarded()), (2, 1));
/// assert_eq!(supply.mark(Marker::new(5)), None);
///
/// supply.ask(a, 3);
/// assert_eq!(supply.sent(), [(a, vec![1, 2])]);
/// assert_eq!(supply.fired(), [Marker::new(5)]);
/// assert_eq!((supply.wanted(), supply.outstanding()), (1, 1));
///
/// // The events of a subscriber that leaves go to another one.
/// supply.take_back(a, [1, 2]);
/// supply.cancel(a);
/// supply.ask(b, 2);
/// assert_eq!(supply.sent(), [(b, vec![1, 2])]);
/// supply.finish(b);
/// assert!(!supply.keeps_for(b) && supply.warnings().is_empty());
/// # Ok::<(), stage_core::subscribe::SubscribeError>(())
/// ```
#[derive(Debug)]
pub struct Supply<E> {
    inner: dispatch::Supply<E>,
    outbox: Outbox<E>,
    sent: Vec<(SubscriptionKey, Vec<E>)>,
    overflowed: usize,
}

impl<E> Supply<E> {
    /// Creates a supply with an unbounded buffer.
    pub fn new(dispatcher: impl Dispatcher<E> + 'static) -> Self {
        Self::with_buffer(dispatcher, Capacity::Unbounded, Keep::Last)
    }

    /// Creates a supply that buffers events without demand according to `capacity` and `keep`.
    pub fn with_buffer(dispatcher: impl Dispatcher<E> + 'static, capacity: Capacity, keep: Keep) -> Self {
        let inner = dispatch::Supply::new(AnyDispatcher::new(dispatcher), Buffer::new(capacity, keep));
        Self { inner, outbox: Outbox::new(), sent: Vec::new(), overflowed: 0 }
    }

    /// Adds a subscriber.
    ///
    /// # Errors
    ///
    /// Returns the error of the dispatcher, which a stage would send to the subscriber.
    pub fn subscribe(
        &mut self,
        key: SubscriptionKey,
        options: DispatchOptions<E>,
    ) -> Result<(), SubscribeError> {
        self.inner.subscribe(key, options)
    }

    /// Asks for `events` on behalf of a subscriber; returns the demand announced to the stage.
    pub fn ask(&mut self, key: SubscriptionKey, events: usize) -> usize {
        let Some(demand) = Demand::new(events) else { return 0 };
        if !self.inner.counts(key, demand) {
            self.inner.ask_quietly(key, demand, &mut self.outbox);
        }
        let announce = self.inner.announce();
        self.send(announce)
    }

    /// Removes a subscriber that left; returns the demand announced to the stage.
    pub fn cancel(&mut self, key: SubscriptionKey) -> usize {
        let announce = self.inner.cancel(key, &mut self.outbox);
        self.send(announce)
    }

    /// Marks a subscriber as wanting no more events, ever; returns the demand announced to the stage.
    pub fn finish(&mut self, key: SubscriptionKey) -> usize {
        let announce = self.inner.finish(key, &mut self.outbox);
        self.send(announce)
    }

    /// Takes back events that a subscriber did not receive; call `cancel` or `finish` next.
    pub fn take_back(&mut self, key: SubscriptionKey, events: impl IntoIterator<Item = E>) {
        self.inner.take_back(key, &mut events.into_iter().collect());
    }

    /// Emits events on behalf of the stage; returns the demand announced to it.
    pub fn emit(&mut self, events: impl IntoIterator<Item = E>) -> usize {
        let mut events: Vec<E> = events.into_iter().collect();
        if let Some(to) = self.inner.give_all(events.len()) {
            self.outbox.send_all(to, events);
            return self.send(None);
        }
        let (announce, overflowed) = self.inner.offer(&mut events, &mut self.outbox);
        self.overflowed += overflowed;
        self.send(announce)
    }

    /// Places a marker behind all waiting events; returns it if there are none.
    pub fn mark(&mut self, marker: Marker) -> Option<Marker> {
        self.inner.mark(marker)
    }

    /// Takes the messages sent since the last call, in order.
    pub fn sent(&mut self) -> Vec<(SubscriptionKey, Vec<E>)> {
        std::mem::take(&mut self.sent)
    }

    /// Takes the markers that fired since the last call, in order.
    pub fn fired(&mut self) -> Vec<Marker> {
        self.outbox.drain_fired().collect()
    }

    /// Takes the warnings of the dispatcher since the last call.
    pub fn warnings(&mut self) -> Vec<DispatchWarning> {
        self.outbox.drain_warnings().collect()
    }

    /// Takes the number of events discarded since the last call, for lack of a destination or of room.
    pub fn discarded(&mut self) -> usize {
        self.outbox.take_discarded() + std::mem::take(&mut self.overflowed)
    }

    /// Returns how many more events the dispatcher accepts.
    pub fn wanted(&self) -> usize {
        self.inner.wanted()
    }

    /// Returns the demand announced to the stage and not yet served.
    pub fn outstanding(&self) -> usize {
        self.inner.outstanding()
    }

    /// Returns whether a waiting event may still go to `key`, so that the stage's progress waits behind it.
    pub fn keeps_for(&self, key: SubscriptionKey) -> bool {
        self.inner.keeps_for(key)
    }

    /// Returns the number of waiting events, in the buffer and inside the dispatcher.
    pub fn waiting(&self) -> usize {
        self.inner.waiting()
    }

    /// Sends what was decided, as a stage does after every step.
    fn send(&mut self, announce: Option<Demand>) -> usize {
        self.sent.extend(self.outbox.drain());
        announce.map_or(0, Demand::get)
    }
}
