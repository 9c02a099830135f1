//! A flow for synchronous code: its events as an iterator that blocks its thread.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use futures_util::StreamExt;

use crate::chain::{Chain, TimeOf};
use crate::error::FlowError;
use crate::flow::Flow;
use crate::output::FlowStream;
use crate::time::Time;

/// The events of one run of a flow, for code outside of a runtime. Dropping it ends the run.
#[derive(Debug)]
pub struct FlowIter<M: Time, T: Send + 'static> {
    /// Or why there is none, to be told once.
    stream: Result<FlowStream<M, T>, Option<FlowError>>,
}

impl<C: Chain> Flow<C> {
    /// Starts the flow on its own threads and iterates over what comes of it.
    ///
    /// The thread is blocked while nothing is there: not to be used on a thread that runs tasks.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// let sum: Result<u64, _> = Flow::from_items(1..=10_u64).map(|number| number * 2).iter().sum();
    /// assert_eq!(sum?, 110);
    /// # Ok::<(), flow::FlowError>(())
    /// ```
    ///
    /// An error, also one that keeps it from starting, is the last item.
    pub fn iter(&self) -> FlowIter<TimeOf<C>, C::Out> {
        FlowIter { stream: block_on(self.stream()).map_err(Some) }
    }

    /// As [`collect`](Self::collect), for code outside of a runtime: blocks the thread.
    ///
    /// # Errors
    ///
    /// As [`collect`](Self::collect).
    pub fn collect_blocking<B: Default + Extend<C::Out>>(&self) -> Result<B, FlowError> {
        block_on(self.collect())
    }
}

impl<C: Chain> IntoIterator for &Flow<C> {
    type Item = Result<C::Out, FlowError>;
    type IntoIter = FlowIter<TimeOf<C>, C::Out>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<M: Time, T: Send + 'static> Iterator for FlowIter<M, T> {
    type Item = Result<T, FlowError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.stream {
            Ok(stream) => block_on(stream.next()),
            Err(error) => error.take().map(Err),
        }
    }
}

/// Wakes a thread that is parked.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls a future on this thread, which sleeps meanwhile.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    // What is there already needs no waker.
    if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return output;
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
