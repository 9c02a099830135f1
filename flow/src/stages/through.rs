//! Stages between two layers of a flow: external running stages, and stages that the flow starts itself.

use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use stage_core::registry::Registry;
use stage_core::spawn::producer_consumer;
use stage_core::{BoxError, ExitReason, ProducerConsumer, ProducerRef, StageRef};

use super::owned::Owned;
use crate::chain::Chain;
use crate::error::FlowError;
use crate::exec::Readers;
use crate::flow::{Flow, LayerFlow};
use crate::options::{FedBy, LayerOptions};
use crate::plan::{Build, Exit, Fed, Node, NodeOf, Origin, Outline, OutlineLayer, Place, guarded};
use crate::refused::Refused;
use crate::time::Untimed;

/// Subscribes a stage to a producer.
type Subscribe<T> =
    Arc<dyn Fn(Build, ProducerRef<T>) -> BoxFuture<'static, Result<(), FlowError>> + Send + Sync>;

/// A running producer-consumer, with its type erased.
pub struct Through<T, U> {
    subscribe: Subscribe<T>,
    producer: ProducerRef<U>,
}

impl<T, U> Clone for Through<T, U> {
    fn clone(&self) -> Self {
        Self { subscribe: Arc::clone(&self.subscribe), producer: self.producer.clone() }
    }
}

impl<T, U> fmt::Debug for Through<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Through").field("stage", &self.producer).finish_non_exhaustive()
    }
}

impl<S, T, U> From<&StageRef<S, T, U>> for Through<T, U>
where
    S: Send + 'static,
    T: Send + 'static,
    U: Send + 'static,
{
    fn from(stage: &StageRef<S, T, U>) -> Self {
        let (producer, stage) = (stage.producer(), stage.clone());
        Self::found(producer, move || Ok(stage.clone()))
    }
}

impl<T: Send + 'static, U: Send + 'static> Through<T, U> {
    /// The stage of type `S` that has this name when the flow starts.
    pub fn named<S: Send + 'static>(registry: &Registry, name: impl Into<String>) -> Self {
        let (registry, name) = (registry.clone(), name.into());
        Self::found(registry.producer(name.clone()), move || Ok(registry.stage::<S, T, U>(&name)?))
    }

    fn found<S: Send + 'static>(
        producer: ProducerRef<U>,
        find: impl Fn() -> Result<StageRef<S, T, U>, FlowError> + Send + Sync + 'static,
    ) -> Self {
        let subscribe = move |build: Build, producer: ProducerRef<T>| {
            let stage = find();
            async move {
                let stage = stage?;
                build.wire(stage.name(), &stage, &producer, LayerOptions::fixed().demand()).await.map(drop)
            }
            .boxed()
        };
        Self { subscribe: Arc::new(subscribe), producer }
    }
}

/// Running stages that are fed by the layer before.
struct ThroughRunning<T, U> {
    before: NodeOf<T>,
    stages: Vec<Through<T, U>>,
}

impl<T: Send + 'static, U: Send + 'static> Node<U> for ThroughRunning<T, U> {
    fn build<'a>(
        &'a self,
        build: &'a Build,
        _exit: Exit<U>,
    ) -> BoxFuture<'a, Result<Vec<ProducerRef<U>>, FlowError>> {
        async move {
            let upstream =
                self.before.build(build, Exit::as_asked(self.stages.len(), Readers::Foreign)).await?;
            for stage in &self.stages {
                for producer in &upstream {
                    (stage.subscribe)(build.clone(), producer.clone()).await?;
                }
            }
            Ok(self.stages.iter().map(|stage| stage.producer.clone()).collect())
        }
        .boxed()
    }

    fn outline(&self, outline: &mut Outline) -> Vec<usize> {
        let from = self.before.outline(outline);
        outline.add_external();
        vec![outline.add_stages("stages".to_owned(), self.stages.len(), from)]
    }
}

/// Creates the stage at a place.
pub(super) type StageRecipe<S> = Arc<dyn Fn(Place) -> Result<S, BoxError> + Send + Sync>;

/// Calls the recipe for stage number `index` of a layer.
pub(super) fn made<S>(recipe: &StageRecipe<S>, layer: &str, index: usize, of: usize) -> Result<S, FlowError> {
    let stage = format!("{layer}/{index}");
    guarded(&stage, || recipe(Place { index, of }))?
        .map_err(|error| FlowError::Stage { stage, reason: ExitReason::from(error) })
}

