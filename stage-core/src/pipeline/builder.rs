//! The beginning of a declaration, and its result: a pipeline that can be started.

use std::any::type_name;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::carried::Emits;
use super::chain::Chain;
use super::describe::{StepKind, Topology};
use super::draft::{Draft, Shape};
use super::fuse::{Out, Recipe};
use super::fuse_source::{Event, FuseStart, FusedSource, FusedWhole, Origin};
use super::options::StepOptions;
use super::parts::{Parts, Run};
use super::wire::{Exit, Upstream};
use crate::base::backoff::Backoff;
use crate::base::error::BoxError;
use crate::base::options::Capacity;
use crate::engine;
use crate::pipeline::handle::{Running, StartError};
use crate::stage::{FromIter, Nothing, Producer, ProducerConsumer};
use crate::supervise::{Intensity, Strategy};
use crate::sync::Arc;

/// Number of events without demand that a producer buffers (GenStage's default).
const PRODUCER_BUFFER: Capacity = Capacity::Bounded(10_000);

/// A pipeline that is declared but not running yet.
#[derive(Debug)]
#[must_use = "a pipeline does nothing until it is started"]
pub struct Pipeline {
    pub(super) draft: Draft,
}

/// A builder that begins a declaration and holds the options of the whole pipeline.
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

    /// Returns the structure of the pipeline, with its effective options.
    pub fn topology(&self) -> &Topology {
        &self.draft.topology
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
            let Draft { topology, plan, planned, mut errors, .. } = self.draft;
            errors.extend(plan.errors());
            if !errors.is_empty() {
                return Err(StartError::Options { pipeline: topology.name, errors });
            }
            topology.warn_of_many();
            Running::start(topology, Draft::children(planned), plan).await
        }
        .boxed()
    }
}

impl PipelineBuilder {
    /// Sets the options of every step that does not set them itself. A name in `defaults` is ignored.
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
    /// (see [`Running::stalls`]). Stages that only wait for another stalled stage, or for a timer of their
    /// own, are omitted. Default: no warnings.
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
        stages: impl FnOnce(FuseStart) -> FusedSource<P, R>,
    ) -> Chain<Out<R>>
    where
        P: Origin,
        R: Recipe<Stage: ProducerConsumer<In = Event<P>>>,
    {
        let upstream = fused_source(&mut self.draft, &options.into(), stages(FuseStart::new()));
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
        stages: impl FnOnce(FuseStart) -> FusedWhole<P, R>,
    ) -> Pipeline
    where
        P: Origin,
        R: Recipe<Stage: ProducerConsumer<In = Event<P>, Out = Nothing>>,
    {
        let recipe = stages(FuseStart::new()).into_recipe();
        let shape = shape::<P::Stage>(StepKind::Whole, Capacity::Unbounded);
        let draft = &mut self.draft;
        begin(draft, &options.into(), shape, recipe, |stage, core, port, inlet, outlet, ready| {
            engine::run_fused_pipeline(stage, core, port, inlet, outlet, ready).boxed()
        });
        Pipeline { draft: self.draft }
    }
}

/// Declares a source.
pub(super) fn source<S, R>(draft: &mut Draft, options: &StepOptions, recipe: R) -> Upstream<S::Event>
where
    S: Producer,
    R: Fn() -> Result<S, BoxError> + Send + 'static,
{
    let shape = shape::<S>(StepKind::Producer, PRODUCER_BUFFER);
    begin(draft, options, shape, recipe, |stage, core, port, inlet, outlet, ready| {
        engine::run_producer(stage, core, port, inlet, outlet, ready).boxed()
    })
}

/// Declares a source with its fused steps.
pub(super) fn fused_source<P, R>(
    draft: &mut Draft,
    options: &StepOptions,
    stages: FusedSource<P, R>,
) -> Upstream<Out<R>>
where
    P: Origin,
    R: Recipe<Stage: ProducerConsumer<In = Event<P>>>,
{
    // The buffer is unbounded, so that the output of the steps is not lost for lack of space.
    let shape = shape::<P::Stage>(StepKind::Producer, Capacity::Unbounded);
    begin(draft, options, shape, stages.into_recipe(), |stage, core, port, inlet, outlet, ready| {
        engine::run_fused_source(stage, core, port, inlet, outlet, ready).boxed()
    })
}

fn shape<S: Producer>(kind: StepKind, capacity: Capacity) -> Shape {
    Shape {
        kind,
        single: S::SINGLE,
        capacity,
        keyed: false,
        type_name: type_name::<S>(),
        emits: Emits::Events,
    }
}

/// Declares a step without input from other steps.
fn begin<S, Out, R>(
    draft: &mut Draft,
    options: &StepOptions,
    shape: Shape,
    recipe: R,
    run: Run<S, Nothing, Out>,
) -> Upstream<Out>
where
    S: Send + 'static,
    Out: Send + 'static,
    R: Fn() -> Result<S, BoxError> + Send + 'static,
{
    let exit = Exit::new(draft.next(), 1);
    let upstream = Upstream::none();
    let links = upstream.links();
    let (exit_of, capacity) = (Arc::clone(&exit), shape.capacity);
    let parts = Parts { recipe, upstream, count: Arc::default(), exit: exit_of, capacity, run };
    let install = Box::new(move |options: &_, children: &mut _| parts.install(options, children));
    draft.plan(options, shape, &links, install);
    Upstream::of(exit)
}
