//! Holds demand back in accumulate mode, and replays it in forward mode.

use std::collections::VecDeque;

use super::Outlet;
use super::core::Core;
use crate::base::options::DemandMode;
use crate::credit::demand::Demand;
use crate::dispatch::{Marker, SubscriptionKey};
use crate::wire::subscription::Subscription;

/// An entry in the log of the accumulate mode, which keeps asks, emissions and markers in order.
#[derive(Debug)]
pub(super) enum Accumulated {
    Asked(Subscription, Demand),
    /// The next of the emissions that are held back.
    Emitted,
    Marked(Marker),
}

/// The log of the accumulate mode, to be replayed.
struct Replay {
    /// The asks of the subscriptions that stand.
    asked: Vec<(SubscriptionKey, Demand)>,
    rest: VecDeque<Accumulated>,
}

impl Core {
    /// Returns whether asks, emissions and markers go to the log.
    #[inline]
    pub(super) fn accumulates(&self) -> bool {
        self.accumulated.is_some()
    }

    /// Adds an ask to the log.
    pub(super) fn accumulate_ask(&mut self, key: SubscriptionKey, demand: Demand) {
        let subscription = self.subscription(key.0).cloned();
        if let (Some(log), Some(subscription)) = (&mut self.accumulated, subscription) {
            log.push_back(Accumulated::Asked(subscription, demand));
        }
    }

    /// Adds an emission to the log.
    pub(super) fn accumulate_events(&mut self, events: usize) {
        if let Some(log) = &mut self.accumulated {
            log.push_back(Accumulated::Emitted);
            self.held_back += events;
        }
    }

    /// Adds a marker to the log.
    pub(super) fn accumulate_marker(&mut self, marker: Marker) {
        if let Some(log) = &mut self.accumulated {
            log.push_back(Accumulated::Marked(marker));
        }
    }

    /// Begins to accumulate, or returns what to replay.
    fn switch(&mut self) -> Option<Replay> {
        if self.paused || self.chosen == DemandMode::Accumulate {
            self.accumulated.get_or_insert_default();
            return None;
        }
        let (mut asked, mut rest) = (Vec::new(), VecDeque::new());
        for happened in self.accumulated.take().unwrap_or_default() {
            match happened {
                // A subscription may have ended since it asked.
                Accumulated::Asked(subscription, demand) if self.is_standing(&subscription) => {
                    asked.push((SubscriptionKey(subscription.producer_slot()), demand));
                }
                Accumulated::Asked(..) => {}
                other => rest.push_back(other),
            }
        }
        Some(Replay { asked, rest })
    }

    /// Drops the accumulated asks of a subscription that ended. They are not kept, since subscribers may come
    /// and go for as long as the mode stays.
    pub(super) fn forget_asks(&mut self, ended: &Subscription) {
        if let Some(log) = &mut self.accumulated {
            log.retain(|happened| !matches!(happened, Accumulated::Asked(by, _) if by == ended));
        }
    }

    pub(super) fn mode(&self) -> DemandMode {
        if self.accumulated.is_some() { DemandMode::Accumulate } else { DemandMode::Forward }
    }
}

impl<E> Outlet<E> {
    /// Switches between holding demand back and forwarding it. On the switch to forward, accumulated asks are
    /// applied first, so that emitted events find their subscribers, in the batches in which they were
    /// emitted; then the unmet demand is announced, ask by ask.
    pub(crate) fn set_mode(&mut self, mode: DemandMode) {
        self.core.chosen = mode;
        self.switch();
    }

    /// Holds demand back while an operator pauses the stage, whatever its mode.
    pub(crate) fn set_paused(&mut self, paused: bool) {
        self.core.paused = paused;
        self.switch();
    }

    fn switch(&mut self) {
        let Some(Replay { asked, mut rest }) = self.core.switch() else { return };
        self.core.ask_all(&mut self.decider, &asked);
        // Markers that these asks release come before the accumulated ones.
        self.settle(None);
        let mut held = std::mem::take(&mut self.held).into_iter();
        while let Some(happened) = rest.pop_front() {
            match happened {
                Accumulated::Emitted => {
                    if let Some(mut events) = held.next() {
                        self.core.held_back -= events.len();
                        self.offer_quietly(&mut events);
                    }
                }
                Accumulated::Marked(marker) => {
                    if let Some(passed) = self.mark(marker) {
                        self.core.fired.push_back(passed);
                    }
                }
                Accumulated::Asked(..) => {}
            }
            self.settle(None);
        }
        for (_, demand) in asked {
            let announce = self.core.announce(&mut self.decider, Some(demand));
            self.settle(announce);
        }
        let announce = self.core.announce(&mut self.decider, None);
        self.settle(announce);
    }
}
