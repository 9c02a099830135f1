//! Producers that are started with a flow, as its source.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use stage_core::spawn::{DemandMode, producer};
use stage_core::{BoxError, Producer, ProducerRef};

use super::owned_producer::OwnedProducer;
use super::through::{StageRecipe, made};
use crate::error::FlowError;
use crate::flow::{Flow, LayerFlow};
use crate::plan::{Build, Exit, Fed, Node, Outline};
use crate::refused::Refused;
use crate::time::Untimed;

/// Producers that have not been started yet.
struct Started<S> {
    count: usize,
    recipe: StageRecipe<S>,
}

impl<S> fmt::Debug for Started<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Started").field("count", &self.count).finish_non_exhaustive()
    }
}

impl<S: Producer> Node<S::Event> for Started<S> {
    fn build<'a>(
        &'a self,
        build: &'a Build,
        exit: Exit<S::Event>,
    ) -> BoxFuture<'a, Result<Vec<ProducerRef<S::Event>>, FlowError>> {
        async move {
            let name = build.name("producers");
            let mut outputs = Vec::with_capacity(self.count);
            for index in 0..self.count {
                let stage = made(&self.recipe, &name, index, self.count)?;
                let declined = Arc::new(AtomicBool::new(false));
                let ends = build.ends(0, &exit);
                let stage = OwnedProducer { stage, ends, declined: Arc::clone(&declined) };
                let options = build.stage_options(&name, index, &exit).demand(DemandMode::Accumulate);
                let stage = producer(stage, options).await.map_err(Build::failed)?;
                build.keep(stage.clone());
                if !declined.load(Ordering::Acquire) {
                    outputs.push(stage.producer());
                    build.keep_source(move || stage.drain_soon());
                }
            }
            Ok(outputs)
        }
        .boxed()
    }

    fn outline(&self, outline: &mut Outline) -> Vec<usize> {
        vec![outline.add_stages("producers".to_owned(), self.count, Vec::new())]
    }
}

impl<T: Send + 'static> LayerFlow<Untimed, T> {
    /// Creates a flow of the events of `producers` producers, at most 4096, which `recipe` creates and every
    /// run starts; with zero producers, the flow is empty. Demand is held back until everything is wired; the
    /// producers end with the flow. A producer that declines to start has no events.
    ///
    /// ```
    /// use flow::Flow;
    /// use stage_core::stage::FromIter;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let numbers = Flow::from_producers(1, |_| Ok(FromIter::new(0_u64..))).stages(1);
    /// assert_eq!(numbers.first(3).await?, [0, 1, 2]);
    /// // Each run creates its own producers.
    /// assert_eq!(numbers.first(2).await?, [0, 1]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn from_producers<S, F>(producers: usize, recipe: F) -> Self
    where
        S: Producer<Event = T>,
        F: Fn(crate::plan::Place) -> Result<S, BoxError> + Send + Sync + 'static,
    {
        let refused = Refused::stages("from_producers", producers.max(1));
        let node = Arc::new(Started { count: producers, recipe: Arc::new(recipe) });
        let mut flow = Flow::at(Fed { node, routing: None });
        flow.options.refuse(refused);
        flow
    }
}
