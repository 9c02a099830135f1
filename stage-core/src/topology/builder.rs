//! The typed builder: each step takes what the step before emits, checked by the compiler.

use std::any::type_name;
use std::hash::Hash;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::describe::{StepKind, Topology};
use super::draft::{Draft, Shape};
use super::options::{Effective, StepOptions};
use super::wire::{Exit, Upstream, by_key};
use crate::ack::Collectors;
use crate::engine::{self, Inlet, Outlet, Port, Ready, Source, Sources};
use crate::error::{BoxError, ExitReason};
use crate::handle::{Running, StartError};
use crate::mailbox::{Mailbox, Subscribable};
use crate::options::{Capacity, Pace};
use crate::stage::{
    Consumer, CopyOf, Core, ForEach, FromIter, Holds, MapEach, Nothing, Producer, ProducerConsumer,
    StageMail, Wishes,
};
use crate::supervise::{Child, Control, Intensity, Strategy};
use crate::sync::{Arc, Mutex, lock};

/// Undemanded events a producer keeps (GenStage's default).
const PRODUCER_BUFFER: Capacity = Capacity::Bounded(10_000);

/// A pipeline that was declared and is not running yet.
#[derive(Debug)]
#[must_use = "a pipeline does nothing until it is started"]
pub struct Pipeline {
    draft: Draft,
}

/// The beginning of a declaration: options of the whole pipeline.
#[derive(Debug)]
#[must_use = "a pipeline begins with its start step"]
pub struct PipelineBuilder {
    draft: Draft,
}

/// A declaration whose last step so far emits events of type `E`.
#[must_use = "a pipeline ends with its finish step"]
pub struct Chain<E> {
    draft: Draft,
    upstream: Upstream<E>,
}

impl Pipeline {
    /// Begins the declaration of a pipeline called `name`.
    pub fn builder(name: impl Into<String>) -> PipelineBuilder {
        PipelineBuilder {
            draft: Draft {
                topology: Topology { name: name.into(), steps: Vec::new() },
                defaults: StepOptions::new(),
                strategy: Strategy::default(),
                intensity: Intensity::default(),
                children: Vec::new(),
                errors: Vec::new(),
            },
        }
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
        let Draft { topology, strategy, intensity, children, errors, .. } = self.draft;
        if !errors.is_empty() {
            return Err(StartError::Options { pipeline: topology.name, errors });
        }
        Running::start(topology, children, strategy, intensity).await
    }
}

impl PipelineBuilder {
    /// Options for every step that does not set them itself. A name in them is not used.
    pub fn defaults(mut self, defaults: StepOptions) -> Self {
        self.draft.defaults = defaults;
        self
    }

    /// Which stages are restarted with one that failed. Default: [`Strategy::RestForOne`].
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.draft.strategy = strategy;
        self
    }

    /// How many failures the pipeline survives. Default: 3 restarts within 5 seconds.
    pub fn intensity(mut self, intensity: Intensity) -> Self {
        self.draft.intensity = intensity;
        self
    }

    /// The source. Its recipe runs once per copy, and again at each restart.
    pub fn start<S, R>(mut self, options: impl Into<StepOptions>, recipe: R) -> Chain<S::Event>
    where
        S: Producer,
        R: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        let shape =
            Shape { kind: StepKind::Producer, keyed: false, single: S::SINGLE, type_name: type_name::<S>() };
        let options = self.draft.note(&options.into(), shape);
        let parts = Parts {
            recipe,
            exit: Exit::new(PRODUCER_BUFFER),
            feed: |_| Vec::new(),
            run: |stage, core, port, inlet, outlet, ready| {
                engine::producer(stage, core, port, inlet, outlet, ready).boxed()
            },
        };
        let upstream = parts.install(&mut self.draft, options.as_ref(), &[]);
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

