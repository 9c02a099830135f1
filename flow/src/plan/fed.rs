//! A layer that is fed by the stages of the layer before.

use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use stage_core::ProducerRef;
use stage_core::dispatch::{DispatchOptions, Dispatcher};
use stage_core::spawn::producer_consumer;

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
                    return feed_each(&layer, &name, &upstream, build, &exit).await;
                }
            }
            let dispatcher = self.routing.as_ref().map(|routing| {
                let (routing, build, name) = (Arc::clone(routing), build.clone(), name.clone());
                let make: MakeDispatcher<_> = Arc::new(move || routing(of, &build, &name));
                make
            });
            let exit_before = Exit { consumers: of, readers: Readers::Own, dispatcher };
            let (upstream, feeds) = self.node.build_sides(build, exit_before).await?;
            feed(&layer, &name, self.routing.is_some(), (&upstream, feeds), build, &exit).await
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
    layer: &L,
    name: &str,
    partitioned: bool,
    upstream: (&[ProducerRef<L::In>], Feeds),
    build: &Build,
    exit: &Exit<L::Out>,
) -> Result<Vec<ProducerRef<L::Out>>, FlowError> {
    let of = layer.options().count();
    let mut outputs = Vec::with_capacity(of);
    for index in 0..of {
        let place = Place { index, of };
        outputs.push(feed_one(layer, name, place, partitioned, upstream, build, exit).await?);
    }
    Ok(outputs)
}

/// Starts as many stages of `layer` as there are `upstream`, each subscribed to one of them.
async fn feed_each<L: Layer>(
    layer: &L,
    name: &str,
    upstream: &[ProducerRef<L::In>],
    build: &Build,
    exit: &Exit<L::Out>,
) -> Result<Vec<ProducerRef<L::Out>>, FlowError> {
    let of = upstream.len();
    let mut outputs = Vec::with_capacity(of);
    for (index, producer) in upstream.iter().enumerate() {
        let (place, producer) = (Place { index, of }, std::slice::from_ref(producer));
        outputs.push(feed_one(layer, name, place, false, (producer, Feeds::Stages(1)), build, exit).await?);
    }
    Ok(outputs)
}

/// Starts one stage of `layer`, subscribed to every one of `upstream`.
async fn feed_one<L: Layer>(
    layer: &L,
    name: &str,
    place: Place,
    partitioned: bool,
    (upstream, feeds): (&[ProducerRef<L::In>], Feeds),
    build: &Build,
    exit: &Exit<L::Out>,
) -> Result<ProducerRef<L::Out>, FlowError> {
    let (options, index) = (layer.options(), place.index);
    let operator = Build::operator(layer, name, place)?;
    let stage =
        FedStage::new(operator, feeds, build.ends(upstream.len(), exit), build.gauges.add(name, index));
    let stage =
        producer_consumer(stage, build.stage_options(name, index, exit)).await.map_err(Build::failed)?;
    build.keep(stage.clone());
    if options.fed_by == FedBy::RunningSource {
        let stage = stage.clone();
        build.keep_source(move || stage.cast(Leave).unwrap_or_default());
    }
    for (edge, producer) in upstream.iter().enumerate() {
        let mut demand = if partitioned { options.demand_by_key(upstream.len()) } else { options.demand() };
        if edge < feeds.held() {
            // The stage resumes it.
            demand = demand.paused();
        }
        if partitioned {
            demand = demand.share(DispatchOptions::new().partition(index));
        }
        build.wire(name, &stage, producer, demand).await?;
    }
    Ok(stage.producer())
}
