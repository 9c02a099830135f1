//! A query over events: where they come from, and the steps that are done with each.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use stage_core::dispatch::{Dispatcher, PartitionDispatcher, stable_hash};

use crate::chain::{
    Batched, CarriedOf, Chain, CopyOf, Filter, FilterMap, FlatMap, InOf, Inspect, Map, Start, TimeOf, UniqBy,
};
use crate::error::{FirstError, FlowError};
use crate::options::LayerOptions;
use crate::plan::{
    Build, Fed, Fused, LayerNode, Merged, NodeOf, Origin, Outline, Place, Routing, Sourced, guarded,
};
use crate::reduce::{Fold, FoldAndEmit, MapLayer};
use crate::reduced::Reduced;
use crate::source::{ByTime, Iters, NoStamp, SharedSlice, Source};
use crate::stats::Tally;
use crate::time::{Time, Untimed};
use crate::window::{EventTime, FitsTime, Looks, Next, Window, WindowSpec};

/// A query: a description that nothing is done for until it is run, as often as it is run.
///
/// `C` is the chain of steps since the last layer began. A flow is cheap to clone.
///
/// ```
/// use flow::Flow;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), flow::FlowError> {
/// let squares = Flow::from_items(1..=100_u64).filter(|number| number % 2 == 0).map(|number| number * number);
/// let mut all: Vec<u64> = squares.collect().await?;
/// all.sort_unstable();
/// assert_eq!((all.len(), all[0], all[49]), (50, 4, 10_000));
/// // The same flow again.
/// assert_eq!(squares.count().await?, 50);
/// # Ok(())
/// # }
/// ```
#[must_use = "a flow does nothing until it is run: collect, run, count, stream, iter or start it"]
pub struct Flow<C: Chain> {
    pub(crate) chain: C,
    pub(crate) options: LayerOptions,
    pub(crate) window: WindowSpec,
    pub(crate) copy: CopyOf<C>,
    pub(crate) looks: Option<Looks<InOf<C>>>,
}

impl<C: Chain> Clone for Flow<C> {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            options: self.options.clone(),
            window: self.window.clone(),
            copy: self.copy,
            looks: self.looks.clone(),
        }
    }
}

impl<C: Chain> fmt::Debug for Flow<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow").field("options", &self.options).finish_non_exhaustive()
    }
}

/// A flow of the items of an iterator.
pub type IterFlow<I> = Flow<Start<Sourced<Iters<I>, NoStamp>>>;
/// A flow at the beginning of a layer that is fed by the layer before.
pub type LayerFlow<M, T> = Flow<Start<Fed<M, T>>>;

impl<O: Origin> Flow<Start<O>> {
    pub(crate) fn at(origin: O) -> Self {
        Self {
            chain: Start { origin },
            options: LayerOptions::default(),
            window: WindowSpec::default(),
            copy: None,
            looks: None,
        }
    }
}

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
    /// The items of a slice, split evenly over the stages: each clones its own part, and does the steps
    /// itself.
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
    /// all before it does not count as progress of time.
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

fn by_time<F>(function: F, most_ahead: Duration) -> ByTime<F> {
    let most_ahead = i64::try_from(most_ahead.as_millis()).unwrap_or(i64::MAX);
    ByTime { function: Arc::new(function), most_ahead }
}

impl<O: Origin<Time = Untimed>> Flow<Start<O>> {
    /// Each batch through a function, before any other step. How large a batch is depends on demand: at
    /// most `max_demand − min_demand`.
    pub fn map_batch<U, F>(self, function: F) -> Flow<Start<Batched<O, F>>>
    where
        F: Fn(Vec<O::Item>) -> Vec<U> + Send + Sync + 'static,
        U: Send + 'static,
    {
        let origin = Batched { origin: self.chain.origin, function: Arc::new(function) };
        Flow { options: self.options, window: self.window, ..Flow::at(origin) }
    }
}

