//! A source that emits the items of a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::feed::{Fed, Feed, serve};
use crate::base::error::{BoxError, StageResult};
use crate::credit::demand::Demand;
use crate::stage::{Emitter, Producer};

/// Creates a source that emits the items of `stream`, each as soon as it is ready.
///
/// The stream is polled only while there is demand, on the stage's task. When it ends, the stage finishes.
///
/// ```
/// use futures_util::stream;
/// use stage_core::{Pipeline, sink, source};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (all, collected) = sink::collect::<Vec<_>, _>();
/// let pipeline = Pipeline::builder("stream")
///     .start("numbers", || Ok(source::from_stream(stream::iter(1..=3))))
///     .finish("all", move || Ok(all.clone()));
/// pipeline.start().await?.join().await?;
/// assert_eq!(collected.await?, [1, 2, 3]);
/// # Ok(())
/// # }
/// ```
///
/// # Ordering
///
/// Events are emitted in the order of the stream.
///
/// # Restart
///
/// The recipe makes a new stream. A stream that starts from the beginning emits its items again; one that
/// reads a shared input continues there. Items that the old stream had read ahead are lost with it.
///
/// # Errors
///
/// Every item is an event: a stream of results makes a pipeline of results. To end the stage on an error,
/// panic in the stream, or write a [`Producer`].
///
/// # Panics
///
/// A panic of the stream ends the stage, which is then restarted. Items that the stream returned in the same
/// poll are counted as discarded.
///
/// # Cancel safety
///
/// A drain ends the wait for the next item between two polls of the stream; items it has not returned are
/// dropped with it.
pub fn from_stream<S>(stream: S) -> FromStream<S>
where
    S: Stream<Item: Send + 'static> + Send + 'static,
{
    FromStream { stream: Box::pin(stream) }
}

/// The source made by [`from_stream`].
pub struct FromStream<S> {
    stream: Pin<Box<S>>,
}

impl<S: Stream> Feed for FromStream<S> {
    type Item = S::Item;

    fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        room: usize,
        into: &mut Vec<S::Item>,
    ) -> Poll<Result<Fed, BoxError>> {
        for taken in 0..room {
            match self.stream.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => into.push(item),
                Poll::Ready(None) => return Poll::Ready(Ok(Fed::End)),
                Poll::Pending if taken == 0 => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        Poll::Ready(Ok(Fed::Events))
    }
}

impl<S> Producer for FromStream<S>
where
    S: Stream<Item: Send + 'static> + Send + 'static,
{
    type Event = S::Item;

    const SINGLE: bool = true;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, S::Item>) -> StageResult {
        serve(self, demand, out).await
    }
}

impl<S> fmt::Debug for FromStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromStream").finish_non_exhaustive()
    }
}
