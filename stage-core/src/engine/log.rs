//! The log messages of a stage's two sides. Functions of their own, because each message is a hundred lines of
//! machine code, and the code around them is compiled for every type of event or stage.

use std::fmt::Display;

use tracing::Span;

use crate::base::error::{ExitReason, SubscribeError};
use crate::base::stats::Counters;
use crate::sync::Arc;
use crate::wire::protocol::Closed;
use crate::wire::subscription::Cancellation;

/// Returns the span of a batch, disabled unless a subscriber wants it.
pub(super) fn batch(stage: &Counters, events: usize) -> Span {
    tracing::debug_span!(parent: None, "batch", stage = stage.name(), events)
}

#[cold]
pub(super) fn refused(stage: &Counters, refused: &SubscribeError) {
    tracing::warn!(stage = stage.name(), %refused, "subscription refused");
}

#[inline(never)]
pub(super) fn subscribed(stage: &Counters, slot: usize) {
    tracing::debug!(stage = stage.name(), slot, "subscribed");
}

#[cold]
pub(super) fn subscriber_gone(stage: &Counters, slot: usize, cancellation: &Cancellation) {
    tracing::debug!(stage = stage.name(), slot, ?cancellation, "subscriber gone");
}

#[cold]
pub(super) fn producer_gone(slot: usize, closed: &Closed) {
    tracing::debug!(slot, ?closed, "producer gone");
}

#[cold]
pub(super) fn warned(stage: &Counters, warning: &dyn Display, subscriber: Option<Arc<str>>) {
    if let Some(subscriber) = subscriber {
        tracing::warn!(stage = stage.name(), "{warning} (subscriber `{subscriber}`)");
    } else {
        tracing::warn!(stage = stage.name(), "{warning}");
    }
}

#[cold]
pub(super) fn expelled(stage: &Counters, slot: usize, reason: &ExitReason) {
    tracing::warn!(stage = stage.name(), slot, %reason, "subscription ended: its selector failed");
}

#[cold]
pub(super) fn rejecting_panicked(stage: &Counters) {
    tracing::error!(stage = stage.name(), "the function for rejected events panicked");
}

#[cold]
pub(super) fn not_asked_for(stage: &Counters, discarded: usize) {
    let stage = stage.name();
    tracing::warn!(stage, discarded, "events discarded: the stage ended before they were asked for");
}

#[cold]
pub(super) fn discarded(stage: &Counters, overflowed: usize, unroutable: usize) {
    let stage = stage.name();
    if overflowed > 0 {
        tracing::warn!(
            stage,
            discarded = overflowed,
            "events discarded: no demand for them, and the buffer is full"
        );
    }
    if unroutable > 0 {
        tracing::warn!(stage, discarded = unroutable, "events discarded: no subscriber accepts them");
    }
}

#[cold]
pub(super) fn callback_failed(discarded: usize) {
    tracing::warn!(discarded, "events discarded: the callback that emitted them failed");
}