impl<C: Chain> Flow<C> {
    fn step<D: Chain<Origin = C::Origin>>(self, step: impl FnOnce(C) -> D) -> Flow<D> {
        let Self { chain, options, window, copy, looks } = self;
        Flow { chain: step(chain), options, window, copy, looks }
    }

    /// Each event through a function.
    pub fn map<U, F>(self, function: F) -> Flow<Map<C, F>>
    where
        F: Fn(C::Out) -> U + Send + Sync + 'static,
        U: Send + 'static,
    {
        self.step(|chain| Map { chain, function: Arc::new(function) })
    }

    /// The events for which a function says so.
    pub fn filter<F>(self, function: F) -> Flow<Filter<C, F>>
    where
        F: Fn(&C::Out) -> bool + Send + Sync + 'static,
    {
        self.step(|chain| Filter { chain, function: Arc::new(function) })
    }

    /// The events for which a function does not say so.
    pub fn reject<F>(
        self,
        function: F,
    ) -> Flow<Filter<C, impl Fn(&C::Out) -> bool + Send + Sync + 'static + use<C, F>>>
    where
        F: Fn(&C::Out) -> bool + Send + Sync + 'static,
    {
        self.filter(move |event| !function(event))
    }

    /// What a function makes of some events.
    pub fn filter_map<U, F>(self, function: F) -> Flow<FilterMap<C, F>>
    where
        F: Fn(C::Out) -> Option<U> + Send + Sync + 'static,
        U: Send + 'static,
    {
        self.step(|chain| FilterMap { chain, function: Arc::new(function) })
    }

    /// What a function makes of each event, one after the other.
    pub fn flat_map<I, F>(self, function: F) -> Flow<FlatMap<C, F>>
    where
        F: Fn(C::Out) -> I + Send + Sync + 'static,
        I: IntoIterator<Item: Send + 'static>,
    {
        self.step(|chain| FlatMap { chain, function: Arc::new(function) })
    }

    /// Has a function look at each event.
    pub fn inspect<F>(self, function: F) -> Flow<Inspect<C, F>>
    where
        F: Fn(&C::Out) + Send + Sync + 'static,
    {
        self.step(|chain| Inspect { chain, function: Arc::new(function) })
    }

    #[allow(clippy::type_complexity, reason = "a closure has no shorter name")]
    /// Each event once in its stage and window, in the order in which they come. Partition before it, for
    /// each event once at all.
    pub fn uniq(self) -> Flow<UniqBy<C, impl Fn(&C::Out) -> C::Out + Send + Sync + 'static + use<C>>>
    where
        C::Out: Clone + Eq + Hash,
    {
        self.uniq_by(C::Out::clone)
    }

    /// The first event of each key in its stage and window, in the order in which they come.
    pub fn uniq_by<Q, F>(self, key: F) -> Flow<UniqBy<C, F>>
    where
        F: Fn(&C::Out) -> Q + Send + Sync + 'static,
        Q: Clone + Eq + Hash + Send + 'static,
    {
        self.uniq_by_most(usize::MAX, &Tally::new(), key)
    }

    /// As [`uniq_by`](Self::uniq_by), remembering the `most` youngest keys, at least 1; counts those that
    /// are forgotten.
    pub fn uniq_by_most<Q, F>(self, most: usize, evicted: &Tally, key: F) -> Flow<UniqBy<C, F>>
    where
        F: Fn(&C::Out) -> Q + Send + Sync + 'static,
        Q: Clone + Eq + Hash + Send + 'static,
    {
        let (most, evicted) = (most.max(1), evicted.clone());
        self.step(|chain| UniqBy { chain, function: Arc::new(key), most, evicted })
    }

    /// How many stages this layer has, at least 1. Default: as many as there are cores.
    pub fn stages(mut self, stages: usize) -> Self {
        self.options.stages = Some(stages.max(1));
        self
    }

    /// How many events each stage of this layer has asked of each stage before it at most. Default: 1000.
    pub fn max_demand(mut self, events: usize) -> Self {
        self.options.max_demand = events;
        self
    }

    /// At how many outstanding events more are asked for. Default: half of `max_demand`.
    pub fn min_demand(mut self, events: usize) -> Self {
        self.options.min_demand = Some(events);
        self
    }

