//! Detects whether the current thread runs tasks, which a blocking call would keep from running.

use std::task::{Context, Poll, Waker};

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::coop::poll_proceed;

/// More than the budget of 128 that tokio gives a task for one poll.
const MORE_THAN_ANY_BUDGET: usize = 256;

/// A blocking call was refused because its thread runs tasks or stages.
#[derive(Clone, Copy, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[error(
    "a blocking call was made on a thread that runs tasks or stages, which could not continue meanwhile: await \
     the async form of the call, or make the call in `tokio::task::spawn_blocking`"
)]
#[non_exhaustive]
pub struct BlockingRefused;

/// Checks that the current thread may be blocked: it polls neither a task nor a stage, on tokio or on rayon.
///
/// Threads of `spawn_blocking` and sections of `block_in_place` may be blocked.
///
/// ```
/// use stage_core::into_stream::check_may_block;
///
/// assert!(check_may_block().is_ok());
/// let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// let refused = runtime.block_on(async { check_may_block() }).unwrap_err();
/// assert!(refused.to_string().contains("spawn_blocking"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// [`BlockingRefused`] if the thread must not be blocked; its message names the remedy.
///
/// # Panics
///
/// Panics in a task that runs without a budget (`tokio::task::unconstrained`), with the message of tokio's
/// own check.
#[inline]
pub fn check_may_block() -> Result<(), BlockingRefused> {
    if Handle::try_current().is_err() {
        return Ok(());
    }
    if polls_a_task() || polls_a_stage_on_rayon() {
        return Err(BlockingRefused);
    }
    // Only tokio recognises a task without a budget. Its check returns at once on a closed channel.
    let (sender, receiver) = oneshot::channel::<()>();
    drop(sender);
    let _ = receiver.blocking_recv();
    Ok(())
}

/// Returns whether the thread is polling a task: tokio limits the budget only there. The budget spent on the
/// check is restored.
#[inline]
fn polls_a_task() -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    let mut spent = Vec::new();
    let limited = loop {
        match poll_proceed(&mut cx) {
            Poll::Pending => break true,
            Poll::Ready(_) if spent.len() == MORE_THAN_ANY_BUDGET => break false,
            Poll::Ready(restore) => spent.push(restore),
        }
    };
    // Each guard restores the budget to its earlier value, so the first guard must be dropped last.
    while spent.pop().is_some() {}
    limited
}

/// Returns whether the thread is a rayon worker in the context of a runtime, which is where stages are
/// polled.
#[cfg(feature = "rayon")]
fn polls_a_stage_on_rayon() -> bool {
    rayon::current_thread_index().is_some()
}

#[cfg(not(feature = "rayon"))]
fn polls_a_stage_on_rayon() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;
    use tokio::task::{block_in_place, coop::has_budget_remaining, spawn_blocking};

    use super::*;

    #[test]
    fn threads_that_run_tasks_are_distinguished_from_blocking_threads() {
        let current = Builder::new_current_thread().build().unwrap();
        let many = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        for runtime in [&current, &many] {
            runtime.block_on(async {
                assert_eq!(check_may_block(), Err(BlockingRefused));
                assert_eq!(tokio::spawn(async { check_may_block() }).await.unwrap(), Err(BlockingRefused));
                assert_eq!(spawn_blocking(check_may_block).await.unwrap(), Ok(()));
            });
            let _entered = runtime.enter();
            assert_eq!(check_may_block(), Ok(()));
        }
        many.block_on(async { assert_eq!(block_in_place(check_may_block), Ok(())) });
    }

    #[test]
    fn the_check_costs_a_task_nothing_of_its_budget() {
        let current = Builder::new_current_thread().build().unwrap();
        current.block_on(async {
            for _ in 0..1000 {
                assert_eq!(check_may_block(), Err(BlockingRefused));
            }
            assert!(has_budget_remaining());
        });
    }

    #[test]
    fn a_task_without_a_budget_is_refused_by_tokio() {
        let current = Builder::new_current_thread().build().unwrap();
        let blocked = std::panic::catch_unwind(|| {
            current.block_on(tokio::task::unconstrained(async { check_may_block() }))
        });
        assert!(blocked.is_err());
    }

    #[cfg(feature = "rayon")]
    #[test]
    fn a_rayon_worker_is_refused_only_within_a_runtime() {
        let current = Builder::new_current_thread().build().unwrap();
        let handle = current.handle().clone();
        let (sender, receiver) = std::sync::mpsc::channel();
        rayon::spawn(move || {
            let outside = check_may_block();
            let _entered = handle.enter();
            sender.send((outside, check_may_block())).unwrap();
        });
        assert_eq!(receiver.recv().unwrap(), (Ok(()), Err(BlockingRefused)));
    }
}
