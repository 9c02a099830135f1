//! A layer that is fed by the stages of the layer before.

use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use stage_core::dispatch::{DispatchOptions, Dispatcher};
use stage_core::spawn::producer_consumer;
use stage_core::subscribe::Subscription;
use stage_core::{ProducerRef, StageRef};

use super::build::MakeDispatcher;
use super::{Build, Exit, Feeds, Layer, NodeOf, Origin, Outline, Place};
use crate::error::FlowError;
use crate::exec::{FedStage, Leave, Readers};
use crate::options::FedBy;
use crate::time::Time;

/// Creates the dispatcher that sends events to the given number of stages of the named layer.
pub(crate) type Routing<E> = Arc<dyn Fn(usize, &Build, &str) -> Box<dyn Dispatcher<E>> + Send + Sync>;

/// Events from the layer before.
pub struct Fed<M: Time, T: Send + 'static> {
    pub(crate) node: NodeOf<M::Of<T>>,
    /// Dispatches by partition; `None` dispatches by demand.
    pub(crate) routing: Option<Routing<M::Of<T>>>,
}

impl<M: Time, T: Send + 'static> Clone for Fed<M, T> {
    fn clone(&self) -> Self {
        Self { node: Arc::clone(&self.node), routing: self.routing.clone() }
    }
}

impl<M: Time, T: Send + 'static> fmt::Debug for Fed<M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fed").field("partitioned", &self.routing.is_some()).finish_non_exhaustive()
    }
}

impl<M: Time, T: Send + 'static> Origin for Fed<M, T> {
    type Item = T;
    type Time = M;

    fn open<'a, L>(
        &'a self,
        layer: L,
        build: &'a Build,
        exit: Exit<L::Out>,
    ) -> BoxFuture<'a, Result<Vec<ProducerRef<L::Out>>, FlowError>>
    where
        L: Layer<In = M::Of<T>>,
    {
        async move {
            // Check before any stage is started.
            layer.check()?;
            layer.options().check()?;
            let of = layer.options().count();
            let name = build.name(&layer.name());
            if self.routing.is_none()
                && layer.options().fed_by == FedBy::Layer
                && let Some(upstream) = self.node.build_common(build)
            {
                let upstream = upstream.await?;
                if upstream.len() == of {
                    return feed_each(layer, name, upstream, build, exit).await;
                }
            }
            let dispatcher = self.routing.as_ref().map(|routing| {
                let (routing, build, name) = (Arc::clone(routing), build.clone(), name.clone());
                let make: MakeDispatcher<_> = Arc::new(move || routing(of, &build, &name));
                make
            });
            let exit_before = Exit { consumers: of, readers: Readers::Own, dispatcher };
            let (upstream, feeds) = self.node.build_sides(build, exit_before).await?;
            feed(layer, name, self.routing.is_some(), (upstream, feeds), build, exit).await
        }
        .boxed()
    }

    fn outline(&self, outline: &mut Outline) -> Vec<usize> {
        self.node.outline(outline)
    }

    fn is_partitioned(&self) -> bool {
        self.routing.is_some() && !self.node.is_asked_by_demand()
    }

    fn node(&self) -> Option<NodeOf<M::Of<T>>> {
        // A direct subscriber would lose the partitions.
        if self.routing.is_some() { None } else { Some(Arc::clone(&self.node)) }
    }
}

/// Starts the stages of `layer`, each subscribed to every one of `upstream`.
pub(super) async fn feed<L: Layer>(
    layer: L,
    name: String,
    partitioned: bool,
    (upstream, feeds): (Vec<ProducerRef<L::In>>, Feeds),
    build: &Build,
    exit: Exit<L::Out>,
) -> Result<Vec<ProducerRef<L::Out>>, FlowError> {
    let (edges, of) = (Edges::All(upstream.len()), layer.options().count());
    StartingLayer::new(layer, name, partitioned, (upstream, feeds), build, exit).start_all(edges, of).await
}

/// Starts as many stages of `layer` as there are `upstream`, each subscribed to one of them.
async fn feed_each<L: Layer>(
    layer: L,
    name: String,
    upstream: Vec<ProducerRef<L::In>>,
    build: &Build,
    exit: Exit<L::Out>,
) -> Result<Vec<ProducerRef<L::Out>>, FlowError> {
    let (of, feeds) = (upstream.len(), Feeds::Stages(1));
    StartingLayer::new(layer, name, false, (upstream, feeds), build, exit).start_all(Edges::One, of).await
}

