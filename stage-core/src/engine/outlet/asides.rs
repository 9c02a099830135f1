//! Carries out the dispatcher's decisions other than deliveries.

use super::Outlet;
use super::core::Core;
use crate::base::error::ExitReason;
use crate::base::stats::Discard;
use crate::dispatch::{Asides, SubscriptionKey};
use crate::engine::log;
use crate::wire::subscription::Subscription;

impl Core {
    /// Handles fired markers, discarded events and warnings of the dispatcher.
    #[cold]
    pub(super) fn settle(&mut self, asides: &mut Asides) {
        self.fired.extend(asides.fired.drain(..));
        let unroutable = std::mem::take(&mut asides.discarded);
        if unroutable > 0 {
            self.discarded.unroutable += unroutable;
            self.counters.discarded(Discard::Unroutable, unroutable);
        }
        for warning in asides.warnings.drain(..) {
            let subscriber = warning.about().and_then(|key| self.subscription(key.0));
            log::warned(&self.counters, &warning, subscriber.map(Subscription::consumer));
        }
    }

    /// Notes that the subscription `key` is to end for `reason`, and returns it.
    fn expel(&self, key: SubscriptionKey, reason: &ExitReason) -> Option<Subscription> {
        log::expelled(&self.counters, key.0, reason);
        self.subscription(key.0).cloned()
    }
}

impl<E> Outlet<E> {
    /// Ends the subscriptions that cannot work.
    #[cold]
    pub(super) fn expel(&mut self) {
        for (key, reason) in self.decider.outbox.asides().take_expelled() {
            if let Some(subscription) = self.core.expel(key, &reason) {
                self.cancel(&subscription, reason);
            }
        }
    }
}
