//! The constructors of flows from iterators, slices and sources, and the methods that assign event times.

use std::sync::Arc;
use std::time::Duration;

use crate::chain::Start;
use crate::flow::{Flow, IterFlow};
use crate::plan::{Fused, Sourced};
use crate::refused::Refused;
use crate::source::{By, ByTime, Cloned, Iters, NoStamp, SharedSlice, Source};

impl<I> IterFlow<I>
where
    I: Iterator<Item: Send + 'static> + Send + 'static,
{
    /// Creates a flow of the items of an iterator, read from the start by each run.
    ///
    /// One stage reads it and feeds the stages that run the steps. Data that can be split is better read with
    /// [`from_slice`](Flow::from_slice).
    pub fn from_items<A>(items: A) -> Self
    where
        A: IntoIterator<Item = I::Item, IntoIter = I> + Clone + Send + Sync + 'static,
    {
        Self::from_iters([items])
    }

    /// Creates a flow of the items of several iterators, each read by a stage of its own.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// // A stage for each of the two.
    /// let numbers = Flow::from_iters([0..10_u64, 100..110]);
    /// assert_eq!(numbers.count().await?, 20);
    /// // A new iterator for each run.
    /// let letters = Flow::from_fn(|| "abc".chars()).stages(1);
    /// assert_eq!(letters.collect::<Vec<_>>().await?, ['a', 'b', 'c']);
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_iters<A>(all: impl IntoIterator<Item = A>) -> Self
    where
        A: IntoIterator<Item = I::Item, IntoIter = I> + Clone + Send + Sync + 'static,
    {
        let recipe =
            |items: A| -> Arc<dyn Fn() -> I + Send + Sync> { Arc::new(move || items.clone().into_iter()) };
        let iters = Iters::new(all.into_iter().map(recipe).collect());
        Self::at(Sourced { source: iters, stamper: NoStamp })
    }

    /// Creates a flow of the items of an iterator, which `recipe` creates for each run.
    pub fn from_fn(recipe: impl Fn() -> I + Send + Sync + 'static) -> Self {
        let iters = Iters::new(vec![Arc::new(recipe)]);
        Self::at(Sourced { source: iters, stamper: NoStamp })
    }
}

impl<T: Clone + Send + Sync + 'static> Flow<Start<Fused<SharedSlice<T>, NoStamp>>> {
    /// Creates a flow of the items of a slice, each cloned by the stage that runs the steps. A small slice is
    /// split evenly over the stages; of a large one, with 8192 or more items per stage, each stage takes the
    /// next piece when it has finished one, so that a stage that is slower for a while has less to do.
    ///
    /// # Ordering
    ///
    /// Each stage keeps the order of the slice; `stages(1)` keeps the order of the whole.
    pub fn from_slice(items: impl Into<Arc<[T]>>) -> Self {
        Self::from_source(SharedSlice { items: items.into(), form: Cloned })
    }
}

impl<T, U, F> Flow<Start<Fused<SharedSlice<T, By<F>>, NoStamp>>>
where
    T: Send + Sync + 'static,
    U: Send + 'static,
    F: Fn(&T) -> U + Send + Sync + 'static,
{
    /// Maps each item of a slice with a function, which borrows the item: items that do not matter are not cloned. The
    /// slice is split as by [`from_slice`](Flow::from_slice), with the same ordering.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let words = ["the", "quick", "brown", "fox"].map(str::to_owned);
    /// let long = Flow::from_slice_with(words, |word| (word.len() > 3).then(|| word.clone()))
    ///     .filter_map(|word| word)
    ///     .stages(1);
    /// assert_eq!(long.collect::<Vec<_>>().await?, ["quick", "brown"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_slice_with(items: impl Into<Arc<[T]>>, function: F) -> Self {
        Self::from_source(SharedSlice { items: items.into(), form: By { function: Arc::new(function) } })
    }
}

impl<S: Source> Flow<Start<Fused<S, NoStamp>>> {
    /// Creates a flow of the events of a source that can be split: each stage of the first layer reads its
    /// own part.
    ///
    /// See [`Source`] for a source of your own.
    ///
    /// ```
    /// use flow::Flow;
    /// use flow::source::Tree;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let folder = tempfile::tempdir()?;
    /// std::fs::write(folder.path().join("a.txt"), "one")?;
    /// let entries = Flow::from_source(Tree::new(folder.path()).one_file_system());
    /// // The root, and the file in it.
    /// assert_eq!(entries.count().await?, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_source(source: S) -> Self {
        Self::at(Fused { source, stamper: NoStamp })
    }
}

