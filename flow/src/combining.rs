//! Values by key, folded partially in many stages and merged once: from one flow, or from several.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use crate::chain::{Chain, Start};
use crate::exchange::by_partition;
use crate::flow::{Flow, LayerFlow};
use crate::options::{LayerOptions, cores};
use crate::plan::{Build, Fed, Merged, NodeOf, Routing, Staged};
use crate::reduce::{Bulk, Deal, FoldPartials, Merge, MergeForLayer, MergeLayer, Partials, Shard};
use crate::reduced::Reduced;
use crate::time::Untimed;

/// The minimum number of partitions of the keys; if there are fewer stages, each takes several partitions.
const PARTITIONS: usize = 16;

/// Partial values by key in the stages of a flow, before they are merged; created by [`Flow::combining`].
#[must_use = "declare how values of the same key are combined: merged"]
pub struct Combining<Q: Send + 'static, A: Send + 'static> {
    parts: Vec<PartOf<Q, A>>,
    stages: Option<usize>,
}

/// Creates one of the flows to merge, once the number of partitions is known.
type PartOf<Q, A> = Arc<dyn Fn(usize) -> LayerFlow<Untimed, Shard<Q, A>> + Send + Sync>;

/// A flow of keys with their values; created by [`Combining::merged`].
pub type CombinedFlow<Q, A> = Flow<Start<Staged<Fed<Untimed, Shard<Q, A>>, MergeLayer<Q, A>>>>;

/// A flow of events with the values of their keys; created by [`Combining::merged_for`].
pub type KnowingFlow<Q, A, T> = Flow<Start<Staged<Fed<Untimed, Bulk<Q, A, T>>, MergeForLayer<Q, A, T>>>>;

impl<Q: Send + 'static, A: Send + 'static> Clone for Combining<Q, A> {
    fn clone(&self) -> Self {
        Self { parts: self.parts.clone(), stages: self.stages }
    }
}

impl<Q: Send + 'static, A: Send + 'static> fmt::Debug for Combining<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Combining").field("parts", &self.parts.len()).finish_non_exhaustive()
    }
}

impl<C: Chain> Flow<C> {
    /// Folds events into values by key, in the stage that has the events. `fold` looks up any number of keys
    /// for each event; it can use borrowed keys, so that nothing is allocated for an existing key.
    /// [`merged`](Combining::merged) merges the partial values of the stages, optionally with those of
    /// [another flow](Combining::and).
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let lines = Flow::from_items(["the quick brown fox", "the lazy dog", "the end"]);
    /// let counts = lines.combining(|counts, line| {
    ///     for word in line.split(' ') {
    ///         *counts.of_lent(word) += 1;
    ///     }
    /// });
    /// let counts: Vec<(Box<str>, u32)> = counts.merged(|count, other| *count += other).collect().await?;
    /// assert!(counts.contains(&("the".into(), 3)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn combining<Q, A, G>(self, fold: G) -> Combining<Q, A>
    where
        Q: Eq + Hash + Send + 'static,
        A: Send + 'static,
        G: Fn(&mut Partials<Q, A>, C::Out) + Send + Sync + 'static,
    {
        let (stages, fold) = (self.options.stages, Arc::new(fold));
        let part = move |partitions| {
            let reducer = FoldPartials::new(Arc::clone(&fold), partitions);
            let shards = Reduced { flow: self.clone(), reducer };
            shards.on_trigger(move |mut values, _| (values.take_shards(partitions), values))
        };
        Combining { parts: vec![Arc::new(part)], stages }
    }
}

