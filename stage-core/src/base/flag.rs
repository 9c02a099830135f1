//! A flag that is set once, and that tasks wait for.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::SetOnce;

/// A flag that stays set. Clones are the same flag.
///
/// `tokio_util::sync::CancellationToken` is the same and more, but every program with this crate would spend 3 s of
/// processor time to build tokio-util and its dependencies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flag(Arc<SetOnce<()>>);

impl Flag {
    pub(crate) fn set(&self) {
        // It may be set already.
        let _ = self.0.set(());
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.initialized()
    }

    /// Waits until the flag is set. Cancel safe.
    pub(crate) fn wait(&self) -> impl Future<Output = ()> + Send + 'static {
        let Self(once) = self.clone();
        async move { *once.wait().await }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use super::*;

    #[tokio::test]
    async fn every_wait_ends_when_the_flag_is_set() {
        let flag = Flag::default();
        let mut begun = pin!(flag.wait());
        let mut not_polled = pin!(flag.clone().wait());
        poll_fn(|cx| {
            assert!(begun.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        assert!(!flag.is_set());
        flag.set();
        flag.set();
        begun.as_mut().await;
        not_polled.as_mut().await;
        flag.wait().await;
        assert!(flag.is_set());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_wait_misses_a_flag_that_is_set_meanwhile() {
        for _ in 0..1_000 {
            let flag = Flag::default();
            let waits = tokio::spawn(flag.wait());
            flag.set();
            waits.await.expect("the wait does not panic");
        }
    }
}
