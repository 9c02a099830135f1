//! Where the events of a flow come from.

use std::sync::Arc;
use std::time::Duration;

use crate::chain::Start;
use crate::flow::{Flow, IterFlow};
use crate::plan::{Fused, Sourced};
use crate::source::{ByTime, Iters, NoStamp, SharedSlice, Source};

impl<I> IterFlow<I>
where
    I: Iterator<Item: Send + 'static> + Send + 'static,
{
    /// The items of an iterator, read from the start whenever the flow runs.
    ///
    /// One stage reads it and feeds the stages that do the steps. What can be split is better read by
    /// [`from_slice`](Flow::from_slice).
    pub fn from_items<A>(items: A) -> Self
    where
        A: IntoIterator<Item = I::Item, IntoIter = I> + Clone + Send + Sync + 'static,
    {
        Self::from_iters([items])
    }

    /// The items of several iterators, each read by a stage of its own.
    pub fn from_iters<A>(all: impl IntoIterator<Item = A>) -> Self
    where
        A: IntoIterator<Item = I::Item, IntoIter = I> + Clone + Send + Sync + 'static,
    {
        let recipe =
            |items: A| -> Arc<dyn Fn() -> I + Send + Sync> { Arc::new(move || items.clone().into_iter()) };
        let iters = Iters::new(all.into_iter().map(recipe).collect());
        Self::at(Sourced { source: iters, stamper: NoStamp })
    }

    /// The items of an iterator that is made by `recipe` whenever the flow runs.
    pub fn from_fn(recipe: impl Fn() -> I + Send + Sync + 'static) -> Self {
        let iters = Iters::new(vec![Arc::new(recipe)]);
        Self::at(Sourced { source: iters, stamper: NoStamp })
    }
}

impl<T: Clone + Send + Sync + 'static> Flow<Start<Fused<SharedSlice<T>, NoStamp>>> {
    /// The items of a slice, each cloned by the stage that does the steps. A small slice is split evenly over
    /// the stages; of a large one, 8192 items or more a stage, each takes the next piece whenever it has done
    /// one, so that a stage that is slower for a while has less to do.
    ///
    /// # Ordering
    ///
    /// In each stage as in the slice; `stages(1)` keeps the order of the whole.
    pub fn from_slice(items: impl Into<Arc<[T]>>) -> Self {
        Self::from_source(SharedSlice { items: items.into() })
    }
}

impl<S: Source> Flow<Start<Fused<S, NoStamp>>> {
    /// The events of a source that can be split: each stage of the first layer reads its own part.
    pub fn from_source(source: S) -> Self {
        Self::at(Fused { source, stamper: NoStamp })
    }
}

impl<S: Source> Flow<Start<Sourced<S, NoStamp>>> {
    /// Says when each event happened, in milliseconds since any origin, so that windows can go by it.
    ///
    /// Whether an event is late is decided here, by the order of the source, and so depends neither on the
    /// number of stages nor on how events are batched. An event that is more than `most_ahead` later than
    /// all before it does not count as progress of time; the first of a source always does. Where a source
    /// may pause for longer than `most_ahead`, say [`idle_after`](Self::idle_after) too: the first event
    /// after the pause counts then, and all others would not without it.
    pub fn event_time<F>(self, function: F, most_ahead: Duration) -> Flow<Start<Sourced<S, ByTime<F>>>>
    where
        F: Fn(&S::Item) -> i64 + Send + Sync + 'static,
    {
        let Start { origin: Sourced { source, .. } } = self.chain;
        let mut flow = Flow::at(Sourced { source, stamper: by_time(function, most_ahead) });
        flow.options = self.options;
        flow
    }
}

impl<S: Source> Flow<Start<Fused<S, NoStamp>>> {
    /// As for other sources; each part that is read has a watermark of its own.
    pub fn event_time<F>(self, function: F, most_ahead: Duration) -> Flow<Start<Fused<S, ByTime<F>>>>
    where
        F: Fn(&S::Item) -> i64 + Send + Sync + 'static,
    {
        let Start { origin: Fused { source, .. } } = self.chain;
        let mut flow = Flow::at(Fused { source, stamper: by_time(function, most_ahead) });
        flow.options = self.options;
        flow
    }
}

impl<S: Source, F> Flow<Start<Sourced<S, ByTime<F>>>>
where
    F: Fn(&S::Item) -> i64 + Send + Sync + 'static,
{
    /// Does not wait for a part of the source that has had nothing for so long, by the clock: what is over
    /// goes by the others until it brings an event again. What it then brings of windows that are over is
    /// late, so that which events are late depends on the clock from then on.
    ///
    /// A part has nothing when it waits without blocking: a stream or a channel. An iterator that blocks
    /// cannot be known to wait, and a part that nobody asks for events is not idle. Default: every part is
    /// waited for until it ends.
    ///
    /// ```
    /// use std::time::Duration;
    /// use flow::{Flow, Window};
    /// use futures_util::{StreamExt, stream};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// // One stream brings events, the other never brings any.
    /// let streams = [vec![100, 1200, 2300], vec![]];
    /// let streams = streams.map(|all: Vec<i64>| move || stream::iter(all.clone()).chain(stream::pending()));
    /// let counts = Flow::from_streams(streams)
    ///     .event_time(|at| *at, Duration::MAX)
    ///     .idle_after(Duration::from_millis(20))
    ///     .stages(1)
    ///     .window(Window::fixed(Duration::from_secs(1)))
    ///     .reduce(|| 0, |count, _| *count += 1)
    ///     .emit_state();
    /// assert_eq!(counts.first(2).await?, [1, 1]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn idle_after(mut self, time: Duration) -> Self {
        self.chain.origin.stamper.idle_after = Some(time);
        self
    }
}

impl<S: Source, F> Flow<Start<Fused<S, ByTime<F>>>>
where
    F: Fn(&S::Item) -> i64 + Send + Sync + 'static,
{
    /// As for other sources; what reads files and slices never waits.
    pub fn idle_after(mut self, time: Duration) -> Self {
        self.chain.origin.stamper.idle_after = Some(time);
        self
    }
}

fn by_time<F>(function: F, most_ahead: Duration) -> ByTime<F> {
    let most_ahead = i64::try_from(most_ahead.as_millis()).unwrap_or(i64::MAX);
    ByTime { function: Arc::new(function), most_ahead, idle_after: None }
}
