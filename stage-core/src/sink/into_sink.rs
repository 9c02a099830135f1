//! A sink that feeds a `Sink` of the futures crates.

use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::task::Poll;

use futures_sink::Sink;

use super::refused::leave_stopped;
use crate::base::error::{BoxError, ExitReason, StageResult};
use crate::stage::{Consumer, Context, Events};

/// Creates a sink that feeds every event to `sink`, flushes it after each batch, and closes it at the end.
///
/// It waits until `sink` is ready, so a slow `Sink` holds its producers back.
///
/// ```
/// use futures_util::sink;
/// use stage_core::{BoxError, Pipeline};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pipeline = Pipeline::builder("sink").start_fn("numbers", || Ok(0..100)).finish("sink", || {
///     Ok(stage_core::sink::into_sink(sink::unfold(0, |sum, number| async move {
///         Ok::<_, BoxError>(sum + number)
///     })))
/// });
/// let report = pipeline.start().await?.join().await?;
/// assert_eq!(report.stages[1].events_in, 100);
/// # Ok(())
/// # }
/// ```
///
/// # Ordering
///
/// The sink is fed in the order of the events.
///
/// # Restart
///
/// The recipe makes a new sink. The old one is closed first, unless it returned an error or its stage
/// panicked or was aborted; then it is dropped without a close.
///
/// # Errors
///
/// An error of the sink ends the stage, which is then restarted; the current batch is counted as discarded.
/// An error of the final close is only logged: nothing is left to restart, and all events were flushed
/// before.
///
/// # Drain and stop
///
/// A drain waits for the sink; a stop waits only for its close: the event that the sink is not ready for and
/// the rest of its batch are discarded and counted.
pub fn into_sink<S, E>(sink: S) -> IntoSink<S, E>
where
    S: Sink<E, Error: Into<BoxError>> + Send + 'static,
    E: Send + 'static,
{
    IntoSink { sink: Box::pin(sink), failed: false, event: PhantomData }
}

/// The sink made by [`into_sink`].
pub struct IntoSink<S, E> {
    sink: Pin<Box<S>>,
    /// Whether the sink returned an error and must not be used again.
    failed: bool,
    event: PhantomData<fn(E)>,
}

impl<S, E> IntoSink<S, E>
where
    S: Sink<E>,
{
    /// Feeds the batch to the sink; returns the number of events left over if the stage was stopped
    /// meanwhile.
    async fn feed(
        &mut self,
        events: Events<'_, E>,
        stopped: impl Future<Output = ()>,
    ) -> Result<usize, S::Error> {
        let (mut stopped, mut events) = (pin!(stopped), events.into_iter());
        while events.len() > 0 {
            let sink = &mut self.sink;
            let ready = poll_fn(|cx| match sink.as_mut().poll_ready(cx) {
                Poll::Ready(ready) => Poll::Ready(Some(ready)),
                Poll::Pending => stopped.as_mut().poll(cx).map(|()| None),
            });
            let Some(ready) = ready.await else { return Ok(events.len()) };
            ready?;
            if let Some(event) = events.next() {
                self.sink.as_mut().start_send(event)?;
            }
        }
        poll_fn(|cx| match self.sink.as_mut().poll_flush(cx) {
            // The close at the end flushes too.
            Poll::Pending => stopped.as_mut().poll(cx).map(Ok),
            flushed @ Poll::Ready(_) => flushed,
        })
        .await?;
        Ok(0)
    }
}

impl<S, E> Consumer for IntoSink<S, E>
where
    S: Sink<E, Error: Into<BoxError>> + Send + 'static,
    E: Send + 'static,
{
    type Event = E;

    async fn handle_events(&mut self, events: Events<'_, E>, cx: &mut Context<'_>) -> StageResult {
        match self.feed(events, cx.draining()).await {
            Ok(left) => {
                leave_stopped(left, cx);
                Ok(())
            }
            Err(error) => {
                self.failed = true;
                Err(error.into())
            }
        }
    }

    async fn terminate(&mut self, _reason: &ExitReason) {
        if self.failed {
            return;
        }
        if let Err(error) = poll_fn(|cx| self.sink.as_mut().poll_close(cx)).await {
            let error: BoxError = error.into();
            tracing::error!(%error, "cannot close the sink");
        }
    }
}

impl<S, E> fmt::Debug for IntoSink<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoSink").field("failed", &self.failed).finish_non_exhaustive()
    }
}
