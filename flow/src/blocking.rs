//! Runs a flow from synchronous code: blocks the thread until an event or the result is available.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use futures_util::StreamExt;
use stage_core::into_stream::check_may_block;

use crate::chain::{Chain, TimeOf};
use crate::collects::Collects;
use crate::error::FlowError;
use crate::flow::Flow;
use crate::output::FlowStream;
use crate::time::Time;

/// The events of one run of a flow, for synchronous code. Dropping it ends the run.
///
/// An error is the last item. It is [`FlowError::Blocking`] if `next` would have to wait on a thread that
/// runs tasks or stages.
#[derive(Debug)]
pub struct FlowIter<M: Time, T: Send + 'static> {
    /// The stream, or the error of its start until `next` returns it.
    stream: Result<FlowStream<M, T>, Option<FlowError>>,
}

impl<C: Chain> Flow<C> {
    /// Starts the flow on its own threads and iterates over its events, for synchronous code: blocks the
    /// thread until the next event is available.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// let sum: Result<u64, _> = Flow::from_items(1..=10_u64).map(|number| number * 2).iter().sum();
    /// assert_eq!(sum?, 110);
    /// # Ok::<(), flow::FlowError>(())
    /// ```
    ///
    /// An error, including one that prevents the flow from starting, is the last item. On a thread that runs
    /// tasks or stages, such as in a step of a flow or in an `async fn`, it is [`FlowError::Blocking`] at
    /// once; use [`stream`](Self::stream) in async code.
    pub fn iter(&self) -> FlowIter<TimeOf<C>, C::Out> {
        // Checked at the start, so that a wrong call fails even if it would not have to wait.
        let stream = check_may_block().map_err(FlowError::from).and_then(|()| block_on(self.stream())?);
        FlowIter { stream: stream.map_err(Some) }
    }

    /// Collects the results as [`collect`](Self::collect) does, for synchronous code: blocks the thread until
    /// they are complete.
    ///
    /// ```
    /// use flow::{Flow, FlowError};
    ///
    /// let numbers = Flow::from_items(0..10_u64);
    /// assert_eq!(numbers.collect_blocking::<Vec<_>>()?.len(), 10);
    /// // A step runs on a thread that other stages need, so it must not block; use `map_async` to await.
    /// let nested = Flow::from_items([3]).map(move |_| numbers.collect_blocking::<Vec<_>>());
    /// let refused = nested.collect_blocking::<Vec<_>>()?.remove(0);
    /// assert!(matches!(refused, Err(FlowError::Blocking(_))));
    /// # Ok::<(), FlowError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`collect`](Self::collect), and [`FlowError::Blocking`] at once on a thread that
    /// runs tasks or stages, such as in a step of a flow or in an `async fn`.
    pub fn collect_blocking<B: Collects<C::Out>>(&self) -> Result<B, FlowError> {
        check_may_block()?;
        block_on(self.collect())?
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
            Ok(stream) => block_on(stream.next()).unwrap_or_else(|refused| {
                self.stream = Err(None);
                Some(Err(refused))
            }),
            Err(error) => error.take().map(Err),
        }
    }
}

/// Unparks a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls a future on this thread, which sleeps in between.
///
/// # Errors
///
/// Returns [`FlowError::Blocking`] if the thread would have to sleep and runs tasks or stages.
fn block_on<F: Future>(future: F) -> Result<F::Output, FlowError> {
    let mut future = pin!(future);
    // Fast path: an event that is ready needs neither a waker nor the check.
    if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return Ok(output);
    }
    check_may_block()?;
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => return Ok(output),
            Poll::Pending => thread::park(),
        }
    }
}
