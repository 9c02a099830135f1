//! What a producing stage hands out, keeps, and still has to make: dispatcher, buffer and ledger as one
//! pure value.

use super::decider::Decider;
use crate::base::error::SubscribeError;
use crate::credit::demand::{Demand, Ledger};
use crate::dispatch::subscriber_options::SubscriberOptions;
use crate::dispatch::supply::buffer::Buffer;
use crate::dispatch::{Dispatcher, Marker, Outbox, SubscriptionKey};

/// The deciding half of an outlet. Every function returns what has to be announced to the stage.
pub(crate) struct Hub<E> {
    dispatcher: Decider<E>,
    buffer: Buffer<E>,
    ledger: Ledger,
    /// Events on their way from the buffer to the dispatcher; empty between calls.
    scratch: Vec<E>,
    /// Events that came back and can go nowhere; reported with the loss of their subscriber.
    lost: usize,
}

impl<E> Hub<E> {
    pub(crate) fn new(dispatcher: Box<dyn Dispatcher<E>>, buffer: Buffer<E>) -> Self {
        let dispatcher = Decider::new(dispatcher);
        Self { dispatcher, buffer, ledger: Ledger::default(), scratch: Vec::new(), lost: 0 }
    }

    pub(crate) fn subscribe(
        &mut self,
        key: SubscriptionKey,
        options: SubscriberOptions<E>,
    ) -> Result<(), SubscribeError> {
        self.dispatcher.tell(|dispatcher| dispatcher.subscribe(key, options))
    }

    /// A subscriber wants more: sees to it if it is a matter of counting; says whether it is. What is not there is
    /// to be announced.
    #[inline]
    pub(crate) fn counts(&mut self, key: SubscriptionKey, demand: Demand) -> bool {
        self.buffer.is_empty() && self.dispatcher.counts(key, demand)
    }

    /// A subscriber wants more: served from the buffer first; nothing is announced.
    pub(crate) fn ask_quietly(&mut self, key: SubscriptionKey, demand: Demand, outbox: &mut Outbox<E>) {
        self.dispatcher.tell(|dispatcher| dispatcher.ask(key, demand, outbox));
        self.serve(outbox);
    }

    /// The stage emitted so many events: who gets them, if one subscriber has asked for them all. Nothing more is
    /// to be decided then, nor announced.
    #[inline]
    pub(crate) fn give_all(&mut self, events: usize) -> Option<SubscriptionKey> {
        if !self.buffer.is_empty() {
            return None;
        }
        let to = self.dispatcher.give_all(events)?;
        self.ledger.emitted(events);
        Some(to)
    }

    /// A subscriber left.
    pub(crate) fn cancel(&mut self, key: SubscriptionKey, outbox: &mut Outbox<E>) -> Option<Demand> {
        self.dispatcher.tell(|dispatcher| dispatcher.cancel(key, outbox));
        outbox.discard(std::mem::take(&mut self.lost));
        self.serve(outbox);
        self.announce()
    }

    /// Events that were sent to a subscriber come back, since it is gone: they are the next to be handed
    /// out again. To be followed by `cancel` or `finish`.
    pub(crate) fn take_back(&mut self, key: SubscriptionKey, events: &mut Vec<E>) {
        self.lost += self.dispatcher.tell(|dispatcher| dispatcher.take_back(key, events));
        self.buffer.put_back(events);
    }

    /// A subscriber wants nothing ever again.
    pub(crate) fn finish(&mut self, key: SubscriptionKey, outbox: &mut Outbox<E>) -> Option<Demand> {
        self.dispatcher.tell(|dispatcher| dispatcher.finish(key, outbox));
        outbox.discard(std::mem::take(&mut self.lost));
        self.serve(outbox);
        self.announce()
    }

