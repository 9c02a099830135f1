//! Streams as a source: a stream without items does not block a thread.

use std::fmt;
use std::ops::ControlFlow::{Break, Continue};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use stage_core::BoxError;

use super::part::{Each, read_each};
use super::{More, NoStamp, Part, Source, Taker};
use crate::chain::Start;
use crate::flow::Flow;
use crate::plan::Sourced;

/// Streams, each created when the flow runs.
pub struct Streams<S> {
    recipes: Vec<Arc<dyn Fn() -> S + Send + Sync>>,
}

impl<S> Clone for Streams<S> {
    fn clone(&self) -> Self {
        Self { recipes: self.recipes.clone() }
    }
}

impl<S> fmt::Debug for Streams<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams").field("streams", &self.recipes.len()).finish()
    }
}

impl<S> Source for Streams<S>
where
    S: Stream<Item: Send + 'static> + Send + 'static,
{
    type Item = S::Item;
    type Part = StreamPart<S>;

    fn parts(&self, _most: usize) -> Result<Vec<StreamPart<S>>, BoxError> {
        Ok(self.recipes.iter().map(|recipe| StreamPart::new(recipe())).collect())
    }

    fn count(&self) -> usize {
        self.recipes.len()
    }

    fn name(&self) -> String {
        "stream".to_owned()
    }
}

/// The rest of a stream.
pub struct StreamPart<S> {
    stream: Pin<Box<S>>,
    waker: Waker,
}

impl<S> StreamPart<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream: Box::pin(stream), waker: Waker::noop().clone() }
    }
}

impl<S> fmt::Debug for StreamPart<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamPart").finish_non_exhaustive()
    }
}

impl<S> Part for StreamPart<S>
where
    S: Stream<Item: Send + 'static> + Send + 'static,
{
    type Item = S::Item;

    fn wake_by(&mut self, waker: &Waker) {
        self.waker.clone_from(waker);
    }

    fn read(&mut self, most: usize, each: &mut impl FnMut(S::Item)) -> Result<More, BoxError> {
        self.read_in_one(most, &mut Each(each))
    }

    fn read_in_one(&mut self, most: usize, taker: &mut impl Taker<S::Item>) -> Result<More, BoxError> {
        let mut cx = Context::from_waker(&self.waker);
        read_each(most, taker, || {
            Ok(match self.stream.as_mut().poll_next(&mut cx) {
                Poll::Ready(Some(item)) => Continue(item),
                Poll::Ready(None) => Break(More::No),
                Poll::Pending => Break(More::Later),
            })
        })
    }
}

impl<S> Flow<Start<Sourced<Streams<S>, NoStamp>>>
where
    S: Stream<Item: Send + 'static> + Send + 'static,
{
    /// Creates a flow of the items of a stream, which `recipe` creates when the flow runs. One stage polls
    /// it, only on demand, and emits the items it has whenever the stream is pending.
    ///
    /// ```
    /// use flow::Flow;
    /// use futures_util::stream;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let numbers = Flow::from_stream(|| stream::iter(1..=3)).map(|number| number * 2);
    /// assert_eq!(numbers.fold(0, |sum, number| sum + number).await?, 12);
    /// // Run again: the recipe creates a new stream.
    /// assert_eq!(numbers.count().await?, 3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The recipe and the stream run on the threads of the flow ([`Workers::Own`](crate::Workers::Own) by
    /// default). Timers work there, and so do sockets if the program has tokio's feature `net`.
    ///
    /// # Ordering
    ///
    /// Each stage of the layer gets its events in the order of the stream.
    ///
    /// # Errors
    ///
    /// Every item is an event: handle the errors in a stream of results with [`errors`](crate::Flow::errors).
    /// A panic of the stream ends the flow.
    pub fn from_stream(recipe: impl Fn() -> S + Send + Sync + 'static) -> Self {
        Self::from_streams([recipe])
    }

    /// Creates a flow of the items of several streams, each polled by a stage of its own.
    pub fn from_streams<F>(recipes: impl IntoIterator<Item = F>) -> Self
    where
        F: Fn() -> S + Send + Sync + 'static,
    {
        let recipe = |recipe: F| -> Arc<dyn Fn() -> S + Send + Sync> { Arc::new(recipe) };
        let source = Streams { recipes: recipes.into_iter().map(recipe).collect() };
        Self::at(Sourced { source, stamper: NoStamp })
    }
}
