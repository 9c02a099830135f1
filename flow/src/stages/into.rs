//! Stages at the end of a flow.

use stage_core::{CancelMode, ProducerRef, StageRef, SubscribeOptions};

use super::through::as_asked;
use crate::chain::Chain;
use crate::error::FlowError;
use crate::exec::{Workers, spawn};
use crate::flow::Flow;
use crate::output::Stages;
use crate::plan::{Build, Origin};
use crate::time::Untimed;

/// A flow that feeds stages of others. Dropping it ends the flow, not the stages it feeds.
#[derive(Debug)]
pub struct Feeding<T> {
    producers: Vec<ProducerRef<T>>,
    stages: Stages,
}

impl<T> Feeding<T> {
    /// What others can subscribe to as well: the stages of the last layer.
    pub fn producers(&self) -> &[ProducerRef<T>] {
        &self.producers
    }

    /// Waits until the flow has come to its end.
    ///
    /// # Errors
    ///
    /// The [`FlowError`] it ended with, if it did not come to its end.
    pub async fn join(self) -> Result<(), FlowError> {
        self.stages.ended().await
    }
}

impl<C: Chain> Flow<C>
where
    C::Origin: Origin<Time = Untimed>,
{
    /// Starts the flow and has consumers that run already subscribe to every stage of its last layer, each
    /// with these options. Demand is held back until all are.
    ///
    /// # Errors
    ///
    /// [`FlowError`] if a stage cannot start or subscribe.
    pub async fn into_stages<S, U>(
        &self,
        consumers: impl IntoIterator<Item = (StageRef<S, C::Out, U>, SubscribeOptions<C::Out>)>,
    ) -> Result<Feeding<C::Out>, FlowError>
    where
        S: Send + 'static,
        U: Send + 'static,
    {
        let consumers: Vec<_> = consumers.into_iter().collect();
        let node = self.node();
        let count = consumers.len();
        let started = spawn(Workers::Own, async move {
            let build = Build::default();
            let stages = Stages::of(build.clone());
            let producers = node.build(&build, as_asked(count)).await?;
            Ok((producers, stages))
        });
        let (producers, stages) = started.await.unwrap_or(Err(FlowError::Stopped))?;
        for (consumer, options) in consumers {
            for producer in &producers {
                let made = consumer.subscribe(producer, options.clone().cancel(CancelMode::Transient)).await;
                made.map_err(|error| FlowError::Options { layer: consumer.name().to_owned(), error })?;
            }
        }
        stages.release();
        Ok(Feeding { producers, stages })
    }
}
