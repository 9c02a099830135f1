//! A part of a plan that feeds several layers and is started once per run.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use stage_core::dispatch::{BroadcastDispatcher, Dispatcher};
use stage_core::spawn::producer_consumer;
use stage_core::{CancelMode, ProducerRef, SubscribeOptions};

use super::build::MakeDispatcher;
use super::pass::Pass;
use super::{Build, Exit, Feeds, Node, NodeOf, Outline};
use crate::error::FlowError;
use crate::exec::{FedStage, Readers};
use crate::time::Time;

/// A part that every layer after it receives as a whole. Its stages send each event to one stage for each layer: a
/// stage of the layer itself, if the layer has as many and takes any events, or a pass stage, which dispatches as
/// the layer needs it.
pub(crate) struct Shared<M: Time, T: Send + 'static> {
    pub(crate) node: NodeOf<M::Of<T>>,
}

impl<M: Time, T: Send + 'static> Shared<M, T> {
    /// Identifies the part within a run, during which it is not dropped.
    fn id(&self) -> usize {
        Arc::as_ptr(&self.node).cast::<()>() as usize
    }
}

impl<M: Time, T: Send + 'static> Shared<M, T>
where
    M::Of<T>: Clone,
{
    /// Returns the stages of the part, which the first layer after it starts.
    async fn stages(&self, build: &Build) -> Result<Vec<ProducerRef<M::Of<T>>>, FlowError> {
        if let Some(stages) = build.shared(self.id()) {
            return Ok(stages);
        }
        let dispatcher: MakeDispatcher<M::Of<T>> =
            Arc::new(|| Box::new(BroadcastDispatcher::new()) as Box<dyn Dispatcher<_>>);
        let consumers = build.uses_of(self.id());
        let exit = Exit { consumers, readers: Readers::Own, dispatcher: Some(dispatcher) };
        let stages = self.node.build(build, exit).await?;
        build.share(self.id(), stages.clone());
        Ok(stages)
    }
}

impl<M: Time, T: Send + 'static> Node<M::Of<T>> for Shared<M, T>
where
    M::Of<T>: Clone,
{
    fn build<'a>(
        &'a self,
        build: &'a Build,
        exit: Exit<M::Of<T>>,
    ) -> BoxFuture<'a, Result<Vec<ProducerRef<M::Of<T>>>, FlowError>> {
        async move {
            let upstream = self.stages(build).await?;
            let name = build.name("share");
            let mut outputs = Vec::with_capacity(upstream.len());
            for (index, producer) in upstream.iter().enumerate() {
                let (ends, gauge) = (build.ends(1, &exit), build.gauges.add(&name, index));
                let stage = FedStage::new(Pass::<M, T>::new(), Feeds::Stages(1), ends, gauge);
                let options = build.stage_options(&name, index, &exit);
                let stage = producer_consumer(stage, options).await.map_err(Build::failed)?;
                build.keep(stage.clone());
                let demand = SubscribeOptions::new().cancel(CancelMode::Transient);
                build.wire(&name, &stage, producer, demand).await?;
                outputs.push(stage.producer());
            }
            Ok(outputs)
        }
        .boxed()
    }

    fn build_common<'a>(
        &'a self,
        build: &'a Build,
    ) -> Option<BoxFuture<'a, Result<Vec<ProducerRef<M::Of<T>>>, FlowError>>> {
        Some(self.stages(build).boxed())
    }

    fn outline(&self, outline: &mut Outline) -> Vec<usize> {
        if let Some(layers) = outline.use_common(self.id()) {
            return layers;
        }
        let layers = self.node.outline(outline);
        outline.add_common(self.id(), layers.clone());
        layers
    }
}
