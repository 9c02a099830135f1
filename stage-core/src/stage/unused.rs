//! Detects hooks that a stage does not override.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::base::error::StageResult;

/// The future of a hook that is not overridden. It has no size, unlike that of any `async fn` with arguments.
/// By the size, the engine recognises it, and need not wake a stage for the hook.
#[derive(Debug)]
pub(super) struct Unused;

impl Future for Unused {
    type Output = StageResult;

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<StageResult> {
        Poll::Ready(Ok(()))
    }
}

/// Returns whether the hook with this future is overridden.
pub(crate) fn is_used(hook: &impl Future) -> bool {
    size_of_val(hook) > 0
}
