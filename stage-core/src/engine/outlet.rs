//! The producing half of a stage: receives asks and sends the deliveries that the supply decides.

mod announced;
mod asides;
mod core;
mod decider;
mod modes;
mod progress;
mod rest;
mod sending;
mod side;
mod subscribers;

use std::collections::VecDeque;

use self::core::Core;
use self::decider::Decider;
pub(crate) use self::rest::Rejections;
use crate::base::error::ExitReason;
use crate::base::stats::{Counters, Sharing};
use crate::credit::demand::Demand;
use crate::dispatch::{Delivery, Marker, Outbox, SubscriptionKey, Supply};
use crate::sync::Arc;
use crate::wire::link::{FromConsumer, LinkTx};
use crate::wire::protocol::Closed;
use crate::wire::subscription::{Cancellation, Subscription};

/// The subscriptions of consumers, the supply (dispatcher and buffer) that serves them, and the demand that it
/// announced.
#[derive(Debug)]
pub(crate) struct Outlet<E> {
    core: Core,
    decider: Decider<E>,
    deliveries: Vec<Delivery<E>>,
    /// Pieces of one message that is larger than a batch; empty between calls.
    pieces: Vec<Vec<E>>,
    /// Indexed by slot.
    links: Vec<Option<LinkTx<E>>>,
    /// The emissions that are held back until the mode is set to forward, in the order of the core's log.
    held: Vec<Vec<E>>,
    /// Receives the events that were not handed out when the stage ends.
    rejected: Option<Rejections<E>>,
}

/// A subscriber's arrival or departure, for the stage's callback.
#[derive(Debug)]
pub(crate) struct SubscriberChange {
    pub(crate) subscription: Subscription,
    /// `None` if the subscription was just made.
    pub(crate) cancellation: Option<Cancellation>,
}

/// Discarded events, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Discarded {
    /// No demand existed for them, and the buffer was full.
    pub(crate) overflowed: usize,
    /// No subscriber accepts them.
    pub(crate) unroutable: usize,
}

impl<E> Outlet<E> {
    /// Creates an outlet that distributes events with `supply`. With `subscribers`, it has had enough once that
    /// many consumers have finished by themselves.
    pub(crate) fn new(supply: Supply<E>, counters: Arc<Counters>, subscribers: Option<usize>) -> Self {
        counters.set_sharing(if supply.gives_to_all() { Sharing::All } else { Sharing::OneEach });
        Self {
            core: Core::new(counters, subscribers),
            decider: Decider::new(supply),
            deliveries: Vec::new(),
            pieces: Vec::new(),
            links: Vec::new(),
            held: Vec::new(),
            rejected: None,
        }
    }

    /// Takes in what the consumer of `slot` sent.
    pub(crate) fn look(&mut self, slot: usize) {
        let key = SubscriptionKey(slot);
        while let Some(link) = self.links.get_mut(slot).and_then(Option::as_mut) {
            match link.receive() {
                FromConsumer::Nothing => break,
                FromConsumer::Credited(credited) => {
                    self.decider.outbox.recycle(credited.buffer);
                    if let Some(demand) = Demand::new(credited.ask) {
                        link.counters().seen(credited.ask);
                        self.ask(key, demand);
                    }
                }
                FromConsumer::Cancelled(cancellation) => self.lose(key, cancellation),
            }
        }
    }

    #[inline]
    fn ask(&mut self, key: SubscriptionKey, demand: Demand) {
        if !self.core.accumulates() && self.decider.supply.counts(key, demand) {
            if self.tells_demand()
                && let Some(demand) = self.decider.supply.announce()
            {
                self.core.announced.push(demand);
            }
            self.note();
            return;
        }
        self.decide_on(key, demand);
    }

    /// Handles an ask that the fast path, which only adds to credit, cannot take.
    #[inline(never)]
    fn decide_on(&mut self, key: SubscriptionKey, demand: Demand) {
        let announce = self.core.ask(&mut self.decider, key, demand);
        self.settle(announce);
    }

