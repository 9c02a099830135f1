//! What happens while demand is held back, and when it is let through again?

use super::Outlet;
use crate::base::options::DemandMode;
use crate::credit::demand::Demand;
use crate::dispatch::{Marker, SubscriptionKey};
use crate::wire::subscription::Subscription;

/// What happened while demand was held back, in order.
#[derive(Debug)]
pub(super) enum Accumulated<E> {
    Asked(Subscription, Demand),
    Emitted(Vec<E>),
    Marked(Marker),
}

impl<E> Outlet<E> {
    /// Holds demand back, or lets it through again. Then what was asked for counts first, so that what was
    /// emitted finds its subscribers, in the batches in which it was emitted; and what was asked for and
    /// is not there is announced, ask by ask.
    pub(crate) fn set_mode(&mut self, mode: DemandMode) {
        if mode == DemandMode::Accumulate {
            self.accumulated.get_or_insert_default();
            return;
        }
        let (mut asked, mut rest) = (Vec::new(), Vec::new());
        self.held_back = 0;
        for happened in self.accumulated.take().into_iter().flatten() {
            match happened {
                Accumulated::Asked(subscription, demand) => asked.push((subscription, demand)),
                other => rest.push(other),
            }
        }
        // A subscription may have ended since it asked.
        asked.retain(|(subscription, _)| self.is_standing(subscription));
        for (subscription, demand) in &asked {
            let key = SubscriptionKey(subscription.producer_slot());
            self.decide(|hub, outbox| hub.ask_quietly(key, *demand, outbox));
        }
        // Markers that these asks let pass come before those that accumulated.
        self.settle(None);
        for happened in rest {
            match happened {
                Accumulated::Emitted(mut events) => self.offer_quietly(&mut events),
                Accumulated::Marked(marker) => {
                    let passed = self.mark(marker);
                    self.fired.extend(passed);
                }
                Accumulated::Asked(..) => {}
            }
            self.settle(None);
        }
        for (_, demand) in asked {
            let announce = self.decide(|hub, _| hub.announce_most(demand));
            self.settle(announce.flatten());
        }
        let announce = self.decide(|hub, _| hub.announce());
        self.settle(announce.flatten());
    }

    /// What a subscription that ended had asked for while demand was held back counts no more. It is not
    /// kept, since subscribers may come and go for as long as the mode stays.
    pub(super) fn forget_asks(&mut self, ended: &Subscription) {
        if let Some(log) = &mut self.accumulated {
            log.retain(|happened| !matches!(happened, Accumulated::Asked(by, _) if by == ended));
        }
    }
}
