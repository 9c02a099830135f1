//! The supply of an outlet with the outbox that it decides into, and both without the type of their events: what calls
//! them is compiled once, in this crate.

use super::core::Core;
use crate::credit::demand::Demand;
use crate::dispatch::{Marker, Outbox, SubscriptionKey, Supply};

/// The deciding part of an outlet.
#[derive(Debug)]
pub(super) struct Decider<E> {
    pub(super) supply: Supply<E>,
    pub(super) outbox: Outbox<E>,
    /// The events that a departed consumer left unread, to be taken back. Those that remain belong to the outlet, so that a panic
    /// of the dispatcher does not drop them while it unwinds.
    pub(super) unread: Option<Vec<E>>,
}

/// The decisions that need no events.
pub(super) trait Decisions {
    /// Handles an ask; returns the demand to announce.
    fn ask(&mut self, key: SubscriptionKey, demand: Demand) -> Option<Demand>;

    /// Handles an ask; announces nothing.
    fn ask_quietly(&mut self, key: SubscriptionKey, demand: Demand);

    /// Returns the demand to announce, at most `most` if it is given.
    fn announce(&mut self, most: Option<Demand>) -> Option<Demand>;

    /// Places a marker behind all waiting events; returns it if there are none.
    fn mark(&mut self, marker: Marker) -> Option<Marker>;

    /// Removes a subscriber, which may have `finished`, and takes back what it left unread; returns the demand to announce.
    fn remove(&mut self, key: SubscriptionKey, finished: bool) -> Option<Demand>;

    /// Returns whether an event may still go to `key`.
    fn keeps_for(&self, key: SubscriptionKey) -> bool;
}

impl<E> Decider<E> {
    pub(super) fn new(supply: Supply<E>) -> Self {
        Self { supply, outbox: Outbox::new(), unread: None }
    }
}

impl<E> Decisions for Decider<E> {
    fn ask(&mut self, key: SubscriptionKey, demand: Demand) -> Option<Demand> {
        self.supply.ask_quietly(key, demand, &mut self.outbox);
        self.supply.announce()
    }

    fn ask_quietly(&mut self, key: SubscriptionKey, demand: Demand) {
        self.supply.ask_quietly(key, demand, &mut self.outbox);
    }

    fn announce(&mut self, most: Option<Demand>) -> Option<Demand> {
        match most {
            Some(most) => self.supply.announce_most(most),
            None => self.supply.announce(),
        }
    }

    fn mark(&mut self, marker: Marker) -> Option<Marker> {
        self.supply.mark(marker)
    }

    fn remove(&mut self, key: SubscriptionKey, finished: bool) -> Option<Demand> {
        let Self { supply, outbox, unread } = self;
        if let Some(unread) = unread {
            supply.take_back(key, unread);
        }
        if finished { supply.finish(key, outbox) } else { supply.cancel(key, outbox) }
    }

    fn keeps_for(&self, key: SubscriptionKey) -> bool {
        self.supply.keeps_for(key)
    }
}

impl Core {
    /// Asks for a decision; returns `None` after a panic of the dispatcher, which is not used again.
    fn decide<T>(
        &mut self,
        decider: &mut dyn Decisions,
        mut call: impl FnMut(&mut dyn Decisions) -> T,
    ) -> Option<T> {
        let mut answer = None;
        self.guard(&mut || answer = Some(call(decider)));
        answer
    }

    /// Handles an ask that the fast path cannot take; returns the demand to announce.
    pub(super) fn ask(
        &mut self,
        decider: &mut dyn Decisions,
        key: SubscriptionKey,
        demand: Demand,
    ) -> Option<Demand> {
        if self.accumulates() {
            self.accumulate_ask(key, demand);
            return None;
        }
        self.decide(decider, |decider| decider.ask(key, demand)).flatten()
    }

    /// Handles the asks that were accumulated; announces nothing.
    pub(super) fn ask_all(&mut self, decider: &mut dyn Decisions, asked: &[(SubscriptionKey, Demand)]) {
        for (key, demand) in asked {
            self.decide(decider, |decider| decider.ask_quietly(*key, *demand));
        }
    }

    /// Returns the demand to announce, at most `most` if it is given.
    pub(super) fn announce(&mut self, decider: &mut dyn Decisions, most: Option<Demand>) -> Option<Demand> {
        self.decide(decider, |decider| decider.announce(most)).flatten()
    }

    /// Queues `marker` behind everything that was emitted; returns it if nothing precedes it.
    pub(super) fn mark(&mut self, decider: &mut dyn Decisions, marker: Marker) -> Option<Marker> {
        if self.accumulates() {
            self.accumulate_marker(marker);
            return None;
        }
        self.decide(decider, |decider| decider.mark(marker)).flatten()
    }

    /// Removes a subscriber, which may have `finished`; returns the demand to announce.
    pub(super) fn leave(
        &mut self,
        decider: &mut dyn Decisions,
        key: SubscriptionKey,
        finished: bool,
    ) -> Option<Demand> {
        self.decide(decider, |decider| decider.remove(key, finished)).flatten()
    }

    /// Tells the progress to the subscribers that no emitted event waits for.
    #[cold]
    pub(super) fn tell_untold(&mut self, decider: &mut dyn Decisions) {
        let Some(mut progress) = self.take_untold() else { return };
        let waiting = self.decide(decider, |decider| progress.sort(&mut |key| decider.keeps_for(key)));
        self.tell_progress(progress, waiting);
    }
}
