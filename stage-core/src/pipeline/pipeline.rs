//! The result of a declaration: a pipeline that can be started.

use super::describe::Topology;
use super::draft::Draft;
use super::handle::{Running, StartError};
use crate::base::future::{BoxFuture, FutureExt};

/// A pipeline that is declared but not running yet.
///
/// ```
/// use stage_core::Pipeline;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let pipeline = Pipeline::builder("squares")
///     .start_fn("numbers", || Ok(1..=3_u32))
///     .step_fn("square", |number| number * number)
///     .finish_fn("print", |square| println!("{square}"));
/// println!("{}", pipeline.topology());
/// let report = pipeline.start().await?.join().await?;
/// assert_eq!(report.stages.last().map(|stage| stage.events_in), Some(3));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a pipeline does nothing until it is started"]
pub struct Pipeline {
    pub(super) draft: Draft,
}

impl Pipeline {
    /// Returns the structure of the pipeline, with its effective options.
    pub fn topology(&self) -> &Topology {
        &self.draft.topology
    }

    /// Records the deliveries and batches that `tracer` samples.
    ///
    /// ```
    /// use stage_core::Pipeline;
    /// use stage_core::trace::{FinishedSpan, SpanReceiver, Tracer};
    ///
    /// struct Print;
    ///
    /// impl SpanReceiver for Print {
    ///     fn receive(&self, span: FinishedSpan) {
    ///         println!("{}", span.name());
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let pipeline = Pipeline::builder("count").start_fn("numbers", || Ok(0..3)).finish_fn("print", drop);
    /// let report = pipeline.traced_by(&Tracer::new(Print).batches(1)).start().await?.join().await?;
    /// assert_eq!(report.stages[1].events_in, 3);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "trace")]
    pub fn traced_by(mut self, tracer: &crate::trace::Tracer) -> Self {
        self.draft.trace = crate::trace::PipelineTrace::new(tracer, &self.draft.topology.name);
        self
    }

    /// Starts all stages; returns when every one has been initialised. No event flows before that.
    ///
    /// Must be called within a tokio runtime with its time driver enabled.
    ///
    /// # Errors
    ///
    /// Returns [`StartError::Options`] if options are invalid, with all invalid options at once, and
    /// [`StartError::Stage`] if a recipe or an `init` failed; no stage is left running then.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the stages that were started are aborted.
    pub async fn start(self) -> Result<Running, StartError> {
        self.started().await
    }

    /// [`start`](Self::start), type-erased so that user crates do not compile the supervisor again.
    fn started(self) -> BoxFuture<'static, Result<Running, StartError>> {
        async move {
            let chosen = self.draft.chosen(&self.draft.parts);
            let Draft { mut topology, plan, planned, trace, mut errors, .. } = self.draft;
            errors.extend(plan.errors());
            let parts = chosen.unwrap_or_else(|error| {
                errors.push(error);
                Vec::new()
            });
            if !errors.is_empty() {
                return Err(StartError::Options { pipeline: topology.name, errors });
            }
            topology.retain(|name| {
                planned.iter().zip(&parts).any(|(planned, part)| part.is_some() && planned.name == name)
            });
            topology.warn_of_many();
            Running::start(topology, Draft::children(planned, &parts, &trace), plan).await
        }
        .boxed()
    }
}
