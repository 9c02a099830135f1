//! External running stages at the end of a flow.

use std::fmt;
use std::ops::Deref;

use stage_core::subscribe::Subscription;
use stage_core::{CancelMode, ProducerRef, StageRef, SubscribeOptions};

use crate::chain::Chain;
use crate::error::FlowError;
use crate::exec::{Readers, run_on};
use crate::flow::Flow;
use crate::output::Stages;
use crate::plan::{Build, Exit, Origin};
use crate::profile::LayerProfile;
use crate::running::{Begun, RunningFlow, StartOptions, begin};
use crate::time::Untimed;

/// A running flow that external stages may subscribe to. Dropping it stops the flow, not those stages.
#[must_use = "dropping it stops the flow"]
pub struct Feeding<T> {
    producers: Vec<ProducerRef<T>>,
    subscriptions: Vec<Subscription>,
    running: RunningFlow,
}

impl<T> Feeding<T> {
    pub(super) fn new(
        producers: Vec<ProducerRef<T>>,
        subscriptions: Vec<Subscription>,
        running: RunningFlow,
    ) -> Self {
        Self { producers, subscriptions, running }
    }

    /// Returns the subscriptions that [`into_stages`](Flow::into_stages) made, those of the first consumer
    /// first: for example, to resume one that began paused. Empty if the flow starts the consumers itself.
    pub fn subscriptions(&self) -> &[Subscription] {
        &self.subscriptions
    }

    /// Returns the stages of the last layer; other consumers can subscribe to them as well.
    pub fn producers(&self) -> &[ProducerRef<T>] {
        &self.producers
    }
}

impl<T> Deref for Feeding<T> {
    type Target = RunningFlow;

    fn deref(&self) -> &RunningFlow {
        &self.running
    }
}

impl<T> fmt::Debug for Feeding<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feeding").field("producers", &self.producers).finish_non_exhaustive()
    }
}

impl<C: Chain> Flow<C>
where
    C::Origin: Origin<Time = Untimed>,
{
    /// Starts the flow and subscribes running consumers to every stage of its last layer, each with its
    /// options, except that a consumer always outlives the end of the flow. Demand is held back until all
    /// have subscribed. A consumer whose options are [`paused`](SubscribeOptions::paused) asks for nothing
    /// until its [subscriptions](Feeding::subscriptions) are resumed.
    ///
    /// ```
    /// use flow::Flow;
    /// use stage_core::spawn::{StageOptions, consumer};
    /// use stage_core::stage::ForEach;
    /// use stage_core::subscribe::Subscription;
    /// use stage_core::SubscribeOptions;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (sender, mut numbers) = tokio::sync::mpsc::unbounded_channel();
    /// let sink = ForEach::new(move |number: u64| sender.send(number).expect("the receiver is alive"));
    /// let sink = consumer(sink, StageOptions::new()).await?;
    /// let feeding = Flow::from_items(1..=10).into_stages([(sink, SubscribeOptions::new().paused())]).await?;
    /// feeding.subscriptions().iter().for_each(Subscription::resume);
    /// feeding.join().await?;
    /// let mut sum = 0;
    /// for _ in 0..10 {
    ///     sum += numbers.recv().await.unwrap_or_default();
    /// }
    /// assert_eq!(sum, 55);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns a [`FlowError`] if a stage cannot start or subscribe.
    pub async fn into_stages<S, U>(
        &self,
        consumers: impl IntoIterator<Item = (StageRef<S, C::Out, U>, SubscribeOptions<C::Out>)>,
    ) -> Result<Feeding<C::Out>, FlowError>
    where
        S: Send + 'static,
        U: Send + 'static,
    {
        self.into_stages_with(consumers, StartOptions::new()).await
    }

    /// Starts the flow as [`into_stages`](Self::into_stages) does, with these options.
    ///
    /// ```
    /// use flow::{Flow, StartOptions, Workers};
    /// use stage_core::SubscribeOptions;
    /// use stage_core::spawn::{StageOptions, consumer};
    /// use stage_core::stage::ForEach;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let print = ForEach::new(|number: u64| println!("{number}"));
    /// let print = consumer(print, StageOptions::named("print")).await?;
    /// let options = StartOptions::new().workers(Workers::Current);
    /// let feeding = Flow::from_items(1..=3_u64).into_stages_with([(print, SubscribeOptions::new())], options).await?;
    /// assert_eq!(feeding.join().await?.events(), 3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns a [`FlowError`] if a stage cannot start or subscribe, or does not in time, or if the name is
    /// taken.
    pub async fn into_stages_with<S, U>(
        &self,
        consumers: impl IntoIterator<Item = (StageRef<S, C::Out, U>, SubscribeOptions<C::Out>)>,
        options: StartOptions,
    ) -> Result<Feeding<C::Out>, FlowError>
    where
        S: Send + 'static,
        U: Send + 'static,
    {
        let consumers: Vec<_> = consumers.into_iter().collect();
        let (node, within) = (self.node(), options.subscribe_timeout);
        let wired = run_on(options.workers, async move {
            let build = Build::new(within);
            let stages = Stages::of(build.clone());
            let producers = build.start(&node, Exit::as_asked(consumers.len(), Readers::Foreign)).await?;
            let mut subscriptions = Vec::new();
            for (consumer, demand) in consumers {
                for producer in &producers {
                    let demand = demand.clone().cancel(CancelMode::Transient);
                    subscriptions.push(build.wire(consumer.name(), &consumer, producer, demand).await?);
                }
            }
            Ok((build, stages, producers, subscriptions))
        });
        let (build, stages, producers, subscriptions) = wired.await?;
        let (ended, watched) = (build.ended(), build.clone());
        let work = async move {
            // Dropping the stages ends them with this task.
            let _stages = stages;
            tokio::select! {
                biased;
                error = watched.fails() => Err(error),
                failed = ended => failed.map_or(Ok(()), Err),
            }
        };
        let events = |layers: &[LayerProfile]| layers.last().map_or(0, LayerProfile::events_out);
        let begun = Begun { build, producers: producers.clone(), work, events };
        Ok(Feeding::new(producers, subscriptions, begin(options, begun).await?))
    }
}