/// The stages before that each stage of a layer subscribes to.
#[derive(Clone, Copy)]
enum Edges {
    /// All of them, whose number this is.
    All(usize),
    /// The one with the same number.
    One,
}

/// Starts `of` stages, and subscribes each. Without the types of the layer, so that it is compiled once.
fn feed_stages(layer: &mut dyn Feed, edges: Edges, of: usize) -> BoxFuture<'_, Result<(), FlowError>> {
    async move {
        for index in 0..of {
            let range = match edges {
                Edges::All(edges) => 0..edges,
                Edges::One => index..index + 1,
            };
            layer.start(Place { index, of }, range.len()).await?;
            for (edge, producer) in range.enumerate() {
                layer.wire(index, edge, producer).await?;
            }
        }
        Ok(())
    }
    .boxed()
}

/// A layer whose stages are being started, without its types.
trait Feed: Send {
    /// Starts a stage that will have this number of edges.
    fn start(&mut self, place: Place, edges: usize) -> BoxFuture<'_, Result<(), FlowError>>;

    /// Subscribes the stage started last, which has the number `index`, to one of the producers.
    fn wire(
        &self,
        index: usize,
        edge: usize,
        producer: usize,
    ) -> BoxFuture<'_, Result<Subscription, FlowError>>;
}

/// A layer whose stages are being started.
struct StartingLayer<'a, L: Layer> {
    layer: L,
    name: String,
    partitioned: bool,
    upstream: Vec<ProducerRef<L::In>>,
    feeds: Feeds,
    build: &'a Build,
    exit: Exit<L::Out>,
    /// The stage started last.
    stage: Option<Started<L>>,
    outputs: Vec<ProducerRef<L::Out>>,
}

impl<'a, L: Layer> StartingLayer<'a, L> {
    fn new(
        layer: L,
        name: String,
        partitioned: bool,
        (upstream, feeds): (Vec<ProducerRef<L::In>>, Feeds),
        build: &'a Build,
        exit: Exit<L::Out>,
    ) -> Self {
        let (stage, outputs) = (None, Vec::new());
        Self { layer, name, partitioned, upstream, feeds, build, exit, stage, outputs }
    }

    async fn start_all(mut self, edges: Edges, of: usize) -> Result<Vec<ProducerRef<L::Out>>, FlowError> {
        self.outputs.reserve(of);
        feed_stages(&mut self, edges, of).await?;
        Ok(self.outputs)
    }
}

/// A stage of a layer.
type Started<L> = StageRef<FedStage<<L as Layer>::Operator>, <L as Layer>::In, <L as Layer>::Out>;

impl<L: Layer> Feed for StartingLayer<'_, L> {
    fn start(&mut self, place: Place, edges: usize) -> BoxFuture<'_, Result<(), FlowError>> {
        async move {
            let Self { layer, name, feeds, build, exit, .. } = self;
            let index = place.index;
            let operator = Build::operator(layer, name, place)?;
            let (ends, gauge) = (build.ends(edges, exit), build.gauges.add(name, index));
            let stage = FedStage::new(operator, *feeds, ends, gauge);
            let stage = producer_consumer(stage, build.stage_options(name, index, exit)).await;
            let stage = stage.map_err(Build::failed)?;
            build.keep(stage.clone());
            if layer.options().fed_by == FedBy::RunningSource {
                let stage = stage.clone();
                build.keep_source(move || stage.cast(Leave).unwrap_or_default());
            }
            self.outputs.push(stage.producer());
            self.stage = Some(stage);
            Ok(())
        }
        .boxed()
    }

    fn wire(
        &self,
        index: usize,
        edge: usize,
        producer: usize,
    ) -> BoxFuture<'_, Result<Subscription, FlowError>> {
        let Some(stage) = &self.stage else { unreachable!("a stage is started before it subscribes") };
        let options = self.layer.options();
        let mut demand = if self.partitioned {
            let share = DispatchOptions::new().partition(index);
            options.demand_by_key(self.upstream.len()).share(share)
        } else {
            options.demand()
        };
        if edge < self.feeds.held() {
            // The stage resumes it.
            demand = demand.paused();
        }
        self.build.wire(&self.name, stage, &self.upstream[producer], demand)
    }
}
