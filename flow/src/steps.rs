//! The steps that are applied to each event of a layer.

use std::hash::Hash;
use std::sync::Arc;

use crate::chain::{Batched, Chain, Filter, FilterMap, FlatMap, Inspect, Map, Start, UniqBy};
use crate::flow::Flow;
use crate::plan::Origin;
use crate::refused::Refused;
use crate::stats::Tally;
use crate::time::Untimed;

impl<O: Origin<Time = Untimed>> Flow<Start<O>> {
    /// Maps each batch with a function, before any other step. The size of a batch depends on demand: at most
    /// `max_demand − min_demand`. A [`trigger`](Self::trigger) sees the batches that the function returns and
    /// must come after it: a flow with a trigger before it does not start.
    ///
    /// ```
    /// use flow::{Flow, Tally};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let (passed, evicted) = (Tally::new(), Tally::new());
    /// let count = passed.clone();
    /// let odd = Flow::from_items([3, 1, 3, 4, 5])
    ///     .stages(1)
    ///     .map_batch(|batch| batch.into_iter().map(|number| number * 10).collect())
    ///     .reject(|number| number % 20 == 0)
    ///     .inspect(move |_| count.add(1));
    /// assert_eq!(odd.clone().uniq().collect::<Vec<_>>().await?, [30, 10, 50]);
    /// assert_eq!(passed.get(), 4);
    /// assert_eq!(odd.clone().uniq_by(|number| number % 20).collect::<Vec<_>>().await?, [30]);
    /// let latest = odd.uniq_by_most(1, &evicted, |number| *number);
    /// assert_eq!(latest.collect::<Vec<_>>().await?, [30, 10, 30, 50]);
    /// assert_eq!(evicted.get(), 3);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn map_batch<U, F>(self, function: F) -> Flow<Start<Batched<O, F>>>
    where
        F: Fn(Vec<O::Item>) -> Vec<U> + Send + Sync + 'static,
        U: Send + 'static,
    {
        let origin = Batched { origin: self.chain.origin, function: Arc::new(function) };
        let mut flow = Flow { options: self.options, window: self.window, ..Flow::at(origin) };
        if self.custom_trigger.is_some() {
            let refused =
                Refused::new("map_batch", format_args!("after a trigger"), "it must come before the trigger");
            flow.options.refuse(Some(refused));
        }
        flow
    }
}

impl<C: Chain> Flow<C> {
    fn step<D: Chain<Origin = C::Origin>>(self, step: impl FnOnce(C) -> D) -> Flow<D> {
        let Self { chain, options, window, copy, custom_trigger, late } = self;
        Flow { chain: step(chain), options, window, copy, custom_trigger, late }
    }

    /// Maps each event with a function.
    pub fn map<U, F>(self, function: F) -> Flow<Map<C, F>>
    where
        F: Fn(C::Out) -> U + Send + Sync + 'static,
        U: Send + 'static,
    {
        self.step(|chain| Map { chain, function: Arc::new(function) })
    }

    /// Keeps the events for which a function returns `true`.
    pub fn filter<F>(self, function: F) -> Flow<Filter<C, F>>
    where
        F: Fn(&C::Out) -> bool + Send + Sync + 'static,
    {
        self.step(|chain| Filter { chain, function: Arc::new(function) })
    }

    /// Drops the events for which a function returns `true`.
    pub fn reject<F>(
        self,
        function: F,
    ) -> Flow<Filter<C, impl Fn(&C::Out) -> bool + Send + Sync + 'static + use<C, F>>>
    where
        F: Fn(&C::Out) -> bool + Send + Sync + 'static,
    {
        self.filter(move |event| !function(event))
    }

    /// Maps events with a function that may drop them.
    pub fn filter_map<U, F>(self, function: F) -> Flow<FilterMap<C, F>>
    where
        F: Fn(C::Out) -> Option<U> + Send + Sync + 'static,
        U: Send + 'static,
    {
        self.step(|chain| FilterMap { chain, function: Arc::new(function) })
    }

    /// Maps each event to several, which follow one after the other.
    pub fn flat_map<I, F>(self, function: F) -> Flow<FlatMap<C, F>>
    where
        F: Fn(C::Out) -> I + Send + Sync + 'static,
        I: IntoIterator<Item: Send + 'static>,
    {
        self.step(|chain| FlatMap { chain, function: Arc::new(function) })
    }

    /// Calls a function with each event.
    pub fn inspect<F>(self, function: F) -> Flow<Inspect<C, F>>
    where
        F: Fn(&C::Out) + Send + Sync + 'static,
    {
        self.step(|chain| Inspect { chain, function: Arc::new(function) })
    }

    #[allow(clippy::type_complexity, reason = "a closure has no shorter name")]
    /// Drops repeated events within a stage and window; the rest keep their order. To drop all repeated
    /// events of the flow, partition first.
    pub fn uniq(self) -> Flow<UniqBy<C, impl Fn(&C::Out) -> C::Out + Send + Sync + 'static + use<C>>>
    where
        C::Out: Clone + Eq + Hash,
    {
        self.uniq_by(C::Out::clone)
    }

    /// Keeps the first event of each key in its stage and window, in arrival order.
    pub fn uniq_by<Q, F>(self, key: F) -> Flow<UniqBy<C, F>>
    where
        F: Fn(&C::Out) -> Q + Send + Sync + 'static,
        Q: Clone + Eq + Hash + Send + 'static,
    {
        self.uniq_by_most(usize::MAX, &Tally::new(), key)
    }

    /// Keeps the first event of each key as [`uniq_by`](Self::uniq_by) does, remembering the `most` youngest
    /// keys, at least 1; counts the evicted keys.
    #[track_caller]
    pub fn uniq_by_most<Q, F>(self, most: usize, evicted: &Tally, key: F) -> Flow<UniqBy<C, F>>
    where
        F: Fn(&C::Out) -> Q + Send + Sync + 'static,
        Q: Clone + Eq + Hash + Send + 'static,
    {
        let evicted = evicted.clone();
        let mut flow = self;
        flow.options.refuse(Refused::zero("uniq_by_most", most));
        flow.step(|chain| UniqBy { chain, function: Arc::new(key), most, evicted })
    }
}