    /// Runs `decide` on the supply; returns `None` after a panic of the dispatcher, which is not used again.
    #[inline]
    fn decide<T>(&mut self, mut decide: impl FnMut(&mut Supply<E>, &mut Outbox<E>) -> T) -> Option<T> {
        let Self { core, decider: Decider { supply, outbox, .. }, .. } = self;
        let mut decided = None;
        core.guard(&mut || decided = Some(decide(supply, outbox)));
        decided
    }

    fn offer_quietly(&mut self, events: &mut Vec<E>) {
        let offered = self.decide(|supply, outbox| supply.offer_quietly(events, outbox));
        self.core.overflowed(offered.unwrap_or_else(|| events.drain(..).len()));
    }

    /// Queues `marker` behind everything that was emitted; returns it if nothing precedes it.
    pub(crate) fn mark(&mut self, marker: Marker) -> Option<Marker> {
        self.core.mark(&mut self.decider, marker)
    }

    /// Hands out the events that a callback emitted; `events` is empty afterwards.
    #[inline]
    pub(crate) fn emit(&mut self, events: &mut Vec<E>) {
        if events.is_empty() {
            return;
        }
        let to = if self.core.accumulates() { None } else { self.decider.supply.give_all(events.len()) };
        match to {
            Some(to) => self.give_all(to, events),
            None => self.hand_out(events),
        }
    }

    /// Sends all of `events` to the one subscriber that they belong to.
    fn give_all(&mut self, to: SubscriptionKey, events: &mut Vec<E>) {
        let events = std::mem::replace(events, self.decider.outbox.buffer());
        self.deliver(Delivery { to, events });
        self.note();
    }

    #[inline(never)]
    fn hand_out(&mut self, events: &mut Vec<E>) {
        if self.core.accumulates() {
            self.core.accumulate_events(events.len());
            self.held.push(std::mem::take(events));
            self.note();
            return;
        }
        let offered = self.decide(|supply, outbox| supply.offer(events, outbox));
        let (announce, overflowed) = offered.unwrap_or_else(|| (None, events.drain(..).len()));
        self.core.overflowed(overflowed);
        self.settle(announce);
    }

    #[inline]
    fn settle(&mut self, announce: Option<Demand>) {
        if let Some(demand) = announce {
            self.core.announced.push(demand);
        }
        if self.decider.outbox.has_asides() {
            self.core.settle(self.decider.outbox.asides());
        }
        if self.decider.outbox.has_deliveries() {
            self.send();
        }
        self.note();
        if self.core.progress.is_some() {
            self.core.tell_untold(&mut self.decider);
        }
        if self.decider.outbox.has_expelled() {
            self.expel();
        }
    }

    /// Publishes the unmet demand and the number of buffered events.
    #[inline]
    fn note(&self) {
        if self.core.broken.is_some() {
            return;
        }
        self.core.counters.hold(self.decider.supply.wanted(), self.buffered());
    }

    /// Returns the number of events that were emitted and not handed out.
    pub(crate) fn buffered(&self) -> usize {
        self.decider.supply.waiting() + self.core.held_back
    }

    /// Returns the unmet demand: how many events the subscribers want beyond those available.
    pub(crate) fn wanted(&self) -> usize {
        self.decider.supply.wanted()
    }

    /// Returns whether everything that was emitted has been handed to subscribers.
    pub(crate) fn is_empty(&self) -> bool {
        self.buffered() == 0 && self.core.accumulated.as_ref().is_none_or(VecDeque::is_empty)
    }

    /// Ends every subscription, behind everything that was sent; events that were not handed out are
    /// rejected.
    pub(crate) fn close(&mut self, closed: &Closed) {
        let rest = self.take_rest();
        self.reject(rest);
        let mut discarded = 0;
        for link in &mut self.links {
            if let Some(link) = link.take() {
                let lost = link.close(closed.clone());
                self.core.counters.unsent(lost);
                discarded += lost;
            }
        }
        self.links.clear();
        self.core.close();
        self.core.discard_at_end(discarded);
    }
}

/// Closes the outlet of a stage that was aborted and could not close it itself.
impl<E> Drop for Outlet<E> {
    fn drop(&mut self) {
        self.close(&Closed::Down(ExitReason::Aborted));
    }
}

#[cfg(test)]
mod tests;
