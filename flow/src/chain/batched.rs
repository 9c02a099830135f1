//! A function of whole batches, called before any other step.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use stage_core::ProducerRef;

use crate::error::FlowError;
use crate::plan::{Build, Exit, Feeds, Layer, Operator, Origin, Outline, Place};
use crate::time::Untimed;

/// An origin that maps each batch of the layer with a function.
pub struct Batched<O, F> {
    pub(crate) origin: O,
    pub(crate) function: Arc<F>,
}

impl<O: Clone, F> Clone for Batched<O, F> {
    fn clone(&self) -> Self {
        Self { origin: self.origin.clone(), function: Arc::clone(&self.function) }
    }
}

impl<O, F> fmt::Debug for Batched<O, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batched").finish_non_exhaustive()
    }
}

impl<O, F, U> Origin for Batched<O, F>
where
    O: Origin<Time = Untimed>,
    F: Fn(Vec<O::Item>) -> Vec<U> + Send + Sync + 'static,
    U: Send + 'static,
{
    type Item = U;
    type Time = Untimed;

    fn open<'a, L>(
        &'a self,
        layer: L,
        build: &'a Build,
        exit: Exit<L::Out>,
    ) -> BoxFuture<'a, Result<Vec<ProducerRef<L::Out>>, FlowError>>
    where
        L: Layer<In = U>,
    {
        let layer =
            Unbatched { layer, function: Arc::clone(&self.function), takes: std::marker::PhantomData };
        self.origin.open(layer, build, exit)
    }

    fn outline(&self, outline: &mut Outline) -> Vec<usize> {
        self.origin.outline(outline)
    }

    fn is_partitioned(&self) -> bool {
        self.origin.is_partitioned()
    }

    fn steps(&self, names: &mut Vec<&'static str>) {
        self.origin.steps(names);
        names.push("map_batch");
    }

    fn windows(&self) -> Option<String> {
        self.origin.windows()
    }
}

/// A layer that maps its batches with a function first.
pub struct Unbatched<L, F, T> {
    layer: L,
    function: Arc<F>,
    takes: std::marker::PhantomData<fn(T)>,
}

impl<L: Clone, F, T> Clone for Unbatched<L, F, T> {
    fn clone(&self) -> Self {
        Self { layer: self.layer.clone(), function: Arc::clone(&self.function), takes: self.takes }
    }
}

impl<L, F, T> fmt::Debug for Unbatched<L, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unbatched").finish_non_exhaustive()
    }
}

impl<L, F, T> Layer for Unbatched<L, F, T>
where
    L: Layer,
    F: Fn(Vec<T>) -> Vec<L::In> + Send + Sync + 'static,
    T: Send + 'static,
{
    type In = T;
    type Out = L::Out;
    type Operator = Unbatched<L::Operator, F, T>;

    fn operator(&self, place: Place) -> Self::Operator {
        Unbatched {
            layer: self.layer.operator(place),
            function: Arc::clone(&self.function),
            takes: std::marker::PhantomData,
        }
    }

    fn options(&self) -> &crate::options::LayerOptions {
        self.layer.options()
    }

    fn name(&self) -> String {
        self.layer.name()
    }

    fn operators(&self) -> Vec<String> {
        self.layer.operators()
    }

    fn check(&self) -> Result<(), FlowError> {
        self.layer.check()
    }
}

impl<P, F, T> Operator for Unbatched<P, F, T>
where
    P: Operator,
    F: Fn(Vec<T>) -> Vec<P::In> + Send + Sync + 'static,
    T: Send + 'static,
{
    type In = T;
    type Out = P::Out;

    fn fed_by(&mut self, feeds: Feeds) {
        self.layer.fed_by(feeds);
    }

    fn holds_back(&self) -> bool {
        self.layer.holds_back()
    }

    fn reached(&self) -> Option<crate::time::Reached> {
        self.layer.reached()
    }

    fn takes_batches(&self) -> bool {
        true
    }

    fn batch<K: FnMut(P::Out)>(&mut self, edge: usize, events: impl Iterator<Item = T>, sink: &mut K) {
        let made = (self.function)(events.collect());
        self.layer.batch(edge, made.into_iter(), sink);
    }

    fn edge_ended<K: FnMut(P::Out)>(&mut self, edge: usize, sink: &mut K) {
        self.layer.edge_ended(edge, sink);
    }

    fn finish<K: FnMut(P::Out)>(&mut self, sink: &mut K) {
        self.layer.finish(sink);
    }

    fn alarm(&self) -> Option<tokio::time::Instant> {
        self.layer.alarm()
    }

    fn ring<K: FnMut(P::Out)>(&mut self, sink: &mut K) {
        self.layer.ring(sink);
    }
}
