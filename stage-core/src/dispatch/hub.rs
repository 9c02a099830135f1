//! What a producing stage hands out, keeps, and still has to make: dispatcher, buffer and ledger as one
//! pure value.

use super::{Dispatcher, Outbox, SubscriptionKey};
use crate::buffer::Buffer;
use crate::demand::{Demand, Ledger};
use crate::error::SubscribeError;
use crate::subscriber::SubscriberOptions;

/// The deciding half of an outlet. Every function returns what has to be announced to the stage.
pub(crate) struct Hub<E> {
    dispatcher: Box<dyn Dispatcher<E>>,
    buffer: Buffer<E>,
    ledger: Ledger,
    /// Events on their way from the buffer to the dispatcher; empty between calls.
    scratch: Vec<E>,
}

impl<E> Hub<E> {
    pub(crate) fn new(dispatcher: Box<dyn Dispatcher<E>>, buffer: Buffer<E>) -> Self {
        Self { dispatcher, buffer, ledger: Ledger::default(), scratch: Vec::new() }
    }

    pub(crate) fn subscribe(
        &mut self,
        key: SubscriptionKey,
        options: SubscriberOptions<E>,
    ) -> Result<(), SubscribeError> {
        self.dispatcher.subscribe(key, options)
    }

    /// A subscriber wants more: served from the buffer first, the rest is announced.
    pub(crate) fn ask(
        &mut self,
        key: SubscriptionKey,
        demand: Demand,
        outbox: &mut Outbox<E>,
    ) -> Option<Demand> {
        self.dispatcher.ask(key, demand, outbox);
        self.settle(outbox)
    }

    /// A subscriber left.
    pub(crate) fn cancel(&mut self, key: SubscriptionKey, outbox: &mut Outbox<E>) -> Option<Demand> {
        self.dispatcher.cancel(key);
        self.settle(outbox)
    }

    /// Events that were sent to a subscriber come back, since it is gone: they are the next to be handed
    /// out again. To be followed by `cancel` or `finish`.
    pub(crate) fn take_back(&mut self, key: SubscriptionKey, events: &mut Vec<E>) {
        self.dispatcher.take_back(key, events);
        self.buffer.put_back(events);
    }

    /// A subscriber wants nothing ever again.
    pub(crate) fn finish(&mut self, key: SubscriptionKey, outbox: &mut Outbox<E>) -> Option<Demand> {
        self.dispatcher.finish(key, outbox);
        self.settle(outbox)
    }

    /// The stage emitted `events`: handed out, and kept as far as nobody wants them. Returns what has to
    /// be announced (for events that went nowhere) and how many were
    /// discarded for want of room.
    pub(crate) fn offer(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>) -> (Option<Demand>, usize) {
        self.ledger.emitted(events.len());
        if self.buffer.is_empty() {
            self.dispatcher.dispatch(events, outbox);
        }
        let discarded = if events.is_empty() { 0 } else { self.buffer.store(events) };
        (self.settle(outbox), discarded)
    }

    /// Serves what the buffer holds, and announces what is still missing.
    fn settle(&mut self, outbox: &mut Outbox<E>) -> Option<Demand> {
        while !self.buffer.is_empty() && self.dispatcher.wanted() > 0 {
            self.buffer.take(self.dispatcher.wanted(), &mut self.scratch);
            self.dispatcher.dispatch(&mut self.scratch, outbox);
            self.buffer.put_back(&mut self.scratch);
        }
        self.ledger.announce(self.dispatcher.wanted(), self.buffer.len())
    }

    /// What the subscribers want and nothing is there for.
    pub(crate) fn wanted(&self) -> usize {
        self.dispatcher.wanted()
    }

    /// What was announced and not yet emitted.
    pub(crate) fn outstanding(&self) -> usize {
        self.ledger.outstanding()
    }

    /// Forgets the events that wait here; says how many there were.
    pub(crate) fn discard(&mut self) -> usize {
        self.buffer.clear() + self.dispatcher.discard()
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
