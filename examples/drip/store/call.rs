//! Runs calls of a store: those of a folder at once, on a rayon thread; those of a bucket in a task.
//!
//! Within a runtime, a local store hands each call to another thread. Outside of one, it works where it is
//! polled. So the call of a stage on rayon's pool runs on the stage's own thread, whose cache still holds the
//! data to write, or on an idle one.

use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A call in progress, whether or not it is polled. Resolves to an error if it was aborted or panicked.
///
/// Dropping it aborts the task; a rayon thread does not start the call any more, but finishes one that it has
/// started.
#[derive(Debug)]
pub(super) enum Call<T> {
    /// Runs on a rayon thread.
    Thread(oneshot::Receiver<T>),
    /// Runs in a task of the runtime.
    Task(JoinHandle<T>),
}

impl<T: Send + 'static> Call<T> {
    /// Runs `work` on a rayon thread. If `work` must wait, it continues in a task: a thread of the pool that
    /// waits for another one (in `rayon::join`, within a stage) may pick this call up on top of its current
    /// work, inside the runtime.
    pub(super) fn at_once(work: impl Future<Output = T> + Send + 'static) -> Self {
        let (done, result) = oneshot::channel();
        let runtime = Handle::current();
        rayon::spawn(move || {
            // A stage that was aborted no longer waits for the call.
            if done.is_closed() {
                return;
            }
            // A call that panicked sends nothing.
            let send = |output| drop(done.send(output));
            let mut work = Box::pin(AssertUnwindSafe(work).catch_unwind());
            match work.as_mut().now_or_never() {
                Some(output) => output.map_or((), send),
                None => drop(runtime.spawn(async move { work.await.map_or((), send) })),
            }
        });
        Self::Thread(result)
    }

    /// Runs `work` in a task.
    pub(super) fn on_runtime(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self::Task(tokio::spawn(work))
    }
}

impl<T> Call<T> {
    /// Aborts the task at its next await point; has no effect on a rayon thread. The call has ended once it
    /// resolves.
    pub(super) fn abort(&self) {
        if let Self::Task(task) = self {
            task.abort();
        }
    }
}

impl<T> Future for Call<T> {
    type Output = io::Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        Poll::Ready(match &mut *self {
            Self::Thread(result) => {
                ready!(result.poll_unpin(cx)).map_err(|_| io::Error::other("the call ended without a result"))
            }
            Self::Task(task) => ready!(task.poll_unpin(cx)).map_err(io::Error::other),
        })
    }
}

impl<T> Drop for Call<T> {
    fn drop(&mut self) {
        self.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn immediate_calls_run_off_the_runtime() {
        let inside = Call::at_once(async { Handle::try_current().is_ok() }).await.unwrap();
        assert!(!inside);
    }

    #[tokio::test]
    async fn a_panicking_call_is_an_error() {
        let error = Call::at_once(async { panic!("broken") }).await.unwrap_err();
        assert!(error.to_string().contains("without a result"), "{error}");
        Call::on_runtime(async { panic!("broken") }).await.unwrap_err();
    }

    #[tokio::test]
    async fn pending_calls_are_awaited() {
        let (come, coming) = oneshot::channel();
        let call = Call::at_once(coming);
        come.send(5).unwrap();
        assert_eq!(call.await.unwrap(), Ok(5));
    }

    /// This is the situation of a stage on rayon's pool that waits there for work it gave to another thread.
    #[tokio::test]
    async fn a_thread_that_is_within_the_runtime_already_has_its_calls_made() {
        // Mimics a local store.
        let write = async {
            match Handle::try_current() {
                Ok(runtime) => runtime.spawn_blocking(|| "handed on").await.unwrap(),
                Err(_) => "at once",
            }
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let runtime = Handle::current();
        let call = pool.install(|| {
            let _context = runtime.enter();
            let call = Call::at_once(write);
            assert_eq!(rayon::yield_now(), Some(rayon::Yield::Executed));
            call
        });
        assert_eq!(call.await.unwrap(), "handed on");
    }

    #[tokio::test]
    async fn a_call_continues_without_being_polled() {
        let (done, result) = oneshot::channel();
        let _call = Call::on_runtime(ready(()).map(|()| done.send(5)));
        assert_eq!(result.await, Ok(5));
    }

    #[tokio::test]
    async fn nothing_is_left_of_a_call_that_was_aborted_and_resolved() {
        let held = Arc::new(());
        let work = {
            let held = Arc::clone(&held);
            async move {
                pending::<()>().await;
                drop(held);
            }
        };
        let call = Call::on_runtime(work);
        tokio::task::yield_now().await;
        call.abort();
        call.await.unwrap_err();
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
