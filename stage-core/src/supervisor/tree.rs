//! A supervisor of several pipelines, tasks and other supervisors.

use std::future::Future;

use super::group::{self, Inner};
use super::task::{self, Stopping, TaskControl};
use crate::base::backoff::Backoff;
use crate::base::error::{BoxError, StageResult};
use crate::base::future::FutureExt;
use crate::base::options::{Placement, Restart};
use crate::pipeline::handle::{Running, StartError};
use crate::pipeline::{Pipeline, Topology};
use crate::supervise::{Child, Nature};
use crate::supervise::{Intensity, Plan, Strategy};
use crate::sync::Arc;
use crate::trace::StageTrace;
use crate::wire::signal::Signal;

/// Keeps several children running: pipelines, tasks, and supervisors with children of their own.
///
/// Children start in the order of their declaration and stop in reverse order. The [`Strategy`] (here by
/// default [`OneForOne`](Strategy::OneForOne)) and the [`Restart`] of each child determine which children a
/// failure restarts; a restarted child is built from its recipe. More failures than the [`Intensity`] allows
/// end all children, and the supervisor itself fails: if it is a child, its own supervisor decides what
/// happens next.
///
/// ```
/// use std::time::Duration;
/// use stage_core::supervisor::ChildOptions;
/// use stage_core::{Backoff, Intensity, Pipeline, Restart, Strategy, Supervisor};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let numbers = || {
///     Ok(Pipeline::builder("numbers")
///         .start_fn("source", || Ok(0..100_u64))
///         .finish_fn("sink", |_| ()))
/// };
/// let inner = || {
///     Ok(Supervisor::new("inner").task("clock", |stopping| async move {
///         stopping.asked().await;
///         Ok(())
///     }))
/// };
/// let running = Supervisor::new("everything")
///     .strategy(Strategy::RestForOne)
///     .intensity(Intensity { max_restarts: 5, within: Duration::from_secs(60) })
///     .backoff(Backoff::new(Duration::from_millis(100), Duration::from_secs(10)))
///     .pipeline(ChildOptions::named("numbers").restart(Restart::Transient), numbers)
///     .supervisor("inner", inner)
///     .start()
///     .await?;
/// let report = running.drain(Duration::from_secs(5)).await?;
/// let sink = report.stages.iter().find(|stage| stage.step == "numbers/sink").unwrap();
/// assert!(sink.events_in <= 100);
/// # Ok(())
/// # }
/// ```
///
/// # End
///
/// A permanent child restarts even after a normal end, so a supervisor with such a child runs until it is
/// drained or stopped. Without permanent children, it ends when all children have ended and none is
/// restarted. A [drain](Running::drain) drains the children one by one in the order of their declaration,
/// since later ones may depend on the output of earlier ones.
#[derive(Debug)]
#[must_use = "a supervisor does nothing until it is started"]
pub struct Supervisor {
    name: String,
    plan: Plan,
    children: Vec<Child>,
}

/// The name of a child of a [`Supervisor`], and its restart type.
///
/// ```
/// use stage_core::supervisor::ChildOptions;
/// use stage_core::{Pipeline, Restart, Supervisor};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let numbers = || Ok(Pipeline::builder("numbers").start_fn("source", || Ok(0..10)).finish_fn("sink", drop));
/// let once = ChildOptions::named("numbers").restart(Restart::Transient);
/// Supervisor::new("service").pipeline(once, numbers).start().await?.join().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct ChildOptions {
    name: String,
    restart: Restart,
}

impl ChildOptions {
    /// Creates the options of a permanent child with this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), restart: Restart::Permanent }
    }

    /// Sets when the child is restarted. Default: always.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }
}

impl From<&str> for ChildOptions {
    #[inline]
    fn from(name: &str) -> Self {
        Self::named(name)
    }
}

impl Supervisor {
    /// Creates a supervisor without children.
    pub fn new(name: impl Into<String>) -> Self {
        let plan = Plan { strategy: Strategy::OneForOne, ..Plan::default() };
        Self { name: name.into(), plan, children: Vec::new() }
    }

