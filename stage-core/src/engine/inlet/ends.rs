//! The ends of a stage's subscriptions to its producers: lost, detached, or closed with the stage.

use super::{Incoming, Inlet, LostSubscription, ResubscribeTo};
use crate::base::error::{ExitReason, SubscribeError};
use crate::base::options::CancelMode;
use crate::base::stats::{Counters, Discard};
use crate::dispatch::stable_hash;
use crate::engine::log;
use crate::engine::sources::HadEnded;
use crate::stage::Erased;
use crate::sync::Arc;
use crate::wire::mailbox::{Join, Owner};
use crate::wire::protocol::Closed;
use crate::wire::subscription::Cancellation;

impl<E: Send + 'static> Inlet<E> {
    #[cold]
    pub(super) fn lose(&mut self, slot: usize, closed: Closed) -> Option<LostSubscription> {
        let Incoming { link, owner, resubscribe, tuner, .. } = self.links[slot].take()?;
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
        let subscription = link.subscription().clone();
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
        Some(LostSubscription { subscription, cancellation, mode, ends, refused, late, tuner, resubscribe })
    }
}

impl<E> Inlet<E> {
    pub(super) fn detach(&mut self, slot: usize) {
        let Some(incoming) = self.links[slot].take() else { return };
        let cancellation = Cancellation::cancelled(ExitReason::Normal);
        self.left.push_back(LostSubscription {
            subscription: incoming.link.subscription().clone(),
            cancellation: cancellation.clone(),
            mode: Some(CancelMode::Temporary),
            ends: None,
            refused: None,
            late: false,
            tuner: None,
            resubscribe: None,
        });
        let lost = incoming.link.cancel(cancellation);
        self.pending_markers.gone(slot);
        discard_unhandled(&self.counters, lost, &ExitReason::Normal);
    }

    /// Asks every producer to end the subscription behind what it sent, and makes no further ones: the stage
    /// handles what it was sent, then leaves. Nothing returns to the producers, so the events of a key stay in order.
    pub(crate) fn leave(&mut self) {
        self.leaving = true;
        self.joins.clear();
        for incoming in self.links.iter().flatten() {
            incoming.link.subscription().cancel(ExitReason::Shutdown);
        }
    }

    /// Ends every subscription; the stage continues without them.
    pub(crate) fn detach_all(&mut self) {
        for slot in 0..self.links.len() {
            self.detach(slot);
        }
    }

    /// Ends every subscription for `reason`. Events that were not received return to their producers; those
    /// that a failed callback held are discarded.
    pub(crate) fn close(&mut self, reason: &ExitReason) {
        let mut lost = std::mem::take(&mut self.held);
        for link in &mut self.links {
            if let Some(incoming) = link.take() {
                lost += incoming.link.cancel(Cancellation::down(reason.clone()));
            }
        }
        self.links.clear();
        self.ready.clear();
        self.joins.clear();
        self.begun = None;
        discard_unhandled(&self.counters, lost, reason);
    }
}

/// Returns how the subscription of `owner` ended, and why its producer refused it.
#[inline(never)]
fn end_of(closed: Closed, owner: Owner) -> (Cancellation, Option<SubscribeError>) {
    let cancellation = match closed {
        Closed::End => Cancellation::down(ExitReason::Normal),
        Closed::Down(reason) | Closed::Nowhere(reason) => Cancellation::down(reason),
        Closed::Left => Cancellation::down(ExitReason::Shutdown),
        Closed::Cancelled(reason) => Cancellation::cancelled(reason),
        Closed::Refused(error) => {
            return (Cancellation::cancelled(ExitReason::Error(Arc::new(error.clone()))), Some(error));
        }
        Closed::Late(reason) => Cancellation::down(match owner {
            Owner::Pipeline(_) => reason,
            Owner::Hand(_) => ExitReason::NotFound,
        }),
    };
    (cancellation, None)
}

/// Counts and reports events that a stage received and did not handle before it ended for `reason`.
pub(in crate::engine) fn discard_unhandled(counters: &Counters, lost: usize, reason: &ExitReason) {
    if lost == 0 {
        return;
    }
    let why = match reason {
        ExitReason::Normal | ExitReason::Shutdown => Discard::Ended,
        _ => Discard::Failed,
    };
    counters.discarded(why, lost);
    if reason.is_normal() {
        tracing::debug!(discarded = lost, %reason, "events discarded: the stage has finished");
    } else {
        tracing::warn!(discarded = lost, %reason, "events discarded: the stage ended before it handled them");
    }
}
