//! Values by key, known in parts by many stages and put together once: of one flow, or of several.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use crate::chain::{Chain, Start};
use crate::flow::{Flow, LayerFlow};
use crate::options::{LayerOptions, cores};
use crate::plan::{Build, Fed, Merged, NodeOf, Routing, Staged};
use crate::reduce::{Bulk, Deal, FoldPartials, Merge, MergeForLayer, MergeLayer, Partials, Shard};
use crate::reduced::Reduced;
use crate::time::{Time, Untimed};

/// The fewest partitions that keys are dealt out to; a stage takes several if there are fewer of them.
const PARTITIONS: usize = 16;

/// What stages know of keys, before it is put together; made by [`Flow::combining`].
#[must_use = "say how values of the same key are put together: merged"]
pub struct Combining<Q: Send + 'static, A: Send + 'static> {
    parts: Vec<PartOf<Q, A>>,
    stages: Option<usize>,
}

/// One of the flows that are put together, as soon as it is known among how many partitions.
type PartOf<Q, A> = Arc<dyn Fn(usize) -> LayerFlow<Untimed, Shard<Q, A>> + Send + Sync>;

/// A flow of keys with their values, made by [`Combining::merged`].
pub type CombinedFlow<Q, A> = Flow<Start<Staged<Fed<Untimed, Shard<Q, A>>, MergeLayer<Q, A>>>>;

/// A flow of events with the values of their keys, made by [`Combining::merged_for`].
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
    /// Folds events into values by key, in the stage that has the events: `fold` looks up the keys of an
    /// event itself, any number of them, by something that is only lent if need be, so that nothing is
    /// allocated for a key that is known. What stages know is put together by [`merged`](Combining::merged),
    /// perhaps with what [another flow](Combining::and) knows of the same keys.
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
    /// Adds what another flow knows of the same keys: a join of two flows that are each folded first.
    ///
    /// ```
    /// use flow::Flow;
    /// use flow::reduce::Partials;
    ///
    /// // By number: a name, if there is one, and the sum of sizes.
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

    /// Puts the values of each key together, in the stage of the key: a flow of every key with its value, at
    /// the end of the input.
    ///
    /// Folding and merging have to agree: folding two parts and merging them is folding both one after the
    /// other, for any order of events.
    pub fn merged(self, merge: impl Fn(&mut A, A) + Send + Sync + 'static) -> CombinedFlow<Q, A> {
        let partitions = self.partitions();
        let parts = self.parts.iter().map(|part| part(partitions).node()).collect();
        let origin = by_partition(parts, |shard: &Shard<Q, A>| shard.partition);
        let first = MergeLayer::new(Arc::new(merge));
        let flow = Flow::at(Staged { origin, first, what: "combine" });
        Flow { options: LayerOptions { stages: self.stages, ..flow.options }, ..flow }
    }

    /// Puts the values of each key together, and gives them to the events of another flow that want to know
    /// them: each event comes out once, at the end of the input, with the value of its key if there is one. A
    /// left outer join of that flow with what is folded here, in which neither the events of that flow nor
    /// their keys need be kept in a table.
    ///
    /// Folding and merging have to agree, as for [`merged`](Self::merged). The events of the other flow are
    /// kept in memory until the end, and come out in no particular order.
    ///
    /// ```
    /// use flow::Flow;
    /// use flow::reduce::Partials;
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
        let origin = by_partition(parts, Bulk::partition);
        let first = MergeForLayer::new(Arc::new(merge) as Merge<A>);
        let flow = Flow::at(Staged { origin, first, what: "combine" });
        Flow { options: LayerOptions { stages, ..flow.options }, ..flow }
    }

    /// Among how many partitions keys are dealt out.
    fn partitions(&self) -> usize {
        self.stages.unwrap_or_else(cores).max(PARTITIONS)
    }
}

/// What comes from all parts, each in the stage of its partition.
fn by_partition<T: Send + 'static>(
    parts: Vec<NodeOf<T>>,
    partition: impl Fn(&T) -> usize + Copy + Send + Sync + 'static,
) -> Fed<Untimed, T> {
    let routing: Routing<T> = Arc::new(move |stages, _: &Build, _: &str| {
        Untimed::by_partition(stages, move |item: T| {
            let stage = partition(&item) % stages;
            Some((item, stage))
        })
    });
    Fed { node: Arc::new(Merged { parts }), routing: Some(routing) }
}
