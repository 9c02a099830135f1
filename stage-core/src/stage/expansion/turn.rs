//! Lets functions that wait, or run for long, yield to other stages.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use super::types::Many;
use crate::base::future::FutureExt;
use crate::stage::Emitter;

/// The limit above which producing events is slow; the events made so far are then handed over.
const SLOW: Duration = Duration::from_micros(500);

/// One turn of a producer whose function is called repeatedly until a demand is met.
#[derive(Debug)]
pub struct Turn {
    began: Instant,
    calls: u32,
    /// The number of calls after which the clock is read: first 1, then doubled each time, because a reading
    /// costs as much as many calls.
    look: u32,
}

impl Turn {
    /// Starts a turn now.
    #[expect(clippy::new_without_default, reason = "it reads the clock")]
    #[inline]
    pub fn new() -> Self {
        Self { began: Instant::now(), calls: 0, look: 1 }
    }

    /// Records one call. After a long turn, hands over the events and yields to other stages. Returns whether
    /// to continue, which is false while the stage drains.
    pub async fn goes_on<E>(&mut self, out: &mut Emitter<'_, E>) -> bool {
        self.calls += 1;
        if self.calls < self.look {
            return true;
        }
        self.look = self.look.saturating_mul(2);
        if self.began.elapsed() < SLOW {
            return true;
        }
        out.flush();
        out.state.give_way().await;
        *self = Self::new();
        out.draining().now_or_never().is_none()
    }
}

/// Emits all events and returns their number.
pub fn emit_all<M: Many>(out: &mut Emitter<'_, M::Event>, events: M) -> usize {
    let mut emitted = 0;
    out.extend(events.into_events().into_iter().inspect(|_| emitted += 1));
    emitted
}

/// Waits for `future`; flushes the events emitted before if it has to wait.
pub async fn wait<E, F: Future>(out: &mut Emitter<'_, E>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let polled = future.as_mut().poll(cx);
        if polled.is_pending() {
            out.flush();
        }
        polled
    })
    .await
}

/// Like [`wait`], but only until the stage drains: then `future` is dropped, and `None` returned.
pub async fn wait_unless_draining<E, F: Future>(out: &mut Emitter<'_, E>, future: F) -> Option<F::Output> {
    let mut draining = pin!(out.draining());
    let mut future = pin!(future);
    poll_fn(|cx| {
        // Poll the event first, so that one which is ready is not lost.
        if let Poll::Ready(made) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(made));
        }
        out.flush();
        draining.as_mut().poll(cx).map(|()| None)
    })
    .await
}
