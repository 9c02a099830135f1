//! Reductions by key: groups, counts and sums, with partial results merged before they change stages.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use crate::chain::{Chain, Map, TimeOf};
use crate::combining::CombinedFlow;
use crate::flow::{Flow, LayerFlow};
use crate::recent::Recent;
use crate::reduce::{Fold, Partials};
use crate::reduced::Reduced;
use crate::refused::Refused;
use crate::sorted::Sorted;
use crate::stats::Tally;
use crate::time::Untimed;

impl<C: Chain> Flow<C> {
    /// Collects the values of each key in this stage and window, in arrival order. For one list per key,
    /// partition by the same key first.
    ///
    /// ```
    /// use flow::{Flow, Tally};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let words = Flow::from_items(["pear", "apple", "plum"]).stages(1);
    /// let first = |word: &&str| word.chars().next();
    /// let groups = words.clone().group_by(first, |word| word).emit();
    /// let mut groups: Vec<(Option<char>, Vec<&str>)> = groups.collect().await?;
    /// groups.sort();
    /// assert_eq!(groups, [(Some('a'), vec!["apple"]), (Some('p'), vec!["pear", "plum"])]);
    ///
    /// let evicted = Tally::new();
    /// let latest = words.clone().group_by_most(1, &evicted, first, |word| word).emit();
    /// let latest: Vec<(Option<char>, Vec<&str>)> = latest.collect().await?;
    /// assert_eq!(latest, [(Some('p'), vec!["plum"])]);
    /// assert_eq!(evicted.get(), 2);
    ///
    /// let pairs = Flow::from_items([('a', 1), ('b', 2), ('a', 3)]).stages(1).map_values(|value| value * 10);
    /// let mut values: Vec<(char, Vec<i32>)> = pairs.group_by_key().emit().collect().await?;
    /// values.sort();
    /// assert_eq!(values, [('a', vec![10, 30]), ('b', vec![20])]);
    /// # Ok(())
    /// # }
    /// ```
    #[allow(clippy::type_complexity, reason = "a closure has no shorter name")]
    pub fn group_by<Q, V, F, G>(
        self,
        key: F,
        value: G,
    ) -> Reduced<
        C,
        Fold<
            fn() -> FxHashMap<Q, Vec<V>>,
            impl Fn(&mut FxHashMap<Q, Vec<V>>, C::Out) + Send + Sync + 'static + use<C, Q, V, F, G>,
        >,
    >
    where
        Q: Eq + Hash + Send + 'static,
        V: Send + 'static,
        F: Fn(&C::Out) -> Q + Send + Sync + 'static,
        G: Fn(C::Out) -> V + Send + Sync + 'static,
    {
        self.reduce(FxHashMap::default as fn() -> _, move |groups: &mut FxHashMap<Q, Vec<V>>, event| {
            let key = key(&event);
            groups.entry(key).or_default().push(value(event));
        })
    }

    /// Collects values as [`group_by`](Self::group_by) does, for at most `most` keys, at least 1. Beyond the
    /// limit, the key whose last event arrived first is evicted with its values, and counted. The keys are
    /// emitted in the order of their last events. For values other than lists, see [`Recent`].
    #[allow(clippy::type_complexity, reason = "a closure has no shorter name")]
    #[track_caller]
    pub fn group_by_most<Q, V, F, G>(
        mut self,
        most: usize,
        evicted: &Tally,
        key: F,
        value: G,
    ) -> Reduced<
        C,
        Fold<
            impl Fn() -> Recent<Q, Vec<V>> + Send + Sync + 'static + use<C, Q, V, F, G>,
            impl Fn(&mut Recent<Q, Vec<V>>, C::Out) + Send + Sync + 'static + use<C, Q, V, F, G>,
        >,
    >
    where
        Q: Clone + Eq + Hash + Send + 'static,
        V: Send + 'static,
        F: Fn(&C::Out) -> Q + Send + Sync + 'static,
        G: Fn(C::Out) -> V + Send + Sync + 'static,
    {
        self.options.refuse(Refused::zero("group_by_most", most));
        let evicted = evicted.clone();
        let init = move || Recent::new(most, &evicted);
        self.reduce(init, move |groups: &mut Recent<Q, Vec<V>>, event| {
            groups.entry(key(&event), Vec::new).push(value(event));
        })
    }

    /// Folds the events of each key into one value, over the whole input.
    ///
    /// Each stage folds its own events; only the partial values change stages, one for each key and stage,
    /// and are merged in the stage of the key. The result is therefore emitted at the end of the input, and
    /// `merge` must be consistent with `fold`: folding two parts and merging the results must equal folding
    /// both parts in sequence, for any order of events.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let longest = Flow::from_items(["pear", "apple", "plum", "apricot"]).combine_by(
    ///     |word| word.chars().next(),
    ///     || 0,
    ///     |longest, word| *longest = word.len().max(*longest),
    ///     |longest, other| *longest = other.max(*longest),
    /// );
    /// let mut longest: Vec<(Option<char>, usize)> = longest.collect().await?;
    /// longest.sort();
    /// assert_eq!(longest, [(Some('a'), 7), (Some('p'), 4)]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn combine_by<Q, A, F, I, G, H>(self, key: F, init: I, fold: G, merge: H) -> CombinedFlow<Q, A>
    where
        Q: Eq + Hash + Send + 'static,
        A: Send + 'static,
        F: Fn(&C::Out) -> Q + Send + Sync + 'static,
        I: Fn() -> A + Send + Sync + 'static,
        G: Fn(&mut A, C::Out) + Send + Sync + 'static,
        H: Fn(&mut A, A) + Send + Sync + 'static,
    {
        let partial = move |values: &mut Partials<Q, A>, event| {
            fold(values.of_or(key(&event), &init), event);
        };
        self.combining(partial).merged(merge)
    }

