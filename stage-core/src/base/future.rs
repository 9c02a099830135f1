//! The few combinators of futures that the engine needs.
//!
//! futures-util has them all, but takes 2.5 s of processor time to build, which every program with this crate would
//! spend.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

pub(crate) use futures_core::future::BoxFuture;

use crate::sync::{Arc, AtomicBool, AtomicWaker, Ordering};

/// The methods of futures that the engine needs.
pub(crate) trait FutureExt: Future {
    /// Moves the future to the heap and erases its type.
    fn boxed<'a>(self) -> BoxFuture<'a, Self::Output>
    where
        Self: Sized + Send + 'a,
    {
        Box::pin(self)
    }

    /// Polls the future once; returns its output if it is complete.
    fn now_or_never(self) -> Option<Self::Output>
    where
        Self: Sized,
    {
        match pin!(self).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }
}

impl<F: Future> FutureExt for F {}

/// Returns the output of `future`, or the payload of the panic that ended it.
///
/// The future is pinned by the caller: a second copy in this one would double the size.
pub(crate) fn catch_panic<F: Future + ?Sized>(
    mut future: Pin<&mut F>,
) -> impl Future<Output = Result<F::Output, Box<dyn Any + Send>>> {
    poll_fn(move |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(payload) => Poll::Ready(Err(payload)),
    })
}

/// Waits for all of `futures`; returns their outputs in order.
pub(crate) async fn join_all<T>(mut futures: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    let mut outputs = Vec::new();
    outputs.resize_with(futures.len(), || None);
    poll_fn(|cx| {
        let mut all = Poll::Ready(());
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none() {
                match future.as_mut().poll(cx) {
                    Poll::Ready(ready) => *output = Some(ready),
                    Poll::Pending => all = Poll::Pending,
                }
            }
        }
        all
    })
    .await;
    outputs.into_iter().flatten().collect()
}

/// Ends futures from outside when they next wait. Clones end the same futures.
#[derive(Clone, Debug)]
pub(crate) struct Cutter(Arc<Cut>);

#[derive(Debug)]
struct Cut {
    is_cut: AtomicBool,
    waker: AtomicWaker,
}

impl Cutter {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Cut { is_cut: AtomicBool::new(false), waker: AtomicWaker::new() }))
    }

    pub(crate) fn cut(&self) {
        self.0.is_cut.store(true, Ordering::Release);
        self.0.waker.wake();
    }

    /// Returns the output of `future`, or `None` if it was cut before. One future at a time can be cut.
    pub(crate) fn run<F: Future + ?Sized>(
        &self,
        mut future: Pin<&mut F>,
    ) -> impl Future<Output = Option<F::Output>> {
        let Self(cut) = self.clone();
        poll_fn(move |cx| {
            if cut.is_cut.load(Ordering::Acquire) {
                return Poll::Ready(None);
            }
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            cut.waker.register(cx.waker());
            // It may have been cut while the future was polled.
            if cut.is_cut.load(Ordering::Acquire) { Poll::Ready(None) } else { Poll::Pending }
        })
    }
}

#[cfg(all(test, not(stage_loom)))]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn a_panic_is_returned_as_its_payload() {
        let panics = pin!(async { panic!("oops") });
        let payload = catch_panic::<dyn Future<Output = ()>>(panics).await.unwrap_err();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"oops"));
        assert_eq!(catch_panic(pin!(ready(3))).await.unwrap(), 3);
        let later = pin!(async {
            tokio::task::yield_now().await;
            panic!("later")
        });
        let payload = catch_panic::<dyn Future<Output = ()>>(later).await.unwrap_err();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"later"));
    }

    #[tokio::test]
    async fn outputs_have_the_order_of_the_futures() {
        let (tx, rx) = tokio::sync::oneshot::channel();
        let first = async { rx.await.unwrap() };
        let second = async move {
            tx.send(1).unwrap();
            2
        };
        assert_eq!(join_all(vec![first.boxed(), second.boxed()]).await, [1, 2]);
        assert_eq!(join_all::<()>(Vec::new()).await, []);
    }

    #[test]
    fn a_future_that_waits_never_completes_now() {
        assert_eq!(ready(3).now_or_never(), Some(3));
        assert_eq!(pending::<()>().now_or_never(), None);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_future_is_cut_whenever_that_is_requested() {
        for _ in 0..1_000 {
            let cutter = Cutter::new();
            let cut = cutter.clone();
            let runs = tokio::spawn(async move { cut.run(pin!(pending::<()>())).await });
            cutter.cut();
            assert_eq!(runs.await.unwrap(), None);
        }
    }

    #[test]
    fn a_future_that_is_cut_while_it_is_polled_ends_with_that_poll() {
        let cutter = Cutter::new();
        let cuts = pin!(poll_fn(|_| {
            cutter.cut();
            Poll::<()>::Pending
        }));
        assert_eq!(cutter.run(cuts).now_or_never(), Some(None));
    }

    #[tokio::test]
    async fn a_future_that_nobody_cuts_completes() {
        assert_eq!(Cutter::new().run(pin!(ready(3))).await, Some(3));
    }
}
