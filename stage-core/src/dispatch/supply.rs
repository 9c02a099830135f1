//! The supply side of a producing stage, as one pure value: dispatcher, buffer and ledger.

pub(crate) mod buffer;
pub(crate) mod marked_queue;
pub(crate) mod sole_subscriber;

use self::buffer::Buffer;
use self::sole_subscriber::TrackedDispatcher;
use crate::base::error::SubscribeError;
use crate::credit::demand::{Demand, Ledger};
use crate::dispatch::any_dispatcher::AnyDispatcher;
use crate::dispatch::options::DispatchOptions;
use crate::dispatch::{Marker, Outbox, SubscriptionKey};

/// The deciding half of an outlet. Its functions return the demand to announce to the stage.
pub(crate) struct Supply<E> {
    dispatcher: TrackedDispatcher<E>,
    buffer: Buffer<E>,
    ledger: Ledger,
    /// Events on their way from the buffer to the dispatcher; empty between calls.
    scratch: Vec<E>,
    /// Events that were taken back and cannot be delivered; reported when their subscriber is removed.
    lost: usize,
}

impl<E> Supply<E> {
    pub(crate) fn new(dispatcher: AnyDispatcher<E>, buffer: Buffer<E>) -> Self {
        let dispatcher = TrackedDispatcher::new(dispatcher);
        Self { dispatcher, buffer, ledger: Ledger::default(), scratch: Vec::new(), lost: 0 }
    }

    pub(crate) fn subscribe(
        &mut self,
        key: SubscriptionKey,
        options: DispatchOptions<E>,
    ) -> Result<(), SubscribeError> {
        let answer = self.dispatcher.caught_up().subscribe(key, options);
        self.dispatcher.look();
        answer
    }

    /// Fast path for an ask: with a sole subscriber and an empty buffer, adds to its credit and returns true.
    /// The caller announces the missing events.
    #[inline]
    pub(crate) fn counts(&mut self, key: SubscriptionKey, demand: Demand) -> bool {
        self.buffer.is_empty() && self.dispatcher.counts(key, demand)
    }

    /// Handles an ask, from the buffer first; announces nothing.
    pub(crate) fn ask_quietly(&mut self, key: SubscriptionKey, demand: Demand, outbox: &mut Outbox<E>) {
        self.dispatcher.caught_up().ask(key, demand, outbox);
        self.dispatcher.look();
        self.serve(outbox);
    }

    /// Fast path for `events` emitted events: returns the subscriber that receives them all, if its demand
    /// covers them. Then there is nothing else to decide or announce.
    #[inline]
    pub(crate) fn give_all(&mut self, events: usize) -> Option<SubscriptionKey> {
        if !self.buffer.is_empty() {
            return None;
        }
        let to = self.dispatcher.give_all(events)?;
        self.ledger.emitted(events);
        Some(to)
    }

    /// Removes a subscriber that left.
    pub(crate) fn cancel(&mut self, key: SubscriptionKey, outbox: &mut Outbox<E>) -> Option<Demand> {
        self.dispatcher.caught_up().cancel(key, outbox);
        self.removed(outbox)
    }

    /// Takes back events that were sent to a subscriber that is gone; they are handed out next. The caller
    /// must call `cancel` or `finish` afterwards.
    pub(crate) fn take_back(&mut self, key: SubscriptionKey, events: &mut Vec<E>) {
        self.lost += self.dispatcher.caught_up().take_back(key, events);
        self.dispatcher.look();
        self.buffer.put_back(events);
    }

    /// Removes a subscriber that will never ask again.
    pub(crate) fn finish(&mut self, key: SubscriptionKey, outbox: &mut Outbox<E>) -> Option<Demand> {
        self.dispatcher.caught_up().finish(key, outbox);
        self.removed(outbox)
    }

    /// Serves the others after a subscriber was removed.
    fn removed(&mut self, outbox: &mut Outbox<E>) -> Option<Demand> {
        self.dispatcher.look();
        outbox.discard(std::mem::take(&mut self.lost));
        self.serve(outbox);
        self.announce()
    }

    /// Hands out `events` that the stage emitted, and buffers those without demand. Returns the demand to
    /// announce (in place of lost events), and the number of events discarded for lack of room.
    #[inline]
    pub(crate) fn offer(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>) -> (Option<Demand>, usize) {
        let discarded = self.offer_quietly(events, outbox);
        (self.announce(), discarded)
    }

