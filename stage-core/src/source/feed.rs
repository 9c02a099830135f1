//! How a source serves a demand from something that has its events now and then.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};

use crate::base::error::{BoxError, StageResult};
use crate::credit::demand::Demand;
use crate::stage::Emitter;

/// Something that has events now and then.
pub(super) trait Feed {
    /// What it has.
    type Item;

    /// Appends at least one and at most `room` (at least 1) events that are there, in order; waits while
    /// there are none.
    fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        room: usize,
        into: &mut Vec<Self::Item>,
    ) -> Poll<Result<Fed, BoxError>>;
}

/// What a feed did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fed {
    /// It appended events.
    Events,
    /// It may have appended events, and will never have more.
    End,
}

/// Emits `demand` events of `feed`, handing over what is there whenever more has to be waited for.
/// Returns early when the feed ends, which finishes the stage, or when the stage drains.
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
            // What is there goes first: a drain between two events is seen between two demands.
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