impl<Q, A> Combining<Q, A>
where
    Q: Eq + Hash + Send + 'static,
    A: Send + 'static,
{
    /// Adds the partial values of another flow for the same keys: a join of two flows, each of which is
    /// folded first.
    ///
    /// ```
    /// use flow::Flow;
    /// use flow::Partials;
    ///
    /// // By id: the name, if there is one, and the sum of the sizes.
    /// type Known = Partials<u32, (Option<&'static str>, u32)>;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let users = Flow::from_items([(1, "Joe"), (2, "Robert")]);
    /// let sizes = Flow::from_items([(1, 10), (1, 20), (7, 40)]);
    /// let users = users.combining(|known: &mut Known, (id, name)| known.of(id).0 = Some(name));
    /// let sizes = sizes.combining(|known: &mut Known, (id, size)| known.of(id).1 += size);
    /// let all = users.and(sizes).merged(|one, other| *one = (one.0.or(other.0), one.1 + other.1));
    /// let mut all: Vec<_> = all.filter_map(|(_, (name, size))| Some((name?, size))).collect().await?;
    /// all.sort();
    /// assert_eq!(all, [("Joe", 30), ("Robert", 0)]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn and(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self.stages = self.stages.max(other.stages);
        self
    }

    /// Merges the values of each key, in the stage of the key: a flow of every key with its value, at the end
    /// of the input.
    ///
    /// `merge` must be consistent with `fold`: folding two parts and merging the results must equal folding
    /// both parts in sequence, for any order of events.
    pub fn merged(self, merge: impl Fn(&mut A, A) + Send + Sync + 'static) -> CombinedFlow<Q, A> {
        let partitions = self.partitions();
        let parts = self.parts.iter().map(|part| part(partitions).node()).collect();
        let origin = merged(parts, |shard: &Shard<Q, A>| shard.partition);
        let first = MergeLayer::new(Arc::new(merge));
        let flow = Flow::at(Staged { origin, first, what: "combine" });
        Flow { options: LayerOptions { stages: self.stages, ..flow.options }, ..flow }
    }

    /// Merges the values of each key, and pairs the events of another flow with them: each event is emitted
    /// once, at the end of the input, with the value of its key if there is one. This is a left outer join of
    /// that flow with the folded values, which keeps neither the events of that flow nor their keys in a
    /// table.
    ///
    /// `merge` must be consistent with `fold`, as for [`merged`](Self::merged). The events of the other flow
    /// are kept in memory until the end, and are emitted in no particular order.
    ///
    /// ```
    /// use flow::Flow;
    /// use flow::Partials;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let files = Flow::from_items([(1, 10), (1, 20), (7, 40)]);
    /// let sizes = files.combining(|sizes: &mut Partials<u32, u64>, (user, size)| *sizes.of(user) += size);
    /// let users = Flow::from_items([(1, "Joe"), (2, "Robert")]);
    /// let all = sizes.merged_for(users, |(user, _)| *user, |size, other| *size += other);
    /// let mut all: Vec<_> = all.map(|((_, name), size)| (name, size)).collect().await?;
    /// all.sort();
    /// assert_eq!(all, [("Joe", Some(30)), ("Robert", None)]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn merged_for<D, F>(
        self,
        events: Flow<D>,
        key: F,
        merge: impl Fn(&mut A, A) + Send + Sync + 'static,
    ) -> KnowingFlow<Q, A, D::Out>
    where
        A: Clone,
        D: Chain,
        F: Fn(&D::Out) -> Q + Send + Sync + 'static,
    {
        let partitions = self.partitions();
        let stages = self.stages.max(events.options.stages);
        let deal = Reduced { flow: events, reducer: Deal::new(Arc::new(key), partitions) };
        let events = deal.on_trigger(|mut dealt, _| (dealt.take(), dealt));
        let values = self.parts.iter().map(|part| part(partitions).map(Bulk::Values).node());
        let parts = values.chain([events.node()]).collect();
        let origin = merged(parts, Bulk::partition);
        let first = MergeForLayer::new(Arc::new(merge) as Merge<A>);
        let flow = Flow::at(Staged { origin, first, what: "combine" });
        Flow { options: LayerOptions { stages, ..flow.options }, ..flow }
    }

    /// Returns the number of partitions of the keys.
    fn partitions(&self) -> usize {
        self.stages.unwrap_or_else(cores).max(PARTITIONS)
    }
}

/// Merges the output of all parts, each event in the stage of its partition.
fn merged<T: Send + 'static>(
    parts: Vec<NodeOf<T>>,
    partition: impl Fn(&T) -> usize + Copy + Send + Sync + 'static,
) -> Fed<Untimed, T> {
    let routing: Routing<T> = Arc::new(move |stages, _: &Build, _: &str| {
        by_partition(stages, move |item: T| {
            let stage = partition(&item) % stages;
            Some((item, stage))
        })
    });
    Fed { node: Arc::new(Merged { parts }), routing: Some(routing) }
}
