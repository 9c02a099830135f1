//! Handles the rest of a batch when the receivers are gone or the stage is stopped.

use std::vec::Drain;

use crate::base::stats::Discard;
use crate::stage::Context;

/// Finishes the stage because the receivers of its channel are gone; discards the refused event and `rest`,
/// the events after it.
pub(super) fn finish_refused<E>(rest: &Drain<'_, E>, cx: &mut Context<'_>) {
    discard(rest.len() + 1, "the receiver of the channel is gone", cx);
    cx.finish();
}

/// Discards the `left` remaining events of a batch because the stage is stopped.
#[inline]
pub(super) fn leave_stopped(left: usize, cx: &Context<'_>) {
    if left > 0 {
        discard(left, "the stage was stopped while its sink was busy", cx);
    }
}

#[inline]
fn discard(discarded: usize, why: &'static str, cx: &Context<'_>) {
    cx.state.counters.discarded(Discard::Ended, discarded);
    tracing::debug!(discarded, "events discarded: {why}");
}
