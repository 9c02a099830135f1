//! The producing half of a stage: receives asks and sends the deliveries that the supply decides.

mod announced;
mod asides;
mod modes;
mod progress;
mod rest;
mod sending;
mod side;
mod subscribers;

use std::collections::{HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

use self::announced::Announced;
use self::modes::Accumulated;
use self::progress::StageProgress;
pub(crate) use self::rest::Rejections;
use crate::base::error::ExitReason;
use crate::base::options::{DemandMode, OnCancel};
use crate::base::stats::{Counters, Discard, Sharing};
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
    supply: Supply<E>,
    outbox: Outbox<E>,
    deliveries: Vec<Delivery<E>>,
    /// Pieces of one message that is larger than a batch; empty between calls.
    pieces: Vec<Vec<E>>,
    links: Vec<Option<LinkTx<E>>>,
    live: usize,
    /// The effect of losing the last consumer.
    on_cancel: OnCancel,
    /// Whether any consumer has left.
    left: bool,
    /// Number of consumers that finished by themselves. The stage finishes too when it reaches `subscribers`.
    satisfied: usize,
    subscribers: Option<usize>,
    /// Slots of consumers outside the pipeline that this stage belongs to.
    guests: HashSet<usize>,
    announced: Announced,
    /// Changes of subscribers that the stage has not been notified of.
    changes: VecDeque<SubscriberChange>,
    /// Asks, events and markers held until the mode is set to forward; `None` in forward mode.
    accumulated: Option<VecDeque<Accumulated<E>>>,
    /// The mode that the stage chose, which a pause overrides.
    chosen: DemandMode,
    /// Whether an operator paused the stage.
    paused: bool,
    /// Number of events held in `accumulated`.
    held_back: usize,
    /// The progress that the stage announced, if it ever did.
    progress: Option<Box<StageProgress>>,
    /// Markers that have fired.
    fired: VecDeque<Marker>,
    /// Events discarded since the last report to the stage.
    discarded: Discarded,
    /// The panic of the dispatcher, after which it cannot be used any more.
    broken: Option<ExitReason>,
    /// Receives the events that were not handed out when the stage ends.
    rejected: Option<Rejections<E>>,
    counters: Arc<Counters>,
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
            supply,
            outbox: Outbox::new(),
            deliveries: Vec::new(),
            pieces: Vec::new(),
            links: Vec::new(),
            live: 0,
            on_cancel: OnCancel::Continue,
            left: false,
            satisfied: 0,
            subscribers,
            guests: HashSet::new(),
            announced: Announced::default(),
            changes: VecDeque::new(),
            accumulated: None,
            chosen: DemandMode::Forward,
            paused: false,
            held_back: 0,
            progress: None,
            fired: VecDeque::new(),
            discarded: Discarded::default(),
            broken: None,
            rejected: None,
            counters,
        }
    }

    /// Takes in what the consumer of `slot` sent.
    pub(crate) fn look(&mut self, slot: usize) {
        let key = SubscriptionKey(slot);
        while let Some(link) = self.links.get_mut(slot).and_then(Option::as_mut) {
            match link.receive() {
                FromConsumer::Nothing => break,
                FromConsumer::Credited(credited) => {
                    self.outbox.recycle(credited.buffer);
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
        if self.accumulated.is_none() && self.supply.counts(key, demand) {
            if self.tells_demand()
                && let Some(demand) = self.supply.announce()
            {
                self.announced.push(demand);
            }
            self.note();
            return;
        }
        self.decide_on(key, demand);
    }

    /// Handles an ask that the fast path, which only adds to credit, cannot take.
    #[inline(never)]
    fn decide_on(&mut self, key: SubscriptionKey, demand: Demand) {
        if let Some(log) = &mut self.accumulated {
            let link = self.links.get(key.0).and_then(Option::as_ref);
            if let Some(link) = link {
                log.push_back(Accumulated::Asked(link.subscription().clone(), demand));
            }
            return;
        }
        let announce = self.decide(|supply, outbox| {
            supply.ask_quietly(key, demand, outbox);
            supply.announce()
        });
        self.settle(announce.flatten());
    }

    /// Runs `decide` on the supply; returns `None` after a panic of the dispatcher, which is not used again.
    #[inline]
    fn decide<T>(&mut self, mut decide: impl FnMut(&mut Supply<E>, &mut Outbox<E>) -> T) -> Option<T> {
        let mut decided = None;
        self.guard(&mut |supply, outbox| decided = Some(decide(supply, outbox)));
        decided
    }

    /// Not generic over the decision, so that it is compiled once per event type.
    #[inline(never)]
    fn guard(&mut self, decide: &mut dyn FnMut(&mut Supply<E>, &mut Outbox<E>)) {
        if self.broken.is_some() {
            return;
        }
        let (supply, outbox) = (&mut self.supply, &mut self.outbox);
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| decide(supply, outbox))) {
            self.broken = Some(ExitReason::from_panic(&*payload));
        }
    }

    fn offer_quietly(&mut self, events: &mut Vec<E>) {
        let offered = self.decide(|supply, outbox| supply.offer_quietly(events, outbox));
        let overflowed = offered.unwrap_or_else(|| events.drain(..).len());
        self.discarded.overflowed += overflowed;
        self.counters.discarded(Discard::Overflow, overflowed);
    }

    /// Queues `marker` behind everything that was emitted; returns it if nothing precedes it.
    pub(crate) fn mark(&mut self, marker: Marker) -> Option<Marker> {
        if let Some(log) = &mut self.accumulated {
            log.push_back(Accumulated::Marked(marker));
            return None;
        }
        self.decide(|supply, _| supply.mark(marker)).flatten()
    }

    /// Hands out the events that a callback emitted; `events` is empty afterwards.
    #[inline]
    pub(crate) fn emit(&mut self, events: &mut Vec<E>) {
        if events.is_empty() {
            return;
        }
        let to = if self.accumulated.is_none() { self.supply.give_all(events.len()) } else { None };
        match to {
            Some(to) => self.give_all(to, events),
            None => self.hand_out(events),
        }
    }

    /// Sends all of `events` to the one subscriber that they belong to.
    fn give_all(&mut self, to: SubscriptionKey, events: &mut Vec<E>) {
        let events = std::mem::replace(events, self.outbox.buffer());
        self.deliver(Delivery { to, events });
        self.note();
    }

    #[inline(never)]
    fn hand_out(&mut self, events: &mut Vec<E>) {
        if let Some(log) = &mut self.accumulated {
            self.held_back += events.len();
            log.push_back(Accumulated::Emitted(std::mem::take(events)));
            self.note();
            return;
        }
        let offered = self.decide(|supply, outbox| supply.offer(events, outbox));
        let (announce, overflowed) = offered.unwrap_or_else(|| (None, events.drain(..).len()));
        self.discarded.overflowed += overflowed;
        self.counters.discarded(Discard::Overflow, overflowed);
        self.settle(announce);
    }

    #[inline]
    fn settle(&mut self, announce: Option<Demand>) {
        if let Some(demand) = announce {
            self.announced.push(demand);
        }
        if self.outbox.has_asides() {
            self.settle_asides();
        }
        if self.outbox.has_deliveries() {
            self.send();
        }
        self.note();
        if self.progress.is_some() {
            self.tell_progress();
        }
        if self.outbox.has_expelled() {
            self.expel();
        }
    }

    /// Publishes the unmet demand and the number of buffered events.
    #[inline]
    fn note(&self) {
        if self.broken.is_some() {
            return;
        }
        self.counters.hold(self.supply.wanted(), self.buffered());
    }

    /// Returns the number of events that were emitted and not handed out.
    pub(crate) fn buffered(&self) -> usize {
        self.supply.waiting() + self.held_back
    }

    /// Returns the unmet demand: how many events the subscribers want beyond those available.
    pub(crate) fn wanted(&self) -> usize {
        self.supply.wanted()
    }

    /// Returns whether everything that was emitted has been handed to subscribers.
    pub(crate) fn is_empty(&self) -> bool {
        self.buffered() == 0 && self.accumulated.as_ref().is_none_or(VecDeque::is_empty)
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
                self.counters.unsent(lost);
                discarded += lost;
            }
        }
        self.links.clear();
        self.live = 0;
        self.counters.links.close_all();
        self.counters.hold(0, 0);
        self.discard_at_end(discarded);
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
