//! Serves demand from a feed whose events arrive over time.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};

use crate::base::error::{BoxError, StageResult};
use crate::credit::demand::Demand;
use crate::stage::Emitter;

/// An input whose events arrive over time.
pub(super) trait Feed {
    /// The type of its events.
    type Item;

    /// Appends the available events in order, at least one and at most `room` (itself at least 1); pending
    /// while there are none.
    fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        room: usize,
        into: &mut Vec<Self::Item>,
    ) -> Poll<Result<Fed, BoxError>>;
}

/// Outcome of polling a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fed {
    /// The feed appended events.
    Events,
    /// The feed has ended; it may have appended its last events.
    End,
}

/// Emits `demand` events of `feed`, flushing the available ones before each wait. Returns early when the feed
/// ends, which finishes the stage, or when the stage drains.
pub(super) async fn serve<F: Feed>(
    feed: &mut F,
    demand: Demand,
    out: &mut Emitter<'_, F::Item>,
) -> StageResult {
    let mut draining = pin!(out.draining());
    let mut missing = demand.get();
    loop {
        let before = out.buffer.len();
        let next = poll_fn(|cx| {
            // Available events take precedence over the drain signal, which is noticed at the next wait or
            // demand.
            if let Poll::Ready(fed) = feed.poll_take(cx, missing, out.buffer) {
                return Poll::Ready(Some(fed));
            }
            draining.as_mut().poll(cx).map(|()| None)
        });
        match next.await.transpose()? {
            Some(Fed::Events) => {}
            Some(Fed::End) => {
                out.finish();
                return Ok(());
            }
            None => return Ok(()),
        }
        let taken = out.buffer.len() - before;
        debug_assert!((1..=missing).contains(&taken), "a feed keeps to its room");
        missing = missing.saturating_sub(taken);
        if missing == 0 {
            return Ok(());
        }
        out.flush();
    }
}