    /// Sets which children restart with a failed one. Default: [`Strategy::OneForOne`].
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.plan.strategy = strategy;
        self
    }

    /// Sets the number of failures that the supervisor tolerates. Default: 3 restarts within 5 seconds.
    pub fn intensity(mut self, intensity: Intensity) -> Self {
        self.plan.intensity = intensity;
        self
    }

    /// Sets the delay before each restart; it grows with every restart within the intensity period. The
    /// supervisor gives up when the attempts are used up. Default: restart immediately.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.plan.backoff = Some(backoff);
        self
    }

    /// Adds a pipeline, built by hand or declared with `pipeline!`. A run that finished or was drained counts
    /// as a normal end.
    pub fn pipeline<P, R>(self, options: impl Into<ChildOptions>, recipe: R) -> Self
    where
        P: Into<Pipeline>,
        R: Fn() -> Result<P, BoxError> + Send + 'static,
    {
        self.group(options.into(), move || {
            let pipeline: Pipeline = recipe()?.into();
            Ok(pipeline.start())
        })
    }

    /// Adds a supervisor with children of its own.
    pub fn supervisor<R>(self, options: impl Into<ChildOptions>, recipe: R) -> Self
    where
        R: Fn() -> Result<Self, BoxError> + Send + 'static,
    {
        // Boxed, since the future may contain another one of its own type.
        self.group(options.into(), move || Ok(recipe()?.start().boxed()))
    }

    /// Adds a task, which can be any future. It may start stages that are connected by hand, and should end
    /// when it is [asked](Stopping::asked) to.
    pub fn task<R, F>(mut self, options: impl Into<ChildOptions>, recipe: R) -> Self
    where
        R: Fn(Stopping) -> F + Send + 'static,
        F: Future<Output = StageResult> + Send + 'static,
    {
        let control = Arc::new(TaskControl::default());
        let ChildOptions { name, restart } = options.into();
        self.children.push(Child {
            step: name.into(),
            copy: 0,
            placement: Placement::Runtime,
            restart,
            signal: Signal::new(),
            counters: Arc::default(),
            collectors: Arc::default(),
            trace: StageTrace::default(),
            control: Arc::clone(&control) as _,
            mailbox: Arc::new(()),
            build: Box::new(move |ready| Ok(task::run(recipe(control.open()), ready).boxed())),
            retire: Box::new(|_| ()),
            sources: Vec::new(),
            part: 0,
            nature: Nature::Task,
            elastic: None,
            up: Arc::default(),
        });
        self
    }

    fn group<R, F>(mut self, options: ChildOptions, recipe: R) -> Self
    where
        R: Fn() -> Result<F, BoxError> + Send + 'static,
        F: Future<Output = Result<Running, StartError>> + Send + 'static,
    {
        let inner = Arc::new(Inner::default());
        let ChildOptions { name, restart } = options;
        let running = Arc::clone(&inner);
        self.children.push(Child {
            step: name.into(),
            copy: 0,
            placement: Placement::Runtime,
            restart,
            signal: Signal::new(),
            counters: Arc::default(),
            collectors: Arc::default(),
            trace: StageTrace::default(),
            control: Arc::clone(&inner) as _,
            mailbox: Arc::new(()),
            build: Box::new(move |ready| {
                let commands = running.open();
                Ok(group::run(recipe()?, Arc::clone(&running), commands, ready).boxed())
            }),
            retire: Box::new(|_| ()),
            sources: Vec::new(),
            part: 0,
            nature: Nature::Group(inner),
            elastic: None,
            up: Arc::default(),
        });
        self
    }

    /// Starts all children in order; returns when all of them are up. A pipeline is up, and begins to work,
    /// when all its stages have been initialised.
    ///
    /// The returned handle is the same type as a pipeline's: its [topology](Running::topology) has no steps;
    /// its statistics and reports cover all stages, named `child/step`.
    ///
    /// Must be called within a tokio runtime with its time driver enabled.
    ///
    /// # Errors
    ///
    /// Returns [`StartError::Options`] if the [`Intensity`] is invalid, and [`StartError::Stage`] if a child
    /// failed to start; no child is left running then.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the children that were started are stopped.
    pub async fn start(self) -> Result<Running, StartError> {
        let errors = self.plan.errors();
        if !errors.is_empty() {
            return Err(StartError::Options { pipeline: self.name, errors });
        }
        Running::start(Topology::unwired(self.name), self.children, self.plan).await
    }
}
