//! How does a function that waits, or takes long, leave the others their turn?

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::yield_now;
use tokio::time::Instant;

use super::types::Many;
use crate::stage::Emitter;

/// Making events for longer than this is slow: what is there is handed on.
const SLOW: Duration = Duration::from_micros(500);

/// One turn of a producer whose function is called again and again until a demand is filled.
#[derive(Debug)]
pub struct Turn {
    began: Instant,
    calls: u32,
    /// The call after which the clock is looked at: the first, and then each time twice as many, since a look
    /// costs as much as many calls.
    look: u32,
}

impl Turn {
    /// The turn that begins now.
    #[expect(clippy::new_without_default, reason = "it reads the clock")]
    pub fn new() -> Self {
        Self { began: Instant::now(), calls: 0, look: 1 }
    }

    /// Takes note of one call. After a turn that was long, hands on what was made and gives way to others;
    /// whether the stage is to go on, which it is not while it drains.
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
        yield_now().await;
        *self = Self::new();
        out.draining().now_or_never().is_none()
    }
}

/// Emits every event; how many there were.
pub fn emit_all<M: Many>(out: &mut Emitter<'_, M::Event>, events: M) -> usize {
    let mut emitted = 0;
    out.extend(events.into_events().into_iter().inspect(|_| emitted += 1));
    emitted
}

/// Waits for `future`; what was emitted before goes on its way if it has to.
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

/// Waits as [`wait`] does, and no longer than until the stage drains: then `future` is dropped.
pub async fn wait_unless_draining<E, F: Future>(out: &mut Emitter<'_, E>, future: F) -> Option<F::Output> {
    let mut draining = pin!(out.draining());
    let mut future = pin!(future);
    poll_fn(|cx| {
        // First the event: what is there already is not lost.
        if let Poll::Ready(made) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(made));
        }
        out.flush();
        draining.as_mut().poll(cx).map(|()| None)
    })
    .await
}
