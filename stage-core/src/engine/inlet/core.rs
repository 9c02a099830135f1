//! The part of an inlet that does not depend on its events, so that it is compiled once: the subscriptions to come,
//! and those that ended.

use std::collections::VecDeque;

use super::LostSubscription;
use super::ends::end_of;
use super::subscribing::Begun;
use super::terms::{ResubscribeTo, Terms};
use crate::base::error::ExitReason;
use crate::base::options::CancelMode;
use crate::base::stats::Counters;
use crate::dispatch::stable_hash;
use crate::engine::log;
use crate::engine::pending_markers::PendingMarkers;
use crate::engine::sources::{HadEnded, Sources};
use crate::stage::Erased;
use crate::sync::Arc;
use crate::wire::mailbox::{Join, Owner};
use crate::wire::protocol::Closed;
use crate::wire::signal::Signal;
use crate::wire::subscription::{Cancellation, Reach, Subscription};

/// What an inlet consists of beside its links.
pub(super) struct Core {
    pub(super) signal: Arc<Signal>,
    pub(super) stage: Arc<dyn Reach>,
    pub(super) sources: Sources,
    /// Subscriptions that are still to be made.
    pub(super) joins: VecDeque<Join>,
    /// The subscription that was started and not made.
    pub(super) begun: Option<Box<Begun>>,
    /// Subscriptions that this stage itself ended.
    pub(super) left: VecDeque<LostSubscription>,
    /// Markers behind unhandled input.
    pub(super) pending_markers: PendingMarkers,
    /// Whether the waits on the links are recorded.
    pub(super) measured: bool,
    /// Whether the stage handles what it was sent and leaves.
    pub(super) leaving: bool,
    pub(super) counters: Arc<Counters>,
}

impl Core {
    pub(super) fn new(
        signal: &Arc<Signal>,
        stage: Arc<dyn Reach>,
        sources: Sources,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            signal: Arc::clone(signal),
            stage,
            sources,
            joins: VecDeque::new(),
            begun: None,
            left: VecDeque::new(),
            pending_markers: PendingMarkers::default(),
            measured: false,
            leaving: false,
            counters,
        }
    }

    /// Schedules a subscription to every source of the pipeline.
    pub(super) fn open(&mut self) {
        for join in self.sources.all() {
            self.joins.push_back(join);
        }
    }

    /// Schedules the subscription `join`.
    pub(super) fn join(&mut self, join: Join) {
        self.joins.push_back(join);
    }

    /// Schedules a subscription to a source that was restarted, if it is time.
    pub(super) fn resubscribe(&mut self, source: usize) {
        if let Some(join) = self.sources.back(source) {
            self.joins.push_back(join);
        }
    }

    /// Reacts to the end of the subscription of `slot`, which `closed` tells.
    pub(super) fn lose(
        &mut self,
        slot: usize,
        subscription: Subscription,
        terms: Terms,
        closed: Closed,
    ) -> LostSubscription {
        let Terms { owner, resubscribe, tuner, .. } = terms;
        let tuner = tuner.map(|tuner| *tuner);
        self.pending_markers.gone(slot);
        log::producer_gone(slot, &closed);
        let had_ended = match closed {
            Closed::Late(_) => HadEnded::Before,
            Closed::Left => HadEnded::ForNow,
            _ => HadEnded::Meanwhile,
        };
        let late = had_ended == HadEnded::Before;
        let (cancellation, refused) = end_of(closed, owner);
        let (mode, ends) = match owner {
            Owner::Pipeline(source) => {
                self.sources.keep_tuner(source, tuner);
                let join = self.sources.lost(source, &cancellation.reason, had_ended);
                if self.leaving {
                    // It ended this subscription itself, and its others may still hold events.
                    (None, None)
                } else {
                    if let Some(join) = join {
                        self.joins.push_back(join);
                    }
                    (None, self.sources.ends_with(&cancellation.reason, had_ended))
                }
            }
            Owner::Hand(_) if self.leaving => (Some(CancelMode::Temporary), None),
            Owner::Hand(mode) => (Some(mode), None),
        };
        let seed = stable_hash(&(&*subscription.consumer(), slot));
        // The window may have changed since the subscription was made.
        let window = subscription.window();
        let resubscribe = resubscribe.filter(|_| !self.leaving);
        let resubscribe = resubscribe.and_then(|(mut resubscribe, ResubscribeTo { producer, options })| {
            let delay = resubscribe.after(&cancellation, refused.as_ref(), seed)?;
            let join: Erased = Box::new(Join {
                producer,
                options,
                window,
                tuner,
                owner,
                resubscribe: Some(resubscribe),
                paused: false,
                instead: None,
                reply: None,
            });
            Some((delay, join))
        });
        LostSubscription { subscription, cancellation, mode, ends, refused, late, tuner, resubscribe }
    }

    /// Notes that this stage itself ends `subscription`, with the returned cancellation.
    pub(super) fn detach(&mut self, slot: usize, subscription: Subscription) -> Cancellation {
        let cancellation = Cancellation::cancelled(ExitReason::Normal);
        self.left.push_back(LostSubscription {
            subscription,
            cancellation: cancellation.clone(),
            mode: Some(CancelMode::Temporary),
            ends: None,
            refused: None,
            late: false,
            tuner: None,
            resubscribe: None,
        });
        self.pending_markers.gone(slot);
        cancellation
    }
}
