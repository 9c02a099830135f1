//! What a sink does when nobody takes its events any more.

use std::vec::Drain;

use crate::stage::Context;

/// Finishes the stage, since the receivers of its channel are gone; `rest` follows an event that was
/// refused, and is discarded with it.
pub(super) fn finish_refused<E>(rest: &Drain<'_, E>, cx: &mut Context<'_>) {
    let discarded = rest.len() + 1;
    cx.core.counters.discarded(discarded);
    tracing::debug!(discarded, "events discarded: nobody receives from the channel any more");
    cx.finish();
}
