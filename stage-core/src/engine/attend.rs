//! How one callback is run: polled in place, its panics caught, the engine heard while it waits.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll};

use crate::error::ExitReason;
use crate::stats::{StageState, Timekeeper};

/// Runs `callback`; `meanwhile` is called whenever it waits, with the context that wakes this stage.
///
/// A panic becomes an error (rule 6); what the callback lent must then not be used again.
pub(crate) async fn attend<T>(
    callback: impl Future<Output = T>,
    timekeeper: &mut Timekeeper,
    mut meanwhile: impl FnMut(&mut Context<'_>),
) -> Result<T, ExitReason> {
    let mut callback = pin!(callback);
    let mut waits = false;
    poll_fn(|cx| {
        if waits {
            timekeeper.enter(StageState::Working);
        }
        match catch_unwind(AssertUnwindSafe(|| callback.as_mut().poll(cx))) {
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Ok(Poll::Pending) => {
                meanwhile(cx);
                waits = true;
                timekeeper.enter(StageState::Waiting);
                Poll::Pending
            }
            Err(payload) => Poll::Ready(Err(ExitReason::from_panic(&*payload))),
        }
    })
    .await
}
