//! The beginning of a declaration, with the options of the whole pipeline.

use std::time::Duration;

use super::chain::Chain;
use super::draft::Draft;
use super::fuse::{Event, Fuse, FusedSink, Recipe, Source, SourceRecipe};
use super::options::StepOptions;
use super::pipeline::Pipeline;
use super::sources::{fused_source, source, whole};
use crate::base::backoff::Backoff;
use crate::base::error::BoxError;
use crate::policy::Plain;
use crate::stage::{FromIter, Nothing, Producer};
use crate::supervise::{Intensity, Strategy};

/// A builder that begins a declaration and holds the options of the whole pipeline.
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::{Backoff, Intensity, Pipeline, Strategy};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let pipeline = Pipeline::builder("orders")
///     .strategy(Strategy::OneForAll)
///     .intensity(Intensity { max_restarts: 10, within: Duration::from_secs(60) })
///     .backoff(Backoff::new(Duration::from_millis(100), Duration::from_secs(10)))
///     .warn_of_stalls(Duration::from_secs(30))
///     .start_fn("orders", || Ok(0..10))
///     .finish_fn("print", |order| println!("{order}"));
/// let report = pipeline.start().await?.join().await?;
/// assert_eq!(report.stages[1].events_in, 10);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a pipeline begins with its start step"]
pub struct PipelineBuilder {
    draft: Draft,
}

impl Pipeline {
    /// Begins the declaration of a pipeline called `name`.
    pub fn builder(name: impl Into<String>) -> PipelineBuilder {
        PipelineBuilder { draft: Draft::new(name.into()) }
    }
}

impl PipelineBuilder {
    /// Sets the options of every step that does not set them itself. A name in `defaults` is ignored.
    #[inline]
    pub fn defaults(mut self, defaults: StepOptions) -> Self {
        self.draft.defaults = defaults;
        self
    }

