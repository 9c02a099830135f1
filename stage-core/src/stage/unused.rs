//! How the engine sees that a hook was left as it is.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::base::error::StageResult;

/// The future of a hook that nobody wrote. It has no size, unlike that of any `async fn` with arguments:
/// by that the engine knows it, and need not wake a stage for the sake of such a hook.
#[derive(Debug)]
pub(super) struct Unused;

impl Future for Unused {
    type Output = StageResult;

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<StageResult> {
        Poll::Ready(Ok(()))
    }
}

/// Whether the hook with this future is one that somebody wrote.
pub(crate) fn is_used(hook: &impl Future) -> bool {
    size_of_val(hook) > 0
}
