//! Consumers that are started with a flow, at its end.

use std::sync::Arc;

use stage_core::{BoxError, Consumer, Intensity, Tuning};

use super::crew::Crew;
use super::into::Feeding;
use crate::chain::Chain;
use crate::error::FlowError;
use crate::exec::{Readers, run_on};
use crate::flow::Flow;
use crate::options::LayerOptions;
use crate::output::Stages;
use crate::plan::{Build, Exit, Origin, Place};
use crate::profile::LayerProfile;
use crate::refused::Refused;
use crate::running::{Begun, StartOptions, begin};
use crate::time::Untimed;

/// When a consumer of a flow is restarted. The recipe creates a new instance, which continues at the current
/// position of the flow; events that the old instance held are lost and counted as discarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConsumerRestart {
    /// Restarted after a failure, and when it was stopped from outside.
    #[default]
    Permanent,
    /// Restarted after a failure. If it is stopped, the flow continues without it, for the others.
    Transient,
    /// Never restarted: the flow continues without it, for the others.
    Temporary,
}

/// The options of the consumers at the end of a flow.
#[derive(Clone, Debug)]
#[must_use]
pub struct FinishOptions {
    pub(super) layer: LayerOptions,
    pub(super) restart: ConsumerRestart,
    pub(super) intensity: Intensity,
}

impl FinishOptions {
    /// Options for `consumers` consumers, from 1 to 4096, with no restarts.
    #[track_caller]
    pub fn new(consumers: usize) -> Self {
        let mut layer = LayerOptions::default();
        layer.set_stages(consumers, Refused::stages("finish", consumers));
        let intensity = Intensity { max_restarts: 0, ..Intensity::default() };
        Self { layer, restart: ConsumerRestart::default(), intensity }
    }

    /// Fixes the window: the maximum demand of each consumer on each preceding stage, in events. Default:
    /// [tuned](Self::demand), or 1000 if only [`min_demand`](Self::min_demand) is set.
    pub fn max_demand(mut self, events: usize) -> Self {
        self.layer.max_demand = Some(events);
        self
    }

    /// Fixes the window: the number of outstanding events at which a consumer asks for more. Default: half of
    /// `max_demand`.
    pub fn min_demand(mut self, events: usize) -> Self {
        self.layer.min_demand = Some(events);
        self
    }

    /// How the window of each consumer is chosen: fixed, or tuned to the speed of the consumer. Default: tuned,
    /// unless `max_demand` or `min_demand` is set.
    pub fn demand(mut self, tuning: Tuning) -> Self {
        self.layer.demand = Some(tuning);
        self
    }

    /// The name of the consumers in errors and reports. Default: `consumers`.
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.layer.name = Some(name.into());
        self
    }

    /// When a consumer is restarted. Default: [`ConsumerRestart::Permanent`].
    pub fn restart(mut self, restart: ConsumerRestart) -> Self {
        self.restart = restart;
        self
    }

    /// The number of restarts that the flow survives, of all consumers together; one more ends it. Default:
    /// none, as a restarted consumer has lost events.
    pub fn intensity(mut self, intensity: Intensity) -> Self {
        self.intensity = intensity;
        self
    }
}

impl<C: Chain> Flow<C>
where
    C::Origin: Origin<Time = Untimed>,
{
    /// Starts the flow with `consumers` consumers created by `recipe`, each of which subscribes to every
    /// stage of the last layer. They end with the flow. A consumer that finishes by itself wants no more
    /// events; the flow ends when all have finished.
    ///
    /// ```
    /// use flow::Flow;
    /// use stage_core::stage::ForEach;
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
    /// Returns a [`FlowError`] if a stage cannot be created, start or subscribe.
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

    /// Starts the flow with consumers as [`finish`](Self::finish) does, with these options.
    ///
    /// ```
    /// use flow::stages::{ConsumerRestart, FinishOptions};
    /// use flow::{Flow, StartOptions, Workers};
    /// use stage_core::stage::ForEach;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let consumers = FinishOptions::new(2).named("print").restart(ConsumerRestart::Temporary);
    /// let options = StartOptions::new().workers(Workers::Current);
    /// let print = |_| Ok(ForEach::new(|number: u64| println!("{number}")));
    /// let running = Flow::from_items(1..=3_u64).finish_with(consumers, options, print).await?;
    /// assert_eq!(running.join().await?.events(), 3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns a [`FlowError`] if a stage cannot be created, start or subscribe, or does not in time, or if
    /// the name is taken.
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
        let wired = run_on(options.workers, async move {
            let build = Build::new(within);
            let stages = Stages::of(build.clone());
            let exit = Exit::as_asked(consumers.layer.count(), Readers::Returning);
            let producers = build.start(&node, exit).await?;
            let before = build.ended();
            let crew = Crew::start(recipe, consumers, &producers, &build).await?;
            Ok((build, stages, producers, before, crew))
        });
        let (build, stages, producers, before, crew) = wired.await?;
        let work = async move {
            // Dropping the stages ends them with this task.
            let _stages = stages;
            crew.work(before).await
        };
        let events = |layers: &[LayerProfile]| layers.last().map_or(0, LayerProfile::events_in);
        let begun = Begun { build, producers: producers.clone(), work, events };
        Ok(Feeding::new(producers, Vec::new(), begin(options, begun).await?))
    }
}