    /// What this layer is called, in errors and plans. Default: after its steps.
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.options.name = Some(name.into());
        self
    }

    /// Calls a function once for each stage of this layer before it starts.
    pub fn on_init(mut self, function: impl Fn(Place) + Send + Sync + 'static) -> Self {
        self.options.on_init = Some(Arc::new(function));
        self
    }

    /// Splits the events that this layer gets into windows, for the reducer that follows.
    pub fn window<K: FitsTime<TimeOf<C>>>(mut self, window: Window<K>) -> Self {
        self.window = window.spec;
        self
    }

    /// Windows that overlap: an event is cloned for each that it belongs to.
    pub fn sliding_window(mut self, window: Window<EventTime>) -> Self
    where
        EventTime: FitsTime<TimeOf<C>>,
        InOf<C>: Clone,
    {
        self.window = window.spec;
        self.copy = Some(InOf::<C>::clone);
        self
    }

    /// Has a function look at the batches that a window gets before they are reduced, and say when the window
    /// is handed out. It has a state of its own for each window, which begins with `init()`. Of no effect
    /// where windows go by event time; takes the place of [`Window::trigger_every`].
    pub fn trigger<A, I, F>(mut self, init: I, function: F) -> Self
    where
        A: Send + 'static,
        I: Fn() -> A + Send + Sync + 'static,
        F: Fn(&mut A, Vec<InOf<C>>) -> Next<InOf<C>> + Send + Sync + 'static,
    {
        let function = Arc::new(function);
        self.looks = Some(Arc::new(move || {
            let (mut state, function) = (init(), Arc::clone(&function));
            Box::new(move |batch| function(&mut state, batch))
        }));
        self
    }

    /// Folds the events of each window of each stage into a value, beginning with `init()`.
    pub fn reduce<A, I, F>(self, init: I, function: F) -> Reduced<C, Fold<I, F>>
    where
        A: Send + 'static,
        I: Fn() -> A + Send + Sync + 'static,
        F: Fn(&mut A, C::Out) + Send + Sync + 'static,
    {
        Reduced { flow: self, reducer: Fold { init: Arc::new(init), function: Arc::new(function) } }
    }

    /// Folds as [`reduce`](Self::reduce) does, and emits at once what the function returns.
    pub fn emit_and_reduce<A, E, I, F>(self, init: I, function: F) -> Reduced<C, FoldAndEmit<I, F>>
    where
        A: Send + 'static,
        E: IntoIterator<Item: Send + 'static>,
        I: Fn() -> A + Send + Sync + 'static,
        F: Fn(&mut A, C::Out) -> E + Send + Sync + 'static,
    {
        let (init, function) = (Arc::new(init), Arc::new(function));
        Reduced { flow: self, reducer: FoldAndEmit { init, function } }
    }

    /// Opens a layer whose stages each get the events of their own keys: equal keys meet in one stage, in
    /// the order in which each stage before emits them.
    ///
    /// The hash of a key is the same for every number of stages and on every machine.
    pub fn partition<Q, F>(self, key: F) -> LayerFlow<TimeOf<C>, C::Out>
    where
        F: Fn(&C::Out) -> Q + Send + Sync + 'static,
        Q: Hash,
    {
        let node = self.node();
        Flow::at(Fed { node, routing: Some(by_key::<TimeOf<C>, _, _, _>(key)) })
    }

    /// Opens a layer whose stages take whatever comes, as they have time.
    pub fn shuffle(self) -> LayerFlow<TimeOf<C>, C::Out> {
        Flow::at(Fed { node: self.node(), routing: None })
    }

    /// Opens a layer that is fed by this flow and others of the same events.
    pub fn merge<D>(self, others: impl IntoIterator<Item = Flow<D>>) -> LayerFlow<TimeOf<C>, C::Out>
    where
        D: Chain<Out = C::Out>,
        D::Origin: Origin<Time = TimeOf<C>>,
    {
        let mut parts = vec![self.node()];
        parts.extend(others.into_iter().map(|flow| flow.node()));
        Flow::at(Fed { node: Arc::new(Merged { parts }), routing: None })
    }

    /// A flow with the type of its steps forgotten, to be stored in a field.
    pub fn boxed(self) -> LayerFlow<TimeOf<C>, C::Out> {
        self.shuffle()
    }

    /// The stages that do this layer's steps.
    pub(crate) fn node(&self) -> NodeOf<CarriedOf<C>> {
        let windowed = !self.window.is_plain() || self.looks.is_some();
        if let Some(node) = self.chain.node()
            && !self.options.foreign
            && !windowed
        {
            return node;
        }
        let layer = MapLayer { chain: self.chain.clone(), options: self.options.clone(), windowed };
        Arc::new(LayerNode { origin: self.chain.origin().clone(), layer })
    }

    /// What will run: layers, their stages, and what feeds what.
    pub fn explain(&self) -> Outline {
        let mut outline = Outline::default();
        self.node().outline(&mut outline);
        outline
    }
}