/// Stages that are started with the flow, fed by the layer before.
struct ThroughOwned<T, S> {
    before: NodeOf<T>,
    recipe: StageRecipe<S>,
    options: LayerOptions,
}

impl<S: ProducerConsumer> Node<S::Out> for ThroughOwned<S::In, S> {
    fn build<'a>(
        &'a self,
        build: &'a Build,
        exit: Exit<S::Out>,
    ) -> BoxFuture<'a, Result<Vec<ProducerRef<S::Out>>, FlowError>> {
        async move {
            self.options.check()?;
            let of = self.options.count();
            let name = build.name(self.options.name.as_deref().unwrap_or("stages"));
            let upstream = self.before.build(build, Exit::as_asked(of, Readers::Own)).await?;
            let mut outputs = Vec::with_capacity(of);
            for index in 0..of {
                let stage = made(&self.recipe, &name, index, of)?;
                let stage = Owned { stage, ends: build.ends(upstream.len(), &exit) };
                let options = build.stage_options(&name, index, &exit);
                let stage = producer_consumer(stage, options).await.map_err(Build::failed)?;
                build.keep(stage.clone());
                for producer in &upstream {
                    build.wire(&name, &stage, producer, self.options.demand()).await?;
                }
                outputs.push(stage.producer());
            }
            Ok(outputs)
        }
        .boxed()
    }

    fn outline(&self, outline: &mut Outline) -> Vec<usize> {
        let from = self.before.outline(outline);
        let name = self.options.name.as_deref().unwrap_or("stages").to_owned();
        let operators = vec!["stages".to_owned()];
        vec![outline.add(OutlineLayer { name, operators, ..OutlineLayer::fed(&self.options, from) })]
    }
}

impl<C: Chain> Flow<C>
where
    C::Origin: Origin<Time = Untimed>,
{
    /// Sends the events through running producer-consumers: each subscribes to every stage of this layer, and
    /// the next layer subscribes to all of them. They do not belong to the flow: they keep running when it
    /// ends, and a stage that must end with its input has to do so itself. Likewise, the flow ends only when
    /// they do.
    ///
    /// ```
    /// use flow::Flow;
    /// use stage_core::spawn::{StageOptions, producer_consumer};
    /// use stage_core::stage::MapEach;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let square = MapEach::new(|number: u64| number * number);
    /// let square = producer_consumer(square, StageOptions::named("square")).await?;
    /// // The stage would run on, so the run ends with the third event. One stage behind it keeps the order.
    /// let squares = Flow::from_items(1..=3_u64).through_stages([&square]).stages(1);
    /// assert_eq!(squares.first(3).await?, [1, 4, 9]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn through_stages<U, X>(self, stages: impl IntoIterator<Item = X>) -> LayerFlow<Untimed, U>
    where
        U: Send + 'static,
        X: Into<Through<C::Out, U>>,
    {
        let stages = stages.into_iter().map(Into::into).collect();
        let mut flow =
            Flow::at(Fed { node: Arc::new(ThroughRunning { before: self.node(), stages }), routing: None });
        flow.options.fed_by = FedBy::RunningStep;
        flow
    }

    /// Sends the events through `stages` producer-consumers, from 1 to 4096, which `recipe` creates and the
    /// flow starts. Each ends when all its producers have ended.
    ///
    /// ```
    /// use flow::Flow;
    /// use stage_core::stage::MapEach;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let doubled = Flow::from_items(1..=3_u64)
    ///     .through(1, |_| Ok(MapEach::new(|number: u64| number * 2)))
    ///     .par_map(|number| number + 1);
    /// assert_eq!(doubled.collect::<Vec<_>>().await?, [3, 5, 7]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn through<S, F>(self, stages: usize, recipe: F) -> LayerFlow<Untimed, S::Out>
    where
        S: ProducerConsumer<In = C::Out>,
        F: Fn(Place) -> Result<S, BoxError> + Send + Sync + 'static,
    {
        let mut options = LayerOptions::fixed();
        options.set_stages(stages, Refused::stages("through", stages));
        let node = ThroughOwned { before: self.node(), recipe: Arc::new(recipe), options };
        Flow::at(Fed { node: Arc::new(node), routing: None })
    }
}
