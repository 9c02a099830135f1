//! Exchanges: how events move between stages, by key, by demand, or from several flows into one layer.

use std::hash::Hash;
use std::sync::Arc;

use stage_core::ExitReason;
use stage_core::dispatch::{DemandDispatcher, Dispatcher, PartitionDispatcher, PartitionError, stable_hash};

use crate::chain::{Chain, TimeOf};
use crate::error::FlowError;
use crate::flow::{Flow, LayerFlow};
use crate::plan::{Build, Fed, Merged, Origin, Routing};
use crate::time::{Time, Untimed};

impl<C: Chain> Flow<C> {
    /// Opens a layer that is partitioned by key: events with equal keys go to the same stage, in the order in
    /// which each stage before emits them.
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

    /// Opens a layer whose stages take any events, by demand.
    pub fn shuffle(self) -> LayerFlow<TimeOf<C>, C::Out> {
        Flow::at(Fed { node: self.node(), routing: None })
    }

    /// Opens a layer that is fed by this flow and by other flows with events of the same type.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let (low, high) = (Flow::from_items(0..5_u64), Flow::from_items(5..10_u64));
    /// let sums = low
    ///     .merge([high])
    ///     .partition_with(|number| Some((number, usize::from(number % 2 == 1))))
    ///     .stages(2)
    ///     .reduce(|| 0, |sum, number| *sum += number)
    ///     .emit_state();
    /// let mut sums: Vec<u64> = sums.collect().await?;
    /// sums.sort_unstable();
    /// assert_eq!(sums, [20, 25]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn merge<D>(self, others: impl IntoIterator<Item = Flow<D>>) -> LayerFlow<TimeOf<C>, C::Out>
    where
        D: Chain<Out = C::Out>,
        D::Origin: Origin<Time = TimeOf<C>>,
    {
        let mut parts = vec![self.node()];
        parts.extend(others.into_iter().map(|flow| flow.node()));
        Flow::at(Fed { node: Arc::new(Merged { parts }), routing: None })
    }

    /// Erases the type of the steps, for example to store the flow in a field.
    ///
    /// This costs an exchange, as [`shuffle`](Self::shuffle) does: the steps so far run in the stages of their
    /// layer, and the steps after this call in the stages of a second layer, to which every event is sent. A
    /// function that returns `Flow<impl Chain<Out = T>>` needs no exchange.
    ///
    /// ```
    /// use flow::{Flow, LayerFlow, time::Untimed};
    ///
    /// struct Query {
    ///     numbers: LayerFlow<Untimed, u64>,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let query = Query { numbers: Flow::from_items(1..=9_u64).filter(|number| number % 2 == 1).boxed() };
    /// // `map` runs in the second layer.
    /// assert_eq!(query.numbers.map(|number| number * 2).count().await?, 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn boxed(self) -> LayerFlow<TimeOf<C>, C::Out> {
        self.shuffle()
    }
}

impl<C: Chain> Flow<C>
where
    C::Origin: Origin<Time = Untimed>,
{
    /// Opens a layer whose stages receive the events that `route` sends them: `route` returns the event,
    /// which it may replace, and the number of a stage. No event can be dropped. The flow fails if the stage
    /// does not exist.
    pub fn partition_with<F>(self, route: F) -> LayerFlow<Untimed, C::Out>
    where
        F: Fn(C::Out) -> Option<(C::Out, usize)> + Send + Sync + 'static,
    {
        let node = self.node();
        Flow::at(Fed { node, routing: Some(by_route(route)) })
    }
}

/// Creates a dispatcher that sends each event to the partition that `route` returns.
pub(crate) fn by_partition<E, F>(partitions: usize, route: F) -> Box<dyn Dispatcher<E>>
where
    E: Send + 'static,
    F: FnMut(E) -> Option<(E, usize)> + Send + 'static,
{
    boxed(PartitionDispatcher::routed(partitions.max(1), route))
}

/// Boxes a dispatcher with at least one partition.
fn boxed<E, D>(dispatcher: Result<D, PartitionError>) -> Box<dyn Dispatcher<E>>
where
    E: Send + 'static,
    D: Dispatcher<E> + 'static,
{
    // No partitions is the only possible error, and a layer has at least one stage.
    match dispatcher {
        Ok(dispatcher) => Box::new(dispatcher),
        Err(_) => Box::new(DemandDispatcher::default()),
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
    by_hash::<M, T, _>(move |event| stable_hash(&key(event)))
}

/// Sends each event to the stage of its hash.
pub(crate) fn by_hash<M, T, F>(hash: F) -> Routing<M::Of<T>>
where
    M: Time,
    T: Send + 'static,
    F: Fn(&T) -> u64 + Send + Sync + 'static,
{
    let hash = Arc::new(hash);
    Arc::new(move |stages, build: &Build, layer: &str| {
        let hash = Arc::clone(&hash);
        let stages_wide = stages as u64;
        // Without a division where possible: this is done for every event.
        let mask = stages_wide.is_power_of_two().then(|| stages_wide - 1);
        let number = move |event: &M::Of<T>| {
            let hash = hash(M::event(event));
            let partition = mask.map_or_else(|| hash % stages_wide, |mask| hash & mask);
            // Less than the number of stages, which is a `usize`.
            Some(usize::try_from(partition).unwrap_or(0))
        };
        let panicked = noted_panic(build, layer);
        let dispatcher = PartitionDispatcher::numbered(stages.max(1), number);
        boxed(dispatcher.map(|dispatcher| dispatcher.on_panic(panicked)))
    })
}

/// Sends each event to the stage that a function returns.
fn by_route<T, F>(route: F) -> Routing<T>
where
    T: Send + 'static,
    F: Fn(T) -> Option<(T, usize)> + Send + Sync + 'static,
{
    let route = Arc::new(route);
    Arc::new(move |stages, build: &Build, layer: &str| {
        let (route, errors, name) = (Arc::clone(&route), build.first_error.clone(), layer.to_owned());
        let checked = move |event: T| {
            let routed = route(event);
            if let Some((_, partition)) = &routed
                && *partition >= stages
            {
                let (layer, partition, last) = (name.clone(), *partition, stages - 1);
                errors.note(|| FlowError::Partition { layer, partition, last });
            }
            routed
        };
        let panicked = noted_panic(build, layer);
        let dispatcher = PartitionDispatcher::routed(stages.max(1), checked);
        boxed(dispatcher.map(|dispatcher| dispatcher.on_panic(panicked)))
    })
}

/// Returns the function that ends the flow when the routing function of a layer panics.
fn noted_panic(build: &Build, layer: &str) -> impl FnMut(&ExitReason) + Send + use<> {
    let (errors, stage) = (build.first_error.clone(), format!("{layer}/key"));
    move |reason| errors.note(|| FlowError::Stage { stage: stage.clone(), reason: reason.clone() })
}
