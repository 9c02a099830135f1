//! A layer that merges the partial values that stages have for each key.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use super::shard::{Merged, Shard};
use crate::options::LayerOptions;
use crate::plan::{Layer, Operator, Place};

/// Merges two values of a key.
pub(crate) type Merge<A> = Arc<dyn Fn(&mut A, A) + Send + Sync>;

/// A layer that merges values by key.
pub struct MergeLayer<Q, A> {
    merge: Merge<A>,
    options: LayerOptions,
    keys: std::marker::PhantomData<fn(Q)>,
}

/// The keys of one stage of the layer, with their values.
pub struct MergeOperator<Q, A> {
    merge: Merge<A>,
    values: Merged<Q, A>,
}

impl<Q, A> MergeLayer<Q, A> {
    pub(crate) fn new(merge: Merge<A>) -> Self {
        Self { merge, options: LayerOptions::default(), keys: std::marker::PhantomData }
    }
}

impl<Q, A> Clone for MergeLayer<Q, A> {
    fn clone(&self) -> Self {
        Self { merge: Arc::clone(&self.merge), options: self.options.clone(), keys: self.keys }
    }
}

impl<Q, A> fmt::Debug for MergeLayer<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MergeLayer").finish_non_exhaustive()
    }
}

impl<Q, A> fmt::Debug for MergeOperator<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MergeOperator").finish_non_exhaustive()
    }
}

impl<Q, A> Layer for MergeLayer<Q, A>
where
    Q: Eq + Hash + Send + 'static,
    A: Send + 'static,
{
    type In = Shard<Q, A>;
    type Out = (Q, A);
    type Operator = MergeOperator<Q, A>;

    fn operator(&self, _place: Place) -> MergeOperator<Q, A> {
        MergeOperator { merge: Arc::clone(&self.merge), values: Merged::default() }
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn name(&self) -> String {
        "combine".to_owned()
    }
}

impl<Q, A> Operator for MergeOperator<Q, A>
where
    Q: Eq + Hash + Send + 'static,
    A: Send + 'static,
{
    type In = Shard<Q, A>;
    type Out = (Q, A);

    fn batch<K: FnMut((Q, A))>(
        &mut self,
        _edge: usize,
        shards: impl Iterator<Item = Shard<Q, A>>,
        _sink: &mut K,
    ) {
        for shard in shards {
            self.values.merge(shard, &*self.merge);
        }
    }

    fn finish<K: FnMut((Q, A))>(&mut self, sink: &mut K) {
        std::mem::take(&mut self.values).into_entries().for_each(sink);
    }
}
