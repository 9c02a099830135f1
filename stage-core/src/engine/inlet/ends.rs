//! The ends of a stage's subscriptions to its producers: lost, detached, or closed with the stage.

use super::{Incoming, Inlet, LostSubscription};
use crate::base::error::{ExitReason, SubscribeError};
use crate::base::stats::{Counters, Discard};
use crate::sync::Arc;
use crate::wire::mailbox::Owner;
use crate::wire::protocol::Closed;
use crate::wire::subscription::Cancellation;

impl<E: Send + 'static> Inlet<E> {
    #[cold]
    pub(super) fn lose(&mut self, slot: usize, closed: Closed) -> Option<LostSubscription> {
        let Incoming { link, terms } = self.links[slot].take()?;
        Some(self.core.lose(slot, link.subscription().clone(), terms, closed))
    }
}

impl<E> Inlet<E> {
    pub(super) fn detach(&mut self, slot: usize) {
        let Some(incoming) = self.links[slot].take() else { return };
        let cancellation = self.core.detach(slot, incoming.link.subscription().clone());
        let lost = incoming.link.cancel(cancellation);
        discard_unhandled(&self.core.counters, lost, &ExitReason::Normal);
    }

    /// Asks every producer to end the subscription behind what it sent, and makes no further ones: the stage
    /// handles what it was sent, then leaves. Nothing returns to the producers, so the events of a key stay in order.
    pub(crate) fn leave(&mut self) {
        self.core.leaving = true;
        self.core.joins.clear();
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
        self.core.joins.clear();
        self.core.begun = None;
        discard_unhandled(&self.core.counters, lost, reason);
    }
}

/// Returns how the subscription of `owner` ended, and why its producer refused it.
pub(super) fn end_of(closed: Closed, owner: Owner) -> (Cancellation, Option<SubscribeError>) {
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