    /// Sets which stages restart with a failed one. Default: [`Strategy::RestForOne`], which restarts the
    /// stages declared after it, including those on other branches.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.draft.plan.strategy = strategy;
        self
    }

    /// Sets the number of failures that the pipeline tolerates. Default: 3 restarts within 5 seconds.
    pub fn intensity(mut self, intensity: Intensity) -> Self {
        self.draft.plan.intensity = intensity;
        self
    }

    /// Sets the delay before each restart; it grows with every restart within the intensity period. The
    /// pipeline gives up when the attempts are used up. Default: restart immediately.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.draft.plan.backoff = Some(backoff);
        self
    }

    /// Retries stages whose recipe or `init` returns an error, including at the first start, with these
    /// delays: [`start`](Pipeline::start) returns when every stage is up, when the attempts of one are used
    /// up, or when one fails with a [`Fatal`](crate::Fatal) error or a panic. Its future may be dropped in
    /// the meantime. A retry does not count as a failure for the [intensity](Self::intensity).
    ///
    /// Default: `start` returns an error if a stage fails to come up at the first start. At a restart,
    /// sources are retried without limit, with delays from 100 ms to 10 s, or those of
    /// [`backoff`](Self::backoff); for any other stage, each attempt counts as a failure.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use std::sync::atomic::{AtomicU32, Ordering};
    /// # use stage_core::{Backoff, Pipeline};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// # let tried = AtomicU32::new(0);
    /// # let connect = move || if tried.fetch_add(1, Ordering::Relaxed) < 5 { Err("no answer") } else { Ok(0..10) };
    /// let pipeline = Pipeline::builder("orders")
    ///     .retry_init(Backoff::new(Duration::from_millis(100), Duration::from_secs(30)))
    ///     .start_fn("orders", move || Ok(connect()?))
    ///     .finish_fn("print", |order| println!("{order}"));
    /// pipeline.start().await?.join().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn retry_init(mut self, backoff: Backoff) -> Self {
        self.draft.plan.retry_init = Some(backoff);
        self
    }

    /// Logs a warning, with [tracing](https://docs.rs/tracing), for every stage that holds events and has
    /// neither handled nor handed out any for `after`. The warning names the stage, the time, and the reason
    /// (see [`Running::stalls`](crate::Running::stalls)). Stages that only wait for another stalled stage, or
    /// for a timer of their own, are omitted. Default: no warnings.
    ///
    /// The counters are read four times within `after`, and only stages without progress are queried.
    pub fn warn_of_stalls(mut self, after: Duration) -> Self {
        self.draft.plan.stalls = Some(after);
        self
    }

    /// Adds the source. Its recipe runs once per copy, and again at each restart.
    ///
    /// For several sources, see [`Chain::and_start`].
    pub fn start<S, R>(mut self, options: impl Into<StepOptions>, recipe: R) -> Chain<S::Event>
    where
        S: Producer,
        R: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        let upstream = source(&mut self.draft, &options.into(), recipe);
        Chain { draft: self.draft, upstream }
    }

    /// Adds a source that emits all items of an iterator, in order. Each item is produced on demand; if
    /// producing them is slow, they are handed out before the demand is met in full (see
    /// [`from_iter`](crate::source::from_iter)).
    ///
    /// After a restart the recipe creates a new iterator, which starts from the beginning.
    pub fn start_fn<I, R>(self, options: impl Into<StepOptions>, recipe: R) -> Chain<I::Item>
    where
        I: IntoIterator,
        I::IntoIter: Send + 'static,
        I::Item: Send + 'static,
        R: Fn() -> Result<I, BoxError> + Send + 'static,
    {
        self.start(options, move || Ok(FromIter::new(recipe()?)))
    }

    /// Adds a source and steps that run as one stage without queues between them; each step takes the output
    /// of the one before: see [`fused`](Self::fused). The source is asked for the demand on the last step,
    /// and again for the events that the steps dropped.
    ///
    /// ```
    /// # use stage_core::Pipeline;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let pipeline = Pipeline::builder("doubled")
    ///     .start_fused("numbers", |stage| stage.start_fn(|| Ok(1..=3_u32)).step_fn(|number| number * 2))
    ///     .finish_fn("check", |number| assert!([2, 4, 6].contains(&number)));
    /// assert_eq!(pipeline.topology().stages(), 2);
    /// pipeline.start().await?.join().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn start_fused<P, R>(
        mut self,
        options: impl Into<StepOptions>,
        stages: impl FnOnce(Fuse<Source<()>>) -> Fuse<Source<P>, R>,
    ) -> Chain<R::Event>
    where
        P: SourceRecipe,
        R: Recipe<Carry = Plain, In = Event<P>>,
    {
        let upstream = fused_source(&mut self.draft, &options.into(), stages(Fuse::source()));
        Chain { draft: self.draft, upstream }
    }

    /// Declares a whole pipeline as one stage: a source, steps and a sink without queues or subscriptions
    /// between them; each takes the output of the one before. Use it for work that is too small to be divided
    /// among stages.
    ///
    /// The source is asked for `max_demand − min_demand` events at a time, and again for as many as it
    /// emitted; events that it [flushes](crate::Emitter::flush) move on while it waits. Every copy is a
    /// pipeline of its own, whose parts restart together. The parts keep their `init` and their `terminate`;
    /// the steps and the sink are notified of the end of the input. None of them can receive messages,
    /// schedule messages, or ask for events manually: a stage that does so must be a separate step.
    ///
    /// ```
    /// # use stage_core::{Pipeline, StepOptions};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let (sent, received) = std::sync::mpsc::channel();
    /// let options = StepOptions::named("doubled").max_demand(1000).min_demand(500);
    /// let pipeline = Pipeline::builder("doubled").fused(options, move |stage| {
    ///     stage
    ///         .start_fn(|| Ok(1..=3_u32))
    ///         .step_fn(|number| number * 2)
    ///         .finish_fn(move |number| sent.send(number).expect("the receiver is alive"))
    /// });
    /// assert_eq!(pipeline.topology().subscriptions(), 0);
    /// let report = pipeline.start().await?.join().await?;
    /// assert_eq!(received.iter().collect::<Vec<_>>(), [2, 4, 6]);
    /// assert_eq!(report.stages[0].events_in, 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn fused<P, R>(
        mut self,
        options: impl Into<StepOptions>,
        stages: impl FnOnce(Fuse<Source<()>>) -> FusedSink<Source<P>, R>,
    ) -> Pipeline
    where
        P: SourceRecipe,
        R: Recipe<Carry = Plain, In = Event<P>, Event = Nothing>,
    {
        whole(&mut self.draft, &options.into(), stages(Fuse::source()));
        Pipeline { draft: self.draft }
    }
}