impl<E: Send + 'static> Chain<E> {
    /// Feeds the copies of the next step by key: events of equal keys go to the same copy, in order.
    ///
    /// The key is hashed in a way that is the same on every run.
    pub fn by<K, F>(mut self, key: F) -> Self
    where
        K: Hash,
        F: Fn(&E) -> K + Send + Sync + 'static,
    {
        self.upstream.route = Some(by_key(key));
        self
    }

    /// A step that takes what the step before emits.
    pub fn step<S, R>(mut self, options: impl Into<StepOptions>, recipe: R) -> Chain<S::Out>
    where
        S: ProducerConsumer<In = E>,
        R: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        let shape = self.shape(StepKind::ProducerConsumer, type_name::<S>());
        let options = self.draft.note(&options.into(), shape);
        let sources = self.upstream.children();
        let parts = Parts {
            recipe,
            exit: Exit::new(Capacity::Unbounded),
            feed: feed(self.upstream, options.as_ref()),
            run: |stage, core, port, inlet, outlet, ready| {
                engine::producer_consumer(stage, core, port, inlet, outlet, ready).boxed()
            },
        };
        let upstream = parts.install(&mut self.draft, options.as_ref(), &sources);
        Chain { draft: self.draft, upstream }
    }

    /// A step that turns each event into one other. Every copy has a clone of the function.
    pub fn step_fn<F, Out>(self, options: impl Into<StepOptions>, function: F) -> Chain<Out>
    where
        F: FnMut(E) -> Out + Clone + Send + 'static,
        Out: Send + 'static,
    {
        self.step(options, move || Ok(MapEach::new(function.clone())))
    }

    /// The last step.
    pub fn finish<C, R>(mut self, options: impl Into<StepOptions>, recipe: R) -> Pipeline
    where
        C: Consumer<Event = E>,
        R: Fn() -> Result<C, BoxError> + Send + 'static,
    {
        let shape = self.shape(StepKind::Consumer, type_name::<C>());
        let options = self.draft.note(&options.into(), shape);
        let sources = self.upstream.children();
        let parts = Parts {
            recipe,
            exit: Exit::<Nothing>::new(Capacity::Unbounded),
            feed: feed(self.upstream, options.as_ref()),
            run: |stage, core, port, inlet, outlet, ready| {
                engine::consumer(stage, core, port, inlet, outlet, ready).boxed()
            },
        };
        parts.install(&mut self.draft, options.as_ref(), &sources);
        Pipeline { draft: self.draft }
    }

    /// The last step: calls a function with each event. Every copy has a clone of the function.
    pub fn finish_fn<F>(self, options: impl Into<StepOptions>, function: F) -> Pipeline
    where
        F: FnMut(E) + Clone + Send + 'static,
    {
        self.finish(options, move || Ok(ForEach::new(function.clone())))
    }

    /// A pipeline without a last step, and what is to be subscribed to instead.
    pub(crate) fn into_open(self) -> (Pipeline, Vec<Source<E>>) {
        let sources = self.upstream.feed(1)(0);
        (Pipeline { draft: self.draft }, sources)
    }

    fn shape(&self, kind: StepKind, type_name: &'static str) -> Shape {
        Shape { kind, keyed: self.upstream.is_keyed(), single: false, type_name }
    }
}

/// The sources of each copy of a step; none if its options cannot work.
fn feed<E: Send + 'static>(
    upstream: Upstream<E>,
    options: Option<&Effective>,
) -> Box<dyn Fn(usize) -> Vec<Source<E>> + Send> {
    match options {
        Some(options) => Box::new(upstream.feed(options.count)),
        None => Box::new(|_| Vec::new()),
    }
}

/// Runs a stage of one kind; types are erased here, once per start.
type Run<S, In, Out> =
    fn(S, Core, Port<S, In, Out>, Inlet<In>, Outlet<Out>, Ready) -> BoxFuture<'static, ExitReason>;

