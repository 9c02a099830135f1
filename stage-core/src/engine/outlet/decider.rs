//! The supply of an outlet with the outbox that it decides into, and both without the type of their events: what calls
//! them is compiled once, in this crate.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::core::Core;
use crate::base::error::ExitReason;
use crate::credit::demand::Demand;
use crate::dispatch::{Marker, Outbox, SubscriptionKey, Supply};

/// The deciding part of an outlet.
#[derive(Debug)]
pub(super) struct Decider<E> {
    pub(super) supply: Supply<E>,
    pub(super) outbox: Outbox<E>,
    /// The events that a departed consumer left unread, until they are taken back.
    pub(super) unread: Option<Vec<E>>,
}

/// The decisions that need no events.
pub(super) trait Decide {
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

impl<E> Decide for Decider<E> {
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
        if let Some(mut unread) = unread.take() {
            supply.take_back(key, &mut unread);
        }
        if finished { supply.finish(key, outbox) } else { supply.cancel(key, outbox) }
    }

    fn keeps_for(&self, key: SubscriptionKey) -> bool {
        self.supply.keeps_for(key)
    }
}

impl Core {
    /// Asks for a decision; returns `None` after a panic of the dispatcher, which is not used again.
    fn decide<T>(&mut self, decider: &mut dyn Decide, call: impl FnOnce(&mut dyn Decide) -> T) -> Option<T> {
        if self.broken.is_some() {
            return None;
        }
        match catch_unwind(AssertUnwindSafe(|| call(decider))) {
            Ok(answer) => Some(answer),
            Err(payload) => {
                self.broken = Some(ExitReason::from_panic(&*payload));
                None
            }
        }
    }

    /// Handles an ask that the fast path cannot take; returns the demand to announce.
    pub(super) fn ask(
        &mut self,
        decider: &mut dyn Decide,
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
    pub(super) fn ask_all(&mut self, decider: &mut dyn Decide, asked: &[(SubscriptionKey, Demand)]) {
        for (key, demand) in asked {
            self.decide(decider, |decider| decider.ask_quietly(*key, *demand));
        }
    }

    /// Returns the demand to announce, at most `most` if it is given.
    pub(super) fn announce(&mut self, decider: &mut dyn Decide, most: Option<Demand>) -> Option<Demand> {
        self.decide(decider, |decider| decider.announce(most)).flatten()
    }

    /// Queues `marker` behind everything that was emitted; returns it if nothing precedes it.
    pub(super) fn mark(&mut self, decider: &mut dyn Decide, marker: Marker) -> Option<Marker> {
        if self.accumulates() {
            self.accumulate_marker(marker);
            return None;
        }
        self.decide(decider, |decider| decider.mark(marker)).flatten()
    }

    /// Removes a subscriber, which may have `finished`; returns the demand to announce.
    pub(super) fn leave(
        &mut self,
        decider: &mut dyn Decide,
        key: SubscriptionKey,
        finished: bool,
    ) -> Option<Demand> {
        self.decide(decider, |decider| decider.remove(key, finished)).flatten()
    }

    /// Tells the progress to the subscribers that no emitted event waits for.
    #[cold]
    pub(super) fn tell_untold(&mut self, decider: &mut dyn Decide) {
        let Some(mut progress) = self.take_untold() else { return };
        let waiting = self.decide(decider, |decider| progress.sort(&mut |key| decider.keeps_for(key)));
        self.tell_progress(progress, waiting);
    }
}
