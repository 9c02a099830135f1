//! The subscribers of a stage: they arrive, leave, finish, or are cancelled.

use super::core::Core;
use super::{Outlet, SubscriberChange};
use crate::base::error::{ExitReason, SubscribeError};
use crate::base::options::OnCancel;
use crate::base::stats::Discard;
use crate::dispatch::{DispatchOptions, SubscriptionKey};
use crate::engine::log;
use crate::sync::Arc;
use crate::wire::diagnosis::Diagnosis;
use crate::wire::link::LinkState;
use crate::wire::protocol::{Closed, MadeBy, Subscribe};
use crate::wire::subscription::{Cancellation, Subscription};

impl Core {
    /// Notes that the dispatcher refused a subscription; returns how its link ends.
    fn refuse(&self, refused: SubscribeError) -> Closed {
        log::refused(&self.counters, &refused);
        Closed::Refused(refused)
    }

    /// Notes a new subscriber.
    fn subscribed(&mut self, slot: usize, link: &Arc<LinkState>, made_by: MadeBy) {
        let subscription = link.subscription();
        self.changes.push_back(SubscriberChange { subscription: subscription.clone(), cancellation: None });
        self.counters.links.open(slot, subscription.consumer(), link.counters());
        while self.links.len() <= slot {
            self.links.push(None);
        }
        self.links[slot] = Some(Arc::clone(link));
        self.live += 1;
        if self.subscribers.is_some() && made_by == MadeBy::Hand {
            self.guests.insert(slot);
        }
        log::subscribed(&self.counters, slot);
    }

    /// Returns the subscription of the subscriber with this slot.
    pub(super) fn subscription(&self, slot: usize) -> Option<&Subscription> {
        self.links.get(slot)?.as_ref().map(|link| link.subscription())
    }

    pub(super) fn is_standing(&self, subscription: &Subscription) -> bool {
        self.subscription(subscription.producer_slot()) == Some(subscription)
    }

    /// Removes a subscriber, whose link is to be closed.
    fn remove(&mut self, slot: usize) -> Option<Subscription> {
        let link = self.links.get_mut(slot)?.take()?;
        self.live -= 1;
        self.counters.links.close(slot);
        self.left = true;
        self.forget_asks(link.subscription());
        Some(link.subscription().clone())
    }

    /// Removes the subscriber of `subscription`; returns whether there was one.
    fn cancel(&mut self, subscription: &Subscription) -> bool {
        if !self.is_standing(subscription) {
            return false;
        }
        let slot = subscription.producer_slot();
        self.remove(slot);
        self.guests.remove(&slot);
        true
    }

    /// Notes that this side ended a subscription, and that `lost` of the events sent did not arrive.
    fn cancelled(&mut self, subscription: &Subscription, reason: ExitReason, lost: usize) {
        self.counters.unsent(lost);
        self.counters.discarded(Discard::Ended, lost);
        let cancellation = Some(Cancellation::cancelled(reason));
        self.changes.push_back(SubscriberChange { subscription: subscription.clone(), cancellation });
    }

    /// Removes a subscriber that ended its subscription; returns whether it finished by itself.
    fn lose(&mut self, slot: usize, cancellation: Cancellation) -> bool {
        log::subscriber_gone(&self.counters, slot, &cancellation);
        let Some(subscription) = self.remove(slot) else { return false };
        let belongs = self.subscribers.is_some() && !self.guests.remove(&slot);
        let finished = belongs && matches!(cancellation.reason, ExitReason::Normal);
        self.satisfied += usize::from(finished);
        self.changes.push_back(SubscriberChange { subscription, cancellation: Some(cancellation) });
        finished
    }

    #[inline]
    fn has_had_enough(&self) -> bool {
        self.live == 0 && self.has_lost_all()
    }

    fn has_lost_all(&self) -> bool {
        let satisfied = self.subscribers.is_some_and(|subscribers| self.satisfied >= subscribers);
        satisfied || (self.left && self.on_cancel == OnCancel::Stop)
    }

    pub(super) fn subscriptions(&self) -> Vec<Subscription> {
        self.links.iter().flatten().map(|link| link.subscription().clone()).collect()
    }

    pub(super) fn diagnose(&self, diagnosis: &mut Diagnosis) {
        for link in self.links.iter().flatten() {
            diagnosis.consumers.push(link.subscription().consumer());
        }
        diagnosis.mode = self.mode();
    }
}

impl<E> Outlet<E> {
    /// Returns whether no event will ever be wanted again: every consumer finished by itself, or the last one
    /// left and the stage ends with it.
    pub(crate) fn has_had_enough(&self) -> bool {
        self.core.has_had_enough()
    }

    /// Accepts a subscription, or refuses it and closes its link.
    pub(crate) fn subscribe(&mut self, subscribe: Subscribe<E>) {
        let Subscribe { link, options, made_by } = subscribe;
        let slot = link.slot();
        let mut taken = self.admit(slot, options.clone());
        if matches!(taken, Some(Err(_))) {
            // A restarted consumer may arrive before the end of its old subscription was noticed.
            (0..self.links.len()).for_each(|slot| self.look(slot));
            taken = self.admit(slot, options);
        }
        let Some(taken) = taken else { return };
        if let Err(refused) = taken {
            link.close(self.core.refuse(refused));
            return;
        }
        while self.links.len() <= slot {
            self.links.push(None);
        }
        self.core.subscribed(slot, link.state(), made_by);
        self.links[slot] = Some(link);
        self.look(slot);
        self.owe_progress(slot);
    }

    /// Offers a subscriber to the dispatcher.
    #[inline(never)]
    fn admit(&mut self, slot: usize, options: DispatchOptions<E>) -> Option<Result<(), SubscribeError>> {
        let mut options = Some(options);
        let taken = self.decide(|supply, _| {
            options.take().map(|options| supply.subscribe(SubscriptionKey(slot), options))
        });
        taken.flatten()
    }

    /// Ends a subscription from this side, behind everything that was sent.
    pub(crate) fn cancel(&mut self, subscription: &Subscription, reason: ExitReason) {
        if !self.core.cancel(subscription) {
            return;
        }
        let slot = subscription.producer_slot();
        let Some(link) = self.links[slot].take() else { return };
        let lost = link.close(Closed::Cancelled(reason.clone()));
        self.core.cancelled(subscription, reason, lost);
        let announce = self.core.leave(&mut self.decider, SubscriptionKey(slot), false);
        self.settle(announce);
    }

    #[cold]
    pub(super) fn lose(&mut self, key: SubscriptionKey, cancellation: Cancellation) {
        let Some(link) = self.links[key.0].take() else { return };
        let finished = self.core.lose(key.0, cancellation);
        let unread = link.take_back();
        self.core.counters.unsent(unread.len());
        self.decider.unread = Some(unread);
        let announce = self.core.leave(&mut self.decider, key, finished);
        // What a broken dispatcher does not take back is lost with it.
        self.decider.unread = None;
        self.settle(announce);
    }
}