    /// Same as [`offer`](Self::offer), but announces nothing.
    #[inline]
    pub(crate) fn offer_quietly(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>) -> usize {
        self.ledger.emitted(events.len());
        if self.buffer.is_empty() {
            self.dispatcher.caught_up().dispatch(events, outbox);
            self.dispatcher.look();
        }
        let discarded = if events.is_empty() { 0 } else { self.buffer.store(events) };
        if discarded > 0 {
            // Markers of displaced events have been passed.
            self.fire_passed(outbox);
        }
        self.serve(outbox);
        discarded
    }

    /// Returns whether an event that was offered may still go to `key`.
    pub(crate) fn keeps_for(&self, key: SubscriptionKey) -> bool {
        !self.buffer.is_empty() || self.dispatcher.keeps_for(key)
    }

    /// Returns whether each event goes to every subscriber.
    pub(crate) fn gives_to_all(&self) -> bool {
        self.dispatcher.gives_to_all()
    }

    /// Returns whether demands are announced together.
    pub(crate) fn spreads(&self) -> bool {
        self.dispatcher.spreads()
    }

    /// Returns the demand to announce, at most `most`.
    pub(crate) fn announce_most(&mut self, most: Demand) -> Option<Demand> {
        self.ledger.announce_most(most, self.dispatcher.wanted(), self.buffer.len())
    }

    /// Returns the demand to announce.
    #[inline]
    pub(crate) fn announce(&mut self) -> Option<Demand> {
        self.ledger.announce(self.dispatcher.wanted(), self.buffer.len())
    }

    /// Places a marker behind all waiting events. It fires when they have been handed out or discarded: if
    /// there are none it is returned, otherwise it is written into the outbox later.
    pub(crate) fn mark(&mut self, marker: Marker) -> Option<Marker> {
        let marker = self.buffer.mark(marker)?;
        self.pass(marker)
    }

    /// Places a marker behind the events inside the dispatcher; returns it if there are none.
    fn pass(&mut self, marker: Marker) -> Option<Marker> {
        let passed = self.dispatcher.caught_up().mark(marker);
        self.dispatcher.look();
        passed
    }

    /// Hands out buffered events, as far as there is demand.
    fn serve(&mut self, outbox: &mut Outbox<E>) {
        while !self.buffer.is_empty() && self.dispatcher.wanted() > 0 {
            let taken = self.buffer.take(self.dispatcher.wanted(), &mut self.scratch);
            self.dispatcher.caught_up().dispatch(&mut self.scratch, outbox);
            self.dispatcher.look();
            let left = self.scratch.len();
            self.buffer.put_back(&mut self.scratch);
            self.fire_passed(outbox);
            if left == taken {
                // A dispatcher that violates D3 waits for the next ask instead of spinning here.
                break;
            }
        }
    }

    /// Passes the markers that are no longer behind buffered events on to the dispatcher, which may keep
    /// some.
    fn fire_passed(&mut self, outbox: &mut Outbox<E>) {
        while let Some(marker) = self.buffer.passed() {
            if let Some(marker) = self.pass(marker) {
                outbox.fire(marker);
            }
        }
    }

    /// Returns the demand that waiting events do not cover.
    pub(crate) fn wanted(&self) -> usize {
        self.dispatcher.wanted()
    }

    /// Returns the demand that was announced and not yet met.
    pub(crate) fn outstanding(&self) -> usize {
        self.ledger.outstanding()
    }

    /// Moves all waiting events to the end of `into`; returns the number that had to be dropped.
    pub(crate) fn take_rest(&mut self, into: &mut Vec<E>) -> usize {
        let dropped = self.dispatcher.caught_up().take_kept(into);
        self.dispatcher.look();
        self.buffer.take_all(into);
        dropped
    }

    /// Returns the number of events waiting in the buffer and inside the dispatcher.
    pub(crate) fn waiting(&self) -> usize {
        self.buffer.len() + self.dispatcher.kept()
    }
}

impl<E> std::fmt::Debug for Supply<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Supply")
            .field("wanted", &self.wanted())
            .field("outstanding", &self.outstanding())
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}
