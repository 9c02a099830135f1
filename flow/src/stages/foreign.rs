//! External running stages as the source of a flow.

use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use stage_core::ProducerRef;

use crate::chain::Start;
use crate::error::FlowError;
use crate::flow::Flow;
use crate::options::FedBy;
use crate::plan::{Build, Exit, Fed, Node, Outline};
use crate::time::Untimed;

/// External stages that are already running.
pub struct Foreign<T> {
    producers: Vec<ProducerRef<T>>,
}

impl<T> fmt::Debug for Foreign<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Foreign").field("producers", &self.producers).finish()
    }
}

impl<T: Send + 'static> Node<T> for Foreign<T> {
    fn build<'a>(
        &'a self,
        _build: &'a Build,
        _exit: Exit<T>,
    ) -> BoxFuture<'a, Result<Vec<ProducerRef<T>>, FlowError>> {
        // External producers keep their own dispatchers.
        ready(Ok(self.producers.clone())).boxed()
    }

    fn outline(&self, outline: &mut Outline) -> Vec<usize> {
        outline.add_external();
        let names: Vec<_> = self.producers.iter().map(|producer| producer.name().to_string()).collect();
        vec![outline.add_stages(names.join(", "), self.producers.len(), Vec::new())]
    }
}

impl<T: Send + 'static> Flow<Start<Fed<Untimed, T>>> {
    /// Creates a flow of the events of external stages, which are running already and keep running: each run
    /// of the flow continues at their current position. When the flow ends, only its subscriptions end.
    ///
    /// ```
    /// use flow::Flow;
    /// use stage_core::spawn::{StageOptions, producer};
    /// use stage_core::stage::FromIter;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let numbers = producer(FromIter::new(0_u64..), StageOptions::named("numbers")).await?;
    /// let even = Flow::from_stages([numbers.producer()]).stages(1).filter(|number| number % 2 == 0);
    /// assert_eq!(even.first(3).await?, [0, 2, 4]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_stages(producers: impl IntoIterator<Item = ProducerRef<T>>) -> Self {
        let node = Arc::new(Foreign { producers: producers.into_iter().collect() });
        let mut flow = Flow::at(Fed { node, routing: None });
        flow.options.fed_by = FedBy::RunningSource;
        flow
    }
}
