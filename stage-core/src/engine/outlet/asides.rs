//! Carries out the dispatcher's decisions other than deliveries.

use super::Outlet;
use crate::base::stats::Discard;
use crate::engine::log;

impl<E> Outlet<E> {
    /// Handles fired markers, discarded events and warnings of the dispatcher.
    #[cold]
    pub(super) fn settle_asides(&mut self) {
        self.fired.extend(self.outbox.drain_fired());
        let unroutable = self.outbox.take_discarded();
        if unroutable > 0 {
            self.discarded.unroutable += unroutable;
            self.counters.discarded(Discard::Unroutable, unroutable);
        }
        for warning in self.outbox.drain_warnings() {
            let place = warning.about().and_then(|key| self.links.get(key.0));
            let subscriber = place.and_then(Option::as_ref).map(|link| link.subscription().consumer());
            log::warned(&self.counters, &warning, subscriber);
        }
    }

    /// Ends the subscriptions that cannot work.
    #[cold]
    pub(super) fn expel(&mut self) {
        let expelled: Vec<_> = self.outbox.drain_expelled().collect();
        for (key, reason) in expelled {
            log::expelled(&self.counters, key.0, &reason);
            let link = self.links.get(key.0).and_then(Option::as_ref);
            if let Some(subscription) = link.map(|link| link.subscription().clone()) {
                self.cancel(&subscription, reason);
            }
        }
    }
}