    /// Counts the events of each key, over the whole input; partial counts are merged before they change
    /// stages.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let words = Flow::from_items(["pear", "apple", "plum"]);
    /// let first = |word: &&str| word.chars().next();
    /// let mut counts: Vec<(Option<char>, u64)> = words.clone().count_by(first).collect().await?;
    /// counts.sort();
    /// assert_eq!(counts, [(Some('a'), 1), (Some('p'), 2)]);
    /// let mut lengths: Vec<(Option<char>, usize)> = words.clone().sum_by(first, str::len).collect().await?;
    /// lengths.sort();
    /// assert_eq!(lengths, [(Some('a'), 5), (Some('p'), 8)]);
    /// let first_two = words.take_sort(2, |one, other| one.cmp(other));
    /// assert_eq!(first_two.collect::<Vec<_>>().await?, [["apple", "pear"]]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn count_by<Q, F>(self, key: F) -> CombinedFlow<Q, u64>
    where
        Q: Eq + Hash + Send + 'static,
        F: Fn(&C::Out) -> Q + Send + Sync + 'static,
    {
        self.combine_by(key, || 0, |count, _| *count += 1, |count, other| *count += other)
    }

    /// Sums the values of each key, over the whole input; partial sums are merged before they change stages.
    pub fn sum_by<Q, V, F, G>(self, key: F, value: G) -> CombinedFlow<Q, V>
    where
        Q: Eq + Hash + Send + 'static,
        V: Default + std::ops::AddAssign + Send + 'static,
        F: Fn(&C::Out) -> Q + Send + Sync + 'static,
        G: Fn(C::Out) -> V + Send + Sync + 'static,
    {
        self.combine_by(key, V::default, move |sum, event| *sum += value(event), |sum, other| *sum += other)
    }

    /// Returns the first `most` events of the whole input in the order of `compare`, as one list.
    pub fn take_sort<F>(self, most: usize, compare: F) -> LayerFlow<Untimed, Vec<C::Out>>
    where
        C::Out: Clone,
        F: Fn(&C::Out, &C::Out) -> std::cmp::Ordering + Clone + Send + Sync + 'static,
    {
        let cut = move |list: &mut Vec<C::Out>, compare: &F| {
            list.sort_by(compare);
            list.truncate(most);
        };
        // Sorted only when the buffer is full, so that the cost per event is that of sorting twice `most`
        // events at once.
        let room = most.saturating_mul(2).max(64);
        let (first, last, next, whole) = (compare.clone(), compare.clone(), compare.clone(), compare);
        self.reduce(Vec::new, move |list: &mut Vec<C::Out>, event| {
            list.push(event);
            if list.len() >= room {
                cut(list, &first);
            }
        })
        .on_trigger(move |mut list, _| {
            cut(&mut list, &last);
            ([list], Vec::new())
        })
        .stages(1)
        .reduce(move || Sorted::new(most), move |all: &mut Sorted<C::Out>, list| all.add(list, &next))
        .on_trigger(move |mut all, _| ([all.take(&whole)], all))
    }

    /// Returns all events of the whole input in the order of `compare`. They are kept in memory until the
    /// end.
    pub fn sort<F>(self, compare: F) -> LayerFlow<Untimed, C::Out>
    where
        C::Out: Clone,
        F: Fn(&C::Out, &C::Out) -> std::cmp::Ordering + Clone + Send + Sync + 'static,
    {
        self.take_sort(usize::MAX, compare).stages(1).flat_map_one_stage()
    }
}

impl<C: Chain<Out = Vec<T>>, T: Send + 'static> Flow<C> {
    /// Emits the items of lists, in their order, in a following layer of one stage.
    fn flat_map_one_stage(self) -> LayerFlow<TimeOf<C>, T> {
        self.flat_map(|list| list).stages(1).shuffle().stages(1)
    }
}

impl<C, Q, V> Flow<C>
where
    C: Chain<Out = (Q, V)>,
    Q: Send + 'static,
    V: Send + 'static,
{
    /// Maps the value of each pair with a function.
    #[allow(clippy::type_complexity, reason = "a closure has no shorter name")]
    pub fn map_values<W, F>(
        self,
        function: F,
    ) -> Flow<Map<C, impl Fn((Q, V)) -> (Q, W) + Send + Sync + 'static + use<C, Q, V, W, F>>>
    where
        F: Fn(V) -> W + Send + Sync + 'static,
        W: Send + 'static,
    {
        self.map(move |(key, value)| (key, function(value)))
    }

    /// Collects the values of each key in this stage and window, as [`group_by`](Self::group_by) does.
    #[allow(clippy::type_complexity, reason = "a closure has no shorter name")]
    pub fn group_by_key(
        self,
    ) -> Reduced<
        C,
        Fold<
            fn() -> FxHashMap<Q, Vec<V>>,
            impl Fn(&mut FxHashMap<Q, Vec<V>>, (Q, V)) + Send + Sync + 'static + use<C, Q, V>,
        >,
    >
    where
        Q: Eq + Hash,
    {
        self.reduce(FxHashMap::default as fn() -> _, |groups: &mut FxHashMap<Q, Vec<V>>, (key, value)| {
            groups.entry(key).or_default().push(value);
        })
    }
}