/// What the copies of a step are made from.
struct Parts<S, In, Out, R, F> {
    recipe: R,
    exit: Arc<Exit<Out>>,
    feed: F,
    run: Run<S, In, Out>,
}

impl<S, In, Out, R, F> Parts<S, In, Out, R, F>
where
    S: Send + 'static,
    In: Send + 'static,
    Out: Send + 'static,
    R: Fn() -> Result<S, BoxError> + Send + 'static,
    F: Fn(usize) -> Vec<Source<In>> + Send + 'static,
{
    /// Adds a child for each copy; returns the step as what the next one is fed from.
    fn install(self, draft: &mut Draft, options: Option<&Effective>, sources: &[usize]) -> Upstream<Out> {
        let first = draft.children.len();
        let exit = Arc::clone(&self.exit);
        let mut producers: Vec<Arc<dyn Subscribable<Out>>> = Vec::new();
        if let Some(options) = options {
            let shared = Arc::new(Mutex::new(self));
            for copy in 0..options.count {
                let mailbox = Mailbox::new(format!("{}/{copy}", options.name));
                producers.push(Arc::clone(&mailbox) as Arc<dyn Subscribable<Out>>);
                let mut child = child(&shared, options, copy, mailbox);
                child.sources = sources.to_vec();
                draft.children.push(child);
            }
        }
        Upstream { producers, first, exit, route: None }
    }
}

/// What the copies of a step have in common; only the supervisor uses it, one copy at a time.
type Shared<T> = Arc<Mutex<T>>;

/// One copy of a step, as the supervisor knows it.
fn child<S, In, Out, R, F>(
    parts: &Shared<Parts<S, In, Out, R, F>>,
    options: &Effective,
    copy: usize,
    mailbox: Arc<Mailbox<StageMail<S, In, Out>>>,
) -> Child
where
    S: Send + 'static,
    In: Send + 'static,
    Out: Send + 'static,
    R: Fn() -> Result<S, BoxError> + Send + 'static,
    F: Fn(usize) -> Vec<Source<In>> + Send + 'static,
{
    let step: Arc<str> = options.name.as_str().into();
    let counters = Arc::clone(mailbox.counters());
    let drain = CancellationToken::new();
    let collectors = Arc::new(Collectors::default());
    let (window, of) = (options.window, options.count);
    let parts = Arc::clone(parts);
    let build = {
        let (step, counters) = (Arc::clone(&step), Arc::clone(&counters));
        let mailbox = Arc::clone(&mailbox);
        let collectors = Arc::clone(&collectors);
        move |ready: Ready| {
            let parts = lock(&parts);
            let stage = (parts.recipe)()?;
            let port = Port::new(Arc::clone(&mailbox), drain.clone());
            let core = Core {
                step: Arc::clone(&step),
                copy: CopyOf { index: copy, of },
                counters: Arc::clone(&counters),
                drain: port.leave().clone(),
                finished: false,
                pace: Pace::default(),
                wishes: Wishes::of::<S, In>(),
                holds: Holds::of(mailbox.signal()),
                collectors: Arc::clone(&collectors),
                own: Arc::clone(&mailbox) as _,
            };
            let sources = Sources::new(window, (parts.feed)(copy));
            let own = Arc::clone(&mailbox) as _;
            let inlet = Inlet::new(mailbox.signal(), own, sources, Arc::clone(&counters));
            let outlet = parts.exit.outlet(&counters);
            Ok((parts.run)(stage, core, port, inlet, outlet, ready))
        }
    };
    Child {
        step,
        copy,
        placement: options.placement,
        counters,
        collectors,
        mailbox: Arc::clone(&mailbox) as _,
        control: mailbox as Arc<dyn Control>,
        build: Box::new(build),
        sources: Vec::new(),
    }
}

impl<E> std::fmt::Debug for Chain<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain").field("topology", &self.draft.topology).finish_non_exhaustive()
    }
}
