//! A blocking iterator over the events of stages, for synchronous code.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use futures_core::Stream;

use super::may_block::check_may_block;
use super::stream::{EventStream, StreamError};

/// An iterator over the events of an [`EventStream`]; it blocks its thread while no event is available.
///
/// It runs on any thread, with or without a runtime, including threads of `spawn_blocking`.
///
/// ```
/// use stage_core::spawn::{StageOptions, producer};
/// use stage_core::stage::FromIter;
/// use stage_core::SubscribeOptions;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build()?;
/// let numbers = runtime.block_on(producer(FromIter::new(1..=100_u64), StageOptions::new()))?;
/// let events = numbers.producer().stream(SubscribeOptions::new())?.blocking();
/// let sum = events.sum::<Result<u64, _>>()?;
/// assert_eq!(sum, 5_050);
/// # Ok(())
/// # }
/// ```
///
/// # Panics
///
/// `next` panics with the text of [`BlockingRefused`](super::BlockingRefused) if it would have to wait on a
/// thread that runs tasks or stages, because blocking that thread would keep them from running. Async code
/// uses the stream instead.
#[derive(Debug)]
pub struct BlockingEvents<E> {
    stream: EventStream<E>,
}

impl<E: Send + 'static> EventStream<E> {
    /// Converts the rest of this stream into a blocking iterator.
    ///
    /// ```
    /// use stage_core::{Pipeline, Window};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build()?;
    /// let pipeline = Pipeline::builder("numbers").start_fn("numbers", || Ok(1..=4)).open(Window::default());
    /// let (_running, events) = runtime.block_on(pipeline.start())?;
    /// assert_eq!(events.blocking().collect::<Result<Vec<_>, _>>()?, [1, 2, 3, 4]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn blocking(self) -> BlockingEvents<E> {
        BlockingEvents { stream: self }
    }
}

/// Unparks a thread when woken.
struct Unpark(Thread);

impl Wake for Unpark {
    #[inline]
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl<E: Send + 'static> Iterator for BlockingEvents<E> {
    type Item = Result<E, StreamError>;

    fn next(&mut self) -> Option<Self::Item> {
        // Most events are already available, and need no waker.
        if let Some(event) = self.stream.in_hand() {
            return Some(Ok(event));
        }
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut cx = Context::from_waker(&waker);
        loop {
            match Pin::new(&mut self.stream).poll_next(&mut cx) {
                Poll::Ready(event) => return event,
                Poll::Pending => {
                    check_may_block().unwrap_or_else(|refused| panic!("{refused}"));
                    thread::park();
                }
            }
        }
    }
}
