//! The methods of a flow that fold events into values with deadlines.

use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use super::DeadlineLayer;
use crate::chain::Start;
use crate::flow::{Flow, LayerFlow};
use crate::plan::{Fed, LayerNode, Origin};
use crate::refused::Refused;
use crate::stats::Tally;
use crate::time::Timed;

impl<O: Origin<Time = Timed>> Flow<Start<O>> {
    /// Folds the events of each key in this stage into a value that ends at a time of its own: an auction with its
    /// bids, an order and the parts that it waits for, a request until its timeout. `fold` returns the deadline
    /// of the value, in milliseconds as the times of the events; the last returned one counts. Partition by the
    /// same key first.
    ///
    /// When the watermark reaches the deadline, or at the end of the input, the key and the value are emitted
    /// and no longer kept, so memory holds the keys whose deadlines are still to come. All events that happened
    /// before the deadline have been folded by then, except late ones. No event is dropped: a later event of
    /// the key begins a new value, and one that returns a deadline in the past is emitted with the next batch.
    ///
    /// The emitted pairs carry the time of their deadlines, in the order of which each stage emits them, so
    /// windows of event time can follow.
    ///
    /// ```
    /// use std::time::Duration;
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// // The time, the key, and how long its value stays open from then on.
    /// let events = [(0_i64, "a", 30), (10, "b", 5), (20, "a", 10), (40, "b", 5), (50, "a", 5)];
    /// let counts = Flow::from_items(events)
    ///     .event_time(|(at, ..)| *at, Duration::MAX)
    ///     .partition(|(_, key, _)| *key)
    ///     .stages(1)
    ///     .deadlines(
    ///         |(_, key, _)| *key,
    ///         || 0,
    ///         |count, (at, _, open)| {
    ///             *count += 1;
    ///             at + open
    ///         },
    ///     )
    ///     .stages(1);
    /// assert_eq!(counts.collect::<Vec<_>>().await?, [("b", 1), ("a", 2), ("b", 1), ("a", 1)]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A flow with a window or a trigger in this layer does not start, and returns
    /// [`FlowError::Window`](crate::FlowError::Window).
    pub fn deadlines<Q, A, F, I, G>(self, key: F, init: I, fold: G) -> LayerFlow<Timed, (Q, A)>
    where
        Q: Clone + Eq + Hash + Send + 'static,
        A: Send + 'static,
        F: Fn(&O::Item) -> Q + Send + Sync + 'static,
        I: Fn() -> A + Send + Sync + 'static,
        G: Fn(&mut A, O::Item) -> i64 + Send + Sync + 'static,
    {
        self.deadlines_most(usize::MAX, &Tally::new(), key, init, fold)
    }

    /// Folds events as [`deadlines`](Self::deadlines) does, and keeps at most `most` values in each stage, which is
    /// one or more. Beyond the limit, the value whose deadline comes first is emitted before its deadline, and counted; a
    /// later event of its key begins a new value. Such a pair carries the time of its deadline, too, and may be
    /// ahead of pairs that follow it.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use flow::{Flow, Tally};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let evicted = Tally::new();
    /// let visits = Flow::from_items([(1_i64, 'a'), (2, 'b'), (3, 'b')])
    ///     .event_time(|visit| visit.0, Duration::MAX)
    ///     .stages(1)
    ///     // Each value is emitted a second after its last event, or when another key needs its place.
    ///     .deadlines_most(1, &evicted, |visit| visit.1, || 0, |count, visit| {
    ///         *count += 1;
    ///         visit.0 + 1_000
    ///     });
    /// assert_eq!(visits.collect::<Vec<_>>().await?, [('a', 1), ('b', 2)]);
    /// assert_eq!(evicted.get(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A flow with a window or a trigger in this layer does not start, nor does one with a limit of 0.
    #[track_caller]
    pub fn deadlines_most<Q, A, F, I, G>(
        self,
        most: usize,
        evicted: &Tally,
        key: F,
        init: I,
        fold: G,
    ) -> LayerFlow<Timed, (Q, A)>
    where
        Q: Clone + Eq + Hash + Send + 'static,
        A: Send + 'static,
        F: Fn(&O::Item) -> Q + Send + Sync + 'static,
        I: Fn() -> A + Send + Sync + 'static,
        G: Fn(&mut A, O::Item) -> i64 + Send + Sync + 'static,
    {
        let windowed = self.is_windowed();
        let Self { chain: Start { origin }, mut options, .. } = self;
        options.refuse(Refused::zero("deadlines_most", most));
        let (key, init, fold) = (Arc::new(key), Arc::new(init), Arc::new(fold));
        let (evicted, takes) = (evicted.clone(), PhantomData);
        let layer =
            DeadlineLayer::<O::Item, F, I, G> { key, init, fold, most, evicted, windowed, options, takes };
        Flow::at(Fed { node: Arc::new(LayerNode { origin, layer }), routing: None })
    }
}
