//! The beginning of a declaration, and its end: a pipeline that can be started.

use std::any::type_name;
use std::time::Duration;

use futures_util::FutureExt;

use super::chain::Chain;
use super::describe::{StepKind, Topology};
use super::draft::{Draft, Shape};
use super::options::StepOptions;
use super::parts::Parts;
use super::wire::{Exit, Upstream};
use crate::backoff::Backoff;
use crate::engine;
use crate::error::BoxError;
use crate::handle::{Running, StartError};
use crate::options::Capacity;
use crate::stage::{FromIter, Producer};
use crate::supervise::{Intensity, Strategy};
use crate::sync::Arc;

/// Undemanded events a producer keeps (GenStage's default).
const PRODUCER_BUFFER: Capacity = Capacity::Bounded(10_000);

/// A pipeline that was declared and is not running yet.
#[derive(Debug)]
#[must_use = "a pipeline does nothing until it is started"]
pub struct Pipeline {
    pub(super) draft: Draft,
}

/// The beginning of a declaration: options of the whole pipeline.
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

    /// What the pipeline looks like, with its effective options.
    pub fn topology(&self) -> &Topology {
        &self.draft.topology
    }

    /// Starts all stages; returns when every one has been initialised. No event flows before that.
    ///
    /// Must be called within a tokio runtime with its time enabled.
    ///
    /// # Errors
    ///
    /// [`StartError::Options`] if options cannot work, all of them at once; [`StartError::Stage`] if a
    /// recipe or an `init` failed, with none of the stages left running.
    ///
    /// # Cancel safety
    ///
    /// When dropped before it is ready, the stages that were started are cut off.
    pub async fn start(self) -> Result<Running, StartError> {
        let Draft { topology, plan, planned, errors, .. } = self.draft;
        if !errors.is_empty() {
            return Err(StartError::Options { pipeline: topology.name, errors });
        }
        Running::start(topology, Draft::children(planned), plan).await
    }
}

impl PipelineBuilder {
    /// Options for every step that does not set them itself. A name in them is not used.
    pub fn defaults(mut self, defaults: StepOptions) -> Self {
        self.draft.defaults = defaults;
        self
    }

    /// Which stages are restarted with one that failed. Default: [`Strategy::RestForOne`]. The stages after
    /// one are those declared after it, also on other branches.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.draft.plan.strategy = strategy;
        self
    }

    /// How many failures the pipeline survives. Default: 3 restarts within 5 seconds.
    pub fn intensity(mut self, intensity: Intensity) -> Self {
        self.draft.plan.intensity = intensity;
        self
    }

    /// How long it is waited before a restart: longer with each one within the period of the intensity. The
    /// pipeline gives up when the attempts are used up. Default: not at all.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.draft.plan.backoff = Some(backoff);
        self
    }

    /// Warns, by [tracing](https://docs.rs/tracing), of every stage that holds events and has neither handled nor
    /// handed out any for `after`: which stage, since when, and what it waits for (see
    /// [`Running::stalls`]). Stages that only wait for one of them, or for a timer of their
    /// own, are left out. Default: nobody is warned.
    ///
    /// It costs a look at the counters four times within `after`, and a question to stages that do not get on.
    pub fn warn_of_stalls(mut self, after: Duration) -> Self {
        self.draft.plan.stalls = Some(after);
        self
    }

    /// The source. Its recipe runs once per copy, and again at each restart.
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

    /// The source: all events of an iterator, in order, each made when it is asked for, and handed on
    /// before a demand is filled where making them is slow (see [`from_iter`](crate::source::from_iter)).
    ///
    /// After a restart the recipe makes a new iterator, which begins anew.
    pub fn start_fn<I, R>(self, options: impl Into<StepOptions>, recipe: R) -> Chain<I::Item>
    where
        I: IntoIterator,
        I::IntoIter: Send + 'static,
        I::Item: Send + 'static,
        R: Fn() -> Result<I, BoxError> + Send + 'static,
    {
        self.start(options, move || Ok(FromIter::new(recipe()?)))
    }
}

/// Declares a source.
pub(super) fn source<S, R>(draft: &mut Draft, options: &StepOptions, recipe: R) -> Upstream<S::Event>
where
    S: Producer,
    R: Fn() -> Result<S, BoxError> + Send + 'static,
{
    let shape =
        Shape { kind: StepKind::Producer, single: S::SINGLE, keyed: false, type_name: type_name::<S>() };
    let exit = Exit::new(draft.next(), 1);
    let parts = Parts {
        recipe,
        upstream: Upstream::none(),
        count: Arc::default(),
        exit: Arc::clone(&exit),
        capacity: PRODUCER_BUFFER,
        run: |stage, core, port, inlet, outlet, ready| {
            engine::producer(stage, core, port, inlet, outlet, ready).boxed()
        },
    };
    let install = Box::new(move |options: &_, children: &mut _| parts.install(options, children));
    draft.plan(options, shape, &Upstream::<S::Event>::none().links(), install);
    Upstream::of(exit)
}
