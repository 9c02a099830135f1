//! A sink that feeds a `Sink` of the futures crates.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;

use futures_sink::Sink;

use crate::error::{BoxError, ExitReason, StageResult};
use crate::stage::{Consumer, Context, Events};

/// A sink that feeds every event to `sink`, flushes it after each batch, and closes it at the end.
///
/// It waits for the sink to be ready, so a slow one holds its producers back.
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
/// The recipe makes a new sink. The old one is closed unless it failed itself; one that failed, or whose
/// stage panicked or was cut off, is dropped without.
///
/// # Errors
///
/// An error of the sink ends the stage, which is then restarted; the batch in its hands is counted as
/// discarded. An error of the close at the end is logged: there is nothing left that could be restarted,
/// and what the sink was fed before had been flushed.
///
/// # Cancel safety
///
/// Waits are dropped unfinished only when the stage is cut off: when it does not stop, or drain, in time.
pub fn into_sink<S, E>(sink: S) -> IntoSink<S, E>
where
    S: Sink<E, Error: Into<BoxError>> + Send + 'static,
    E: Send + 'static,
{
    IntoSink { sink: Box::pin(sink), failed: false, event: PhantomData }
}

/// The sink that [`into_sink`] makes.
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
    async fn feed(&mut self, events: Events<'_, E>) -> Result<(), S::Error> {
        for event in events {
            poll_fn(|cx| self.sink.as_mut().poll_ready(cx)).await?;
            self.sink.as_mut().start_send(event)?;
        }
        poll_fn(|cx| self.sink.as_mut().poll_flush(cx)).await
    }
}

impl<S, E> Consumer for IntoSink<S, E>
where
    S: Sink<E, Error: Into<BoxError>> + Send + 'static,
    E: Send + 'static,
{
    type Event = E;

    async fn handle_events(&mut self, events: Events<'_, E>, _cx: &mut Context<'_>) -> StageResult {
        self.feed(events).await.map_err(|error| {
            self.failed = true;
            error.into()
        })
    }

    async fn terminate(&mut self, _reason: &ExitReason) {
        if self.failed {
            return;
        }
        if let Err(error) = poll_fn(|cx| self.sink.as_mut().poll_close(cx)).await {
            let error: BoxError = error.into();
            tracing::error!(%error, "the sink could not be closed");
        }
    }
}

impl<S, E> fmt::Debug for IntoSink<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoSink").field("failed", &self.failed).finish_non_exhaustive()
    }
}
