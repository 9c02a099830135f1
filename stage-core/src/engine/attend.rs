//! Runs one callback: polls it in place, catches its panics, and lets the engine work while it waits.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use tracing::Span;

use crate::base::error::ExitReason;
use crate::base::stats::{StageState, Timekeeper};

/// Runs `callback`; calls `meanwhile` whenever it is pending, with the context that wakes this stage. It
/// returns the state that the stage is in until then.
///
/// A panic becomes an error (rule 6); the state that the callback borrowed must not be used afterwards. The
/// callback is type-erased, so one copy of this function serves all callbacks with the same output. Its caller
/// has pinned it, on the stack or, for a `Hook`, in a box. It runs in `span`.
pub(crate) fn attend<'a, T>(
    callback: Pin<&'a mut (dyn Future<Output = T> + Send + 'a)>,
    span: &'a Span,
    timekeeper: &'a mut Timekeeper,
    meanwhile: &'a mut (dyn FnMut(&mut Context<'_>) -> StageState + Send + 'a),
) -> impl Future<Output = Result<T, ExitReason>> + Send + 'a {
    attend_inline(callback, span, timekeeper, meanwhile)
}

/// Like [`attend`], with a copy for each callback: for those that run once per batch.
#[inline]
pub(crate) fn attend_inline<T, F: Future<Output = T> + ?Sized>(
    mut callback: Pin<&mut F>,
    span: &Span,
    timekeeper: &mut Timekeeper,
    mut meanwhile: impl FnMut(&mut Context<'_>) -> StageState,
) -> impl Future<Output = Result<T, ExitReason>> {
    let mut waits = false;
    poll_fn(move |cx| {
        if waits {
            timekeeper.work();
        }
        // Entered in place: an instrumented future would be moved and checked again for every batch.
        let entered = (!span.is_disabled()).then(|| span.enter());
        let polled = catch_unwind(AssertUnwindSafe(|| callback.as_mut().poll(cx)));
        drop(entered);
        match polled {
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Ok(Poll::Pending) => {
                let state = meanwhile(cx);
                waits = true;
                timekeeper.rest(state);
                Poll::Pending
            }
            Err(payload) => Poll::Ready(Err(ExitReason::from_panic(&*payload))),
        }
    })
}
