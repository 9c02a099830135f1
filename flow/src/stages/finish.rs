//! Consumers that are started with a flow, at its end.

use std::sync::Arc;

use stage_core::{BoxError, Consumer, Intensity};

use super::crew::Crew;
use super::into::Feeding;
use crate::chain::Chain;
use crate::error::FlowError;
use crate::exec::{Readers, spawn};
use crate::flow::Flow;
use crate::options::LayerOptions;
use crate::output::Stages;
use crate::plan::{Build, Exit, Origin, Place};
use crate::profile::LayerProfile;
use crate::refused::Refused;
use crate::running::{Begun, StartOptions, begin};
use crate::time::Untimed;

/// When a consumer of a flow is started again, made anew by its recipe. It goes on where the flow is; what
/// it had in its hands is lost and counted as discarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restart {
    /// After a failure, and when somebody stopped it.
    #[default]
    Permanent,
    /// After a failure. Without one that was stopped, the flow goes on, for the others.
    Transient,
    /// Never: without it the flow goes on, for the others.
    Temporary,
}

/// How the consumers at the end of a flow run.
#[derive(Clone, Debug)]
#[must_use]
pub struct FinishOptions {
    pub(super) layer: LayerOptions,
    pub(super) restart: Restart,
    pub(super) intensity: Intensity,
}

impl FinishOptions {
    /// So many consumers, from 1 to 4096, of which none is started again.
    #[track_caller]
    pub fn new(consumers: usize) -> Self {
        let mut layer = LayerOptions::default();
        layer.set_stages(consumers, Refused::stages("finish", consumers));
        let intensity = Intensity { max_restarts: 0, ..Intensity::default() };
        Self { layer, restart: Restart::default(), intensity }
    }

    /// How many events each has asked of each stage before it at most. Default: 1000.
    pub fn max_demand(mut self, events: usize) -> Self {
        self.layer.max_demand = events;
        self
    }

    /// At how many outstanding events more are asked for. Default: half of `max_demand`.
    pub fn min_demand(mut self, events: usize) -> Self {
        self.layer.min_demand = Some(events);
        self
    }

    /// What the consumers are called, in errors and reports. Default: `consumers`.
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.layer.name = Some(name.into());
        self
    }

    /// When a consumer is to be started again. Default: [`Restart::Permanent`].
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// How many restarts the flow survives, all consumers together; one more ends it. Default: none, as a
    /// consumer that starts again has lost events.
    pub fn intensity(mut self, intensity: Intensity) -> Self {
        self.intensity = intensity;
        self
    }
}

impl<C: Chain> Flow<C>
where
    C::Origin: Origin<Time = Untimed>,
{
    /// Starts the flow with consumers that are made by `recipe`, so many as said, each of which subscribes to
    /// every stage of the last layer. They end with the flow; one that finishes by itself wants no more, and
    /// the flow ends when all have.
    ///
    /// ```
    /// use flow::Flow;
    /// use stage_core::ForEach;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let (sum, total) = std::sync::mpsc::channel();
    /// let running = Flow::from_items(1..=100_u64)
    ///     .finish(2, move |_| {
    ///         let sum = sum.clone();
    ///         Ok(ForEach::new(move |number: u64| sum.send(number).expect("the receiver is alive")))
    ///     })
    ///     .await?;
    /// assert_eq!(running.join().await?.events(), 100);
    /// assert_eq!(total.try_iter().sum::<u64>(), 5050);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`FlowError`] if a stage cannot be made, start or subscribe.
    #[track_caller]
    pub fn finish<S, F>(
        &self,
        consumers: usize,
        recipe: F,
    ) -> impl Future<Output = Result<Feeding<C::Out>, FlowError>>
    where
        S: Consumer<Event = C::Out>,
        F: Fn(Place) -> Result<S, BoxError> + Send + Sync + 'static,
    {
        self.finish_with(FinishOptions::new(consumers), StartOptions::new(), recipe)
    }

    /// As [`finish`](Self::finish), with these options.
    ///
    /// # Errors
    ///
    /// [`FlowError`] if a stage cannot be made, start or subscribe, or does not in time, or the name is taken.
    pub async fn finish_with<S, F>(
        &self,
        consumers: FinishOptions,
        options: StartOptions,
        recipe: F,
    ) -> Result<Feeding<C::Out>, FlowError>
    where
        S: Consumer<Event = C::Out>,
        F: Fn(Place) -> Result<S, BoxError> + Send + Sync + 'static,
    {
        consumers.layer.check()?;
        let (node, within) = (self.node(), options.subscribe_timeout);
        let recipe = Arc::new(recipe);
        let wired = spawn(options.workers, async move {
            let build = Build::new(within);
            let stages = Stages::of(build.clone());
            let exit = Exit::as_asked(consumers.layer.count(), Readers::Returning);
            let producers = node.build(&build, exit).await?;
            let before = build.ended();
            let crew = Crew::start(recipe, consumers, &producers, &build).await?;
            Ok((build, stages, producers, before, crew))
        });
        let (build, stages, producers, before, crew) = wired.await.unwrap_or(Err(FlowError::Stopped))?;
        let work = async move {
            // They end with this.
            let _stages = stages;
            crew.work(before).await
        };
        let events = |layers: &[LayerProfile]| layers.last().map_or(0, LayerProfile::events_in);
        let begun = Begun { build, producers: producers.clone(), work, events };
        Ok(Feeding::new(producers, Vec::new(), begin(options, begun).await?))
    }
}
