//! Carries out the dispatcher's decisions other than deliveries.

use super::Outlet;
use crate::base::stats::Discard;

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
            if let Some(link) = place.and_then(Option::as_ref) {
                let subscriber = link.subscription().consumer();
                tracing::warn!(stage = self.counters.name(), "{warning} (subscriber `{subscriber}`)");
            } else {
                tracing::warn!(stage = self.counters.name(), "{warning}");
            }
        }
    }

    /// Ends the subscriptions that cannot work.
    #[cold]
    pub(super) fn expel(&mut self) {
        let expelled: Vec<_> = self.outbox.drain_expelled().collect();
        for (key, reason) in expelled {
            let stage = self.counters.name();
            tracing::warn!(stage, slot = key.0, %reason, "subscription ended: its selector failed");
            let link = self.links.get(key.0).and_then(Option::as_ref);
            if let Some(subscription) = link.map(|link| link.subscription().clone()) {
                self.cancel(&subscription, reason);
            }
        }
    }
}
