//! Joins events with the values of their keys: merges the values, and looks them up at the end.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use super::merge_layer::Merge;
use super::shard::{Merged, Shard};
use crate::options::LayerOptions;
use crate::plan::{Layer, Operator, Place};

/// The input of a stage: partial values, or events that need values.
#[derive(Debug)]
pub enum Bulk<Q, A, T> {
    /// The partial values of some keys from one stage.
    Values(Shard<Q, A>),
    /// Events with the keys whose values they need.
    Events(Shard<Q, T>),
}

/// A layer that pairs each event with the value of its key.
pub struct MergeForLayer<Q, A, T> {
    merge: Merge<A>,
    options: LayerOptions,
    takes: PhantomData<fn(Q, T)>,
}

/// The values of one stage of the layer, and the events that wait for the end.
pub struct MergeForOperator<Q, A, T> {
    merge: Merge<A>,
    values: Merged<Q, A>,
    /// By partition, so that the events of a partition look up in one small table.
    waiting: Vec<Vec<Shard<Q, T>>>,
}

impl<Q, A, T> Bulk<Q, A, T> {
    /// Returns the partition of the keys.
    pub(crate) fn partition(&self) -> usize {
        match self {
            Self::Values(shard) => shard.partition,
            Self::Events(shard) => shard.partition,
        }
    }
}

impl<Q, A, T> MergeForLayer<Q, A, T> {
    pub(crate) fn new(merge: Merge<A>) -> Self {
        Self { merge, options: LayerOptions::default(), takes: PhantomData }
    }
}

impl<Q, A, T> Clone for MergeForLayer<Q, A, T> {
    fn clone(&self) -> Self {
        Self { merge: Merge::clone(&self.merge), options: self.options.clone(), takes: self.takes }
    }
}

impl<Q, A, T> fmt::Debug for MergeForLayer<Q, A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MergeForLayer").finish_non_exhaustive()
    }
}

impl<Q, A, T> fmt::Debug for MergeForOperator<Q, A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MergeForOperator").finish_non_exhaustive()
    }
}

impl<Q, A, T> Layer for MergeForLayer<Q, A, T>
where
    Q: Eq + Hash + Send + 'static,
    A: Clone + Send + 'static,
    T: Send + 'static,
{
    type In = Bulk<Q, A, T>;
    type Out = (T, Option<A>);
    type Operator = MergeForOperator<Q, A, T>;

    fn operator(&self, _place: Place) -> MergeForOperator<Q, A, T> {
        let merge = Merge::clone(&self.merge);
        MergeForOperator { merge, values: Merged::default(), waiting: Vec::new() }
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn name(&self) -> String {
        "combine".to_owned()
    }
}

impl<Q, A, T> Operator for MergeForOperator<Q, A, T>
where
    Q: Eq + Hash + Send + 'static,
    A: Clone + Send + 'static,
    T: Send + 'static,
{
    type In = Bulk<Q, A, T>;
    type Out = (T, Option<A>);

    fn batch<K: FnMut((T, Option<A>))>(
        &mut self,
        _edge: usize,
        bulks: impl Iterator<Item = Bulk<Q, A, T>>,
        _sink: &mut K,
    ) {
        for bulk in bulks {
            match bulk {
                Bulk::Values(shard) => self.values.merge(shard, &*self.merge),
                Bulk::Events(shard) => {
                    if self.waiting.len() <= shard.partition {
                        self.waiting.resize_with(shard.partition + 1, Vec::new);
                    }
                    self.waiting[shard.partition].push(shard);
                }
            }
        }
    }

    fn finish<K: FnMut((T, Option<A>))>(&mut self, sink: &mut K) {
        let values = std::mem::take(&mut self.values);
        for Shard { partition, entries } in std::mem::take(&mut self.waiting).into_iter().flatten() {
            for (hash, key, event) in entries {
                sink((event, values.find(partition, hash, &key).cloned()));
            }
        }
    }
}