impl<S: Source> Flow<Start<Sourced<S, NoStamp>>> {
    /// Assigns each event the time at which it happened, in milliseconds since any origin, for windows of
    /// event time.
    ///
    /// The order of the source decides whether an event is late; the number of stages and the sizes of
    /// batches have no influence. Each part of the source has a watermark, the latest time of its events so
    /// far. With a `most_ahead` of [`Duration::MAX`], every event counts, and one wrong timestamp in the
    /// future makes all later events late. A shorter `most_ahead`, at least 1 ms, protects the watermark:
    ///
    /// * The first watermark is computed from the first five events, or from fewer at the first pause or at
    ///   the end: it is the latest of them that is at most `most_ahead` later than their median. Until then
    ///   no event is late and no window is emitted.
    /// * An event more than `most_ahead` later than the watermark is accepted and does not move the
    ///   watermark.
    /// * After 16 such events in a row, the watermark moves to the earliest of them, so that time continues
    ///   after a gap in the data. An event at most `most_ahead` away from the watermark interrupts the
    ///   series.
    /// * The first event after a pause of [`idle_after`](Self::idle_after) always moves the watermark.
    ///
    /// All values of `i64` are valid times.
    #[track_caller]
    pub fn event_time<F>(self, function: F, most_ahead: Duration) -> Flow<Start<Sourced<S, ByTime<F>>>>
    where
        F: Fn(&S::Item) -> i64 + Send + Sync + 'static,
    {
        let (stamper, refused) = by_time(function, most_ahead);
        let Self {
            chain: Start { origin: Sourced { source, .. } },
            options,
            window,
            custom_trigger,
            late,
            ..
        } = self;
        let mut flow =
            Flow { options, window, custom_trigger, late, ..Flow::at(Sourced { source, stamper }) };
        flow.options.refuse(refused);
        flow
    }
}

impl<S: Source> Flow<Start<Fused<S, NoStamp>>> {
    /// Assigns event times as for other sources; each part that is read has a watermark of its own.
    #[track_caller]
    pub fn event_time<F>(self, function: F, most_ahead: Duration) -> Flow<Start<Fused<S, ByTime<F>>>>
    where
        F: Fn(&S::Item) -> i64 + Send + Sync + 'static,
    {
        let (stamper, refused) = by_time(function, most_ahead);
        let Self {
            chain: Start { origin: Fused { source, .. } }, options, window, custom_trigger, late, ..
        } = self;
        let mut flow = Flow { options, window, custom_trigger, late, ..Flow::at(Fused { source, stamper }) };
        flow.options.refuse(refused);
        flow
    }
}

impl<S: Source, F> Flow<Start<Sourced<S, ByTime<F>>>>
where
    F: Fn(&S::Item) -> i64 + Send + Sync + 'static,
{
    /// Stops waiting for a part of the source that has had no events for `time`, by the wall clock: the other
    /// parts alone determine which windows have ended, until the part delivers an event again. Its events for
    /// windows that have ended by then are late, so from then on the clock influences which events are late.
    /// If all other parts have ended, an idle part keeps its own time.
    ///
    /// With [`Duration::ZERO`], a part is idle whenever it waits; with [`Duration::MAX`], it never is.
    ///
    /// Only a part that waits without blocking can be idle: a stream or a channel. A blocking iterator cannot
    /// be recognized as waiting, and a part without demand is not idle. Default: the flow waits for every
    /// part until it ends.
    ///
    /// ```
    /// use std::time::Duration;
    /// use flow::{Flow, Window};
    /// use futures_util::{StreamExt, stream};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// // One stream has events, the other never has any.
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
    /// As for other sources; sources of files and slices never wait.
    pub fn idle_after(mut self, time: Duration) -> Self {
        self.chain.origin.stamper.idle_after = Some(time);
        self
    }
}

#[track_caller]
fn by_time<F>(function: F, most_ahead: Duration) -> (ByTime<F>, Option<Refused>) {
    let (most_ahead, refused) = match Refused::millis("the most_ahead of event_time", most_ahead, 1) {
        Ok(most_ahead) => (most_ahead, None),
        Err(refused) => (i128::MAX, Some(refused)),
    };
    (ByTime { function: Arc::new(function), most_ahead, idle_after: None }, refused)
}