    /// The stage emitted `events`: handed out, and kept as far as nobody wants them. Returns what has to
    /// be announced (for events that went nowhere) and how many were
    /// discarded for want of room.
    #[inline]
    pub(crate) fn offer(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>) -> (Option<Demand>, usize) {
        let discarded = self.offer_quietly(events, outbox);
        (self.announce(), discarded)
    }

    /// As [`offer`](Self::offer); nothing is announced.
    #[inline]
    pub(crate) fn offer_quietly(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>) -> usize {
        self.ledger.emitted(events.len());
        if self.buffer.is_empty() {
            self.dispatcher.tell(|dispatcher| dispatcher.dispatch(events, outbox));
        }
        let discarded = if events.is_empty() { 0 } else { self.buffer.store(events) };
        if discarded > 0 {
            // Markers of displaced events.
            self.fire_passed(outbox);
        }
        self.serve(outbox);
        discarded
    }

    /// Whether each event goes to every subscriber.
    pub(crate) fn gives_to_all(&self) -> bool {
        self.dispatcher.gives_to_all()
    }

    /// Whether demands are announced together.
    pub(crate) fn spreads(&self) -> bool {
        self.dispatcher.spreads()
    }

    /// What has to be announced, at most `most` of it.
    pub(crate) fn announce_most(&mut self, most: Demand) -> Option<Demand> {
        self.ledger.announce_most(most, self.dispatcher.wanted(), self.buffer.len())
    }

    /// What has to be announced.
    #[inline]
    pub(crate) fn announce(&mut self) -> Option<Demand> {
        self.ledger.announce(self.dispatcher.wanted(), self.buffer.len())
    }

    /// Puts a marker behind everything that waits here. It fires when that has been handed out or
    /// discarded: it is returned if that is now, and written into the outbox otherwise.
    pub(crate) fn mark(&mut self, marker: Marker) -> Option<Marker> {
        let marker = self.buffer.mark(marker)?;
        self.dispatcher.tell(|dispatcher| dispatcher.mark(marker))
    }

    /// Hands out what the buffer holds, as far as it is wanted.
    fn serve(&mut self, outbox: &mut Outbox<E>) {
        while !self.buffer.is_empty() && self.dispatcher.wanted() > 0 {
            let taken = self.buffer.take(self.dispatcher.wanted(), &mut self.scratch);
            let (dispatcher, scratch) = (&mut self.dispatcher, &mut self.scratch);
            dispatcher.tell(|dispatcher| dispatcher.dispatch(scratch, outbox));
            let left = self.scratch.len();
            self.buffer.put_back(&mut self.scratch);
            self.fire_passed(outbox);
            if left == taken {
                // A dispatcher that breaks D3 waits for the next ask instead of spinning here.
                break;
            }
        }
    }

    /// Passes on the markers that no buffered event is before: the dispatcher may keep some.
    fn fire_passed(&mut self, outbox: &mut Outbox<E>) {
        while let Some(marker) = self.buffer.passed() {
            if let Some(marker) = self.dispatcher.tell(|dispatcher| dispatcher.mark(marker)) {
                outbox.fire(marker);
            }
        }
    }

    /// What the subscribers want and nothing is there for.
    pub(crate) fn wanted(&self) -> usize {
        self.dispatcher.wanted()
    }

    /// What was announced and not yet emitted.
    pub(crate) fn outstanding(&self) -> usize {
        self.ledger.outstanding()
    }

    /// Moves the events that wait here to the end of `into`; says how many had to be dropped.
    pub(crate) fn take_rest(&mut self, into: &mut Vec<E>) -> usize {
        let dropped = self.dispatcher.tell(|dispatcher| dispatcher.take_kept(into));
        self.buffer.take_all(into);
        dropped
    }

    /// Events that wait here, in the buffer and inside the dispatcher.
    pub(crate) fn waiting(&self) -> usize {
        self.buffer.len() + self.dispatcher.kept()
    }
}

impl<E> std::fmt::Debug for Hub<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub")
            .field("wanted", &self.wanted())
            .field("outstanding", &self.outstanding())
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}
