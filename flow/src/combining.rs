//! Values by key, known in parts by many stages and put together once: of one flow, or of several.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use crate::chain::{Chain, Start};
use crate::flow::Flow;
use crate::plan::{Build, Fed, Merged, NodeOf, Routing, Staged};
use crate::reduce::{MergeLayer, Partials, Shard};
use crate::time::{Time, Untimed};

/// Keys that one stage keeps before it hands on what it knows of them.
const MOST_PARTIAL: usize = 1 << 17;
/// The fewest partitions that keys are dealt out to; a stage takes several if there are fewer of them.
const PARTITIONS: usize = 16;

/// What stages know of keys, before it is put together; made by [`Flow::combining`].
#[must_use = "say how values of the same key are put together: merged"]
pub struct Combining<Q: Send + 'static, A: Send + 'static> {
    parts: Vec<NodeOf<Shard<Q, A>>>,
    stages: Option<usize>,
}

/// A flow of keys with their values, made by [`Combining::merged`].
pub type CombinedFlow<Q, A> = Flow<Start<Staged<Fed<Untimed, Shard<Q, A>>, MergeLayer<Q, A>>>>;

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
        let stages = self.options.stages;
        let partitions = self.options.count().max(PARTITIONS);
        let partial = move |values: &mut Partials<Q, A>, event: C::Out| {
            fold(values, event);
            // What is too much for one stage is handed on as it is.
            if values.len() >= MOST_PARTIAL { values.take_shards(partitions) } else { Vec::new() }
        };
        let shards = self.emit_and_reduce(Partials::default, partial);
        let shards = shards.on_trigger(move |mut values, _| (values.take_shards(partitions), values));
        Combining { parts: vec![shards.node()], stages }
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
        let Self { parts, stages } = self;
        let routing: Routing<Shard<Q, A>> = Arc::new(|stages, _: &Build, _: &str| {
            Untimed::by_partition(stages, move |shard: Shard<Q, A>| {
                let stage = shard.partition % stages;
                Some((shard, stage))
            })
        });
        let first = MergeLayer::new(Arc::new(merge));
        let origin = Fed { node: Arc::new(Merged { parts }), routing: Some(routing) };
        let mut flow = Flow::at(Staged { origin, first, what: "combine" });
        flow.options.stages = stages;
        flow
    }
}