impl<C: Chain> Flow<C>
where
    C::Origin: Origin<Time = Untimed>,
{
    /// Opens a layer whose stages each get what `route` sends them: an event, perhaps another than before,
    /// and the number of a stage. Nothing drops the event. A stage that does not exist is an error of the
    /// flow.
    pub fn partition_with<F>(self, route: F) -> LayerFlow<Untimed, C::Out>
    where
        F: Fn(C::Out) -> Option<(C::Out, usize)> + Send + Sync + 'static,
    {
        let node = self.node();
        Flow::at(Fed { node, routing: Some(by_route(route)) })
    }
}

/// Sends each event to the stage of its key.
pub(crate) fn by_key<M, T, Q, F>(key: F) -> Routing<M::Of<T>>
where
    M: Time,
    T: Send + 'static,
    Q: Hash,
    F: Fn(&T) -> Q + Send + Sync + 'static,
{
    let key = Arc::new(key);
    Arc::new(move |stages, build: &Build, layer: &str| {
        let (key, errors, layer) = (Arc::clone(&key), build.first_error.clone(), layer.to_owned());
        let route = move |event: M::Of<T>| {
            let hash = noted(&errors, &layer, || stable_hash(&key(M::event(&event))))? % stages as u64;
            // Below the number of stages, which is a usize.
            Some((event, usize::try_from(hash).unwrap_or(0)))
        };
        dispatcher(stages, route)
    })
}

/// Sends each event where a function says.
fn by_route<T, F>(route: F) -> Routing<T>
where
    T: Send + 'static,
    F: Fn(T) -> Option<(T, usize)> + Send + Sync + 'static,
{
    let route = Arc::new(route);
    Arc::new(move |stages, build: &Build, layer: &str| {
        let (route, errors, layer) = (Arc::clone(&route), build.first_error.clone(), layer.to_owned());
        let checked = move |event: T| {
            let routed = noted(&errors, &layer, || route(event)).flatten();
            if let Some((_, partition)) = &routed
                && *partition >= stages
            {
                let (layer, partition, last) = (layer.clone(), *partition, stages - 1);
                errors.note(|| FlowError::Partition { layer, partition, last });
            }
            routed
        };
        dispatcher(stages, checked)
    })
}

/// Calls what says where an event goes; its panic is the end of the flow.
fn noted<T>(errors: &FirstError, layer: &str, call: impl FnOnce() -> T) -> Option<T> {
    guarded(&format!("{layer}/key"), call).map_err(|error| errors.note(|| error)).ok()
}

fn dispatcher<T, F>(stages: usize, route: F) -> Box<dyn Dispatcher<T>>
where
    T: Send + 'static,
    F: FnMut(T) -> Option<(T, usize)> + Send + 'static,
{
    // A layer has at least one stage, which is all that can be wrong.
    match PartitionDispatcher::routed(stages.max(1), route) {
        Ok(dispatcher) => Box::new(dispatcher),
        Err(_) => Box::new(stage_core::dispatch::DemandDispatcher::default()),
    }
}
