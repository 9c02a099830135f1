//! Holds demand back in accumulate mode, and replays it in forward mode.

use super::Outlet;
use crate::base::options::DemandMode;
use crate::credit::demand::Demand;
use crate::dispatch::{Marker, SubscriptionKey};
use crate::wire::subscription::Subscription;

/// An entry in the log of the accumulate mode, which keeps asks, emissions and markers in order.
#[derive(Debug)]
pub(super) enum Accumulated<E> {
    Asked(Subscription, Demand),
    Emitted(Vec<E>),
    Marked(Marker),
}

impl<E> Outlet<E> {
    /// Switches between holding demand back and forwarding it. On the switch to forward, accumulated asks are
    /// applied first, so that emitted events find their subscribers, in the batches in which they were
    /// emitted; then the unmet demand is announced, ask by ask.
    pub(crate) fn set_mode(&mut self, mode: DemandMode) {
        self.chosen = mode;
        self.switch();
    }

    /// Holds demand back while an operator pauses the stage, whatever its mode.
    pub(crate) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
        self.switch();
    }

    fn switch(&mut self) {
        if self.paused || self.chosen == DemandMode::Accumulate {
            self.accumulated.get_or_insert_default();
        } else {
            self.forward();
        }
    }

    fn forward(&mut self) {
        let (mut asked, mut rest) = (Vec::new(), Vec::new());
        for happened in self.accumulated.take().unwrap_or_default() {
            match happened {
                Accumulated::Asked(subscription, demand) => asked.push((subscription, demand)),
                other => rest.push(other),
            }
        }
        // A subscription may have ended since it asked.
        asked.retain(|(subscription, _)| self.is_standing(subscription));
        for (subscription, demand) in &asked {
            let key = SubscriptionKey(subscription.producer_slot());
            self.decide(|supply, outbox| supply.ask_quietly(key, *demand, outbox));
        }
        // Markers that these asks release come before the accumulated ones.
        self.settle(None);
        for happened in rest {
            match happened {
                Accumulated::Emitted(mut events) => {
                    self.held_back -= events.len();
                    self.offer_quietly(&mut events);
                }
                Accumulated::Marked(marker) => {
                    let passed = self.mark(marker);
                    self.fired.extend(passed);
                }
                Accumulated::Asked(..) => {}
            }
            self.settle(None);
        }
        for (_, demand) in asked {
            let announce = self.decide(|supply, _| supply.announce_most(demand));
            self.settle(announce.flatten());
        }
        let announce = self.decide(|supply, _| supply.announce());
        self.settle(announce.flatten());
    }

    /// Drops the accumulated asks of a subscription that ended. They are not kept, since subscribers may come
    /// and go for as long as the mode stays.
    pub(super) fn forget_asks(&mut self, ended: &Subscription) {
        if let Some(log) = &mut self.accumulated {
            log.retain(|happened| !matches!(happened, Accumulated::Asked(by, _) if by == ended));
        }
    }
}
