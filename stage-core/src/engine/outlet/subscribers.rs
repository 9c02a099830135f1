//! The subscribers of a stage: they arrive, leave, finish, or are cancelled.

use super::{Outlet, SubscriberChange};
use crate::base::error::ExitReason;
use crate::base::options::OnCancel;
use crate::base::stats::Discard;
use crate::dispatch::SubscriptionKey;
use crate::engine::log;
use crate::wire::protocol::{Closed, MadeBy, Subscribe};
use crate::wire::subscription::{Cancellation, Subscription};

impl<E> Outlet<E> {
    /// Accepts a subscription, or refuses it and closes its link.
    pub(crate) fn subscribe(&mut self, subscribe: Subscribe<E>) {
        let Subscribe { link, options, made_by } = subscribe;
        let slot = link.slot();
        let key = SubscriptionKey(slot);
        let mut taken = self.decide(|supply, _| supply.subscribe(key, options.clone()));
        if matches!(taken, Some(Err(_))) {
            // A restarted consumer may arrive before the end of its old subscription was noticed.
            (0..self.links.len()).for_each(|slot| self.look(slot));
            taken = self.decide(|supply, _| supply.subscribe(key, options.clone()));
        }
        let Some(taken) = taken else { return };
        if let Err(refused) = taken {
            log::refused(&self.counters, &refused);
            link.close(Closed::Refused(refused));
            return;
        }
        while self.links.len() <= slot {
            self.links.push(None);
        }
        self.changes
            .push_back(SubscriberChange { subscription: link.subscription().clone(), cancellation: None });
        self.counters.links.open(slot, link.subscription().consumer(), link.counters());
        self.links[slot] = Some(link);
        self.live += 1;
        if self.subscribers.is_some() && made_by == MadeBy::Hand {
            self.guests.insert(slot);
        }
        log::subscribed(&self.counters, slot);
        self.look(slot);
        self.owe_progress(slot);
    }

    /// Ends a subscription from this side, behind everything that was sent.
    pub(crate) fn cancel(&mut self, subscription: &Subscription, reason: ExitReason) {
        let slot = subscription.producer_slot();
        let place = self.links.get_mut(slot);
        let Some(link) = place.and_then(|place| place.take_if(|link| link.subscription() == subscription))
        else {
            return;
        };
        self.live -= 1;
        self.counters.links.close(slot);
        self.left = true;
        self.forget_asks(subscription);
        self.guests.remove(&slot);
        let lost = link.close(Closed::Cancelled(reason.clone()));
        self.counters.unsent(lost);
        self.counters.discarded(Discard::Ended, lost);
        let cancellation = Some(Cancellation::cancelled(reason));
        self.changes.push_back(SubscriberChange { subscription: subscription.clone(), cancellation });
        let announce = self.decide(|supply, outbox| supply.cancel(SubscriptionKey(slot), outbox));
        self.settle(announce.flatten());
    }

    pub(super) fn is_standing(&self, subscription: &Subscription) -> bool {
        let link = self.links.get(subscription.producer_slot()).and_then(Option::as_ref);
        link.is_some_and(|link| link.subscription() == subscription)
    }

    #[cold]
    pub(super) fn lose(&mut self, key: SubscriptionKey, cancellation: Cancellation) {
        log::subscriber_gone(&self.counters, key.0, &cancellation);
        let Some(link) = self.links[key.0].take() else { return };
        self.live -= 1;
        self.counters.links.close(key.0);
        self.left = true;
        let subscription = link.subscription().clone();
        self.forget_asks(&subscription);
        let mut back = link.take_back();
        self.counters.unsent(back.len());
        self.decide(|supply, _| supply.take_back(key, &mut back));
        let belongs = self.subscribers.is_some() && !self.guests.remove(&key.0);
        let finished = belongs && matches!(cancellation.reason, ExitReason::Normal);
        self.changes.push_back(SubscriberChange { subscription, cancellation: Some(cancellation) });
        let announce = if finished {
            self.satisfied += 1;
            self.decide(|supply, outbox| supply.finish(key, outbox))
        } else {
            self.decide(|supply, outbox| supply.cancel(key, outbox))
        };
        self.settle(announce.flatten());
    }

    /// Returns whether no event will ever be wanted again: every consumer finished by itself, or the last one
    /// left and the stage ends with it.
    pub(crate) fn has_had_enough(&self) -> bool {
        let satisfied = self.subscribers.is_some_and(|subscribers| self.satisfied >= subscribers);
        self.live == 0 && (satisfied || (self.left && self.on_cancel == OnCancel::Stop))
    }
}
