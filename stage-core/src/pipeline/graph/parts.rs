//! Creates the copies of a step, and turns them into children of the supervisor.

use std::any::Any;
use std::sync::OnceLock;

use super::hand_over::{Heir, Keeper};
use super::route::Dealing;
use super::wire::{Exit, Upstream};
use crate::base::error::{BoxError, ExitReason};
use crate::base::flag::Flag;
use crate::base::future::BoxFuture;
use crate::base::options::{CancelMode, Pace};
use crate::credit::demand::Window;
use crate::credit::tuner::Tuner;
use crate::dispatch::Dealt;
use crate::engine::{self, Ready, Run, Sources, StageSetup};
use crate::pipeline::options::Effective;
use crate::stage::{CopyOf, Give, StageMailbox};
use crate::supervise::{Build, Child, Control, Elastic, ElasticPlace, Nature, Retire};
use crate::sync::{Arc, Mutex, lock};
use crate::trace::PipelineTrace;
use crate::wire::mailbox::{MailQueue, Subscribable};

/// Adds the copies of a step to the children before them.
pub(in crate::pipeline) type Install = Box<dyn FnOnce(&Effective, &PipelineTrace, &mut Vec<Child>) + Send>;

/// The components of the copies of a step.
pub(in crate::pipeline) struct Parts<S, In, Out, R> {
    pub(in crate::pipeline) recipe: R,
    pub(in crate::pipeline) upstream: Upstream<In>,
    /// The number of copies in each lane, for the steps before it.
    pub(in crate::pipeline) count: Arc<OnceLock<usize>>,
    pub(in crate::pipeline) exit: Arc<Exit<Out>>,
    pub(in crate::pipeline) run: Run<S, Out>,
    /// Keeps the state of keys while the copies change, if they hand it over.
    pub(in crate::pipeline) keeper: Option<Arc<Keeper>>,
}

impl<S, In, Out, R> Parts<S, In, Out, R>
where
    S: Send + 'static,
    In: Send + 'static,
    Out: Send + 'static,
    R: Fn() -> Result<S, BoxError> + Send + 'static,
{
    /// Adds a child for each copy.
    pub(in crate::pipeline) fn install(
        self,
        options: &Effective,
        trace: &PipelineTrace,
        children: &mut Vec<Child>,
    ) {
        // A pipeline starts only once, so the value cannot be set already.
        let _ = self.count.set(options.values.count.most());
        let exit = Arc::clone(&self.exit);
        let first = children.len();
        let producers = add(Box::new(self), options, trace, children);
        exit.make(producers, first, options.values.buffer, options.values.keep);
    }
}

/// Adds a child for each copy of a step; returns the copies as producers. Not generic, so that it is compiled once.
fn add(
    step: Box<dyn Maker>,
    options: &Effective,
    trace: &PipelineTrace,
    children: &mut Vec<Child>,
) -> Vec<Arc<dyn Subscribable>> {
    let Upwards { lanes, hands_over, dealing } = step.upwards();
    let most = options.values.count.most();
    let copies = most * lanes;
    let elastic = elastic(options, hands_over, &dealing);
    let first = children.len();
    let step: Step = Arc::new(Mutex::new(step));
    let mut producers = Vec::with_capacity(copies);
    for index in 0..copies {
        let Address { queue, own } = lock(&step).address(name(options, index));
        producers.push(Arc::clone(&queue) as Arc<dyn Subscribable>);
        children.push(child(&step, options, trace, CopyOf { index, of: copies }, &queue, own));
    }
    if let Some(elastic) = elastic {
        place(&mut children[first..], &elastic, most);
    }
    producers
}

/// What a step takes from the steps before it.
struct Upwards {
    lanes: usize,
    /// Whether its copies hand the state of their keys over.
    hands_over: bool,
    dealing: Dealing,
}

/// The address of a copy, without and with its types.
struct Address {
    queue: Arc<MailQueue>,
    own: Arc<dyn Any + Send + Sync>,
}

/// Makes the copies of a step, whose types are erased: what surrounds a copy is compiled once, in this crate.
trait Maker: Send {
    fn upwards(&self) -> Upwards;

    /// Creates the address of a copy.
    fn address(&self, name: Arc<str>) -> Address;

    /// Returns the numbers of the sources of a copy among the pipeline's children.
    fn sources(&self, copy: Place) -> Vec<usize>;

    /// Returns what keeps the state of the keys, if the step hands it over.
    fn keeper(&self) -> Option<Arc<Keeper>>;

    /// Finishes the subscription to one source on behalf of the copy `gone`.
    fn retire(&self, copy: Place, source: usize, gone: &Arc<MailQueue>);

    /// Creates a copy, whose subscriptions are made as `feeding` says.
    fn build(
        &self,
        copy: Place,
        setup: &StageSetup,
        feeding: Feeding,
        ready: Ready,
    ) -> Result<BoxFuture<'static, ExitReason>, BoxError>;
}

/// The number of a copy, and the number of copies in each lane.
#[derive(Clone, Copy)]
struct Place {
    index: usize,
    count: usize,
}

impl Place {
    fn lane(self) -> usize {
        self.index / self.count
    }
}

/// How a copy subscribes to its sources.
#[derive(Clone, Copy)]
struct Feeding {
    window: Window,
    tuner: Option<Tuner>,
    cancel: CancelMode,
}

impl<S, In, Out, R> Maker for Parts<S, In, Out, R>
where
    S: Send + 'static,
    In: Send + 'static,
    Out: Send + 'static,
    R: Fn() -> Result<S, BoxError> + Send + 'static,
{
    fn upwards(&self) -> Upwards {
        let Upstream { lanes, dealing, .. } = &self.upstream;
        Upwards { lanes: *lanes, hands_over: self.keeper.is_some(), dealing: Arc::clone(dealing) }
    }

    fn address(&self, name: Arc<str>) -> Address {
        let mailbox = StageMailbox::<S, In, Out>::new(name);
        Address { queue: Arc::clone(mailbox.queue()), own: mailbox }
    }

    fn sources(&self, copy: Place) -> Vec<usize> {
        self.upstream.children(copy.index, copy.count)
    }

    fn keeper(&self) -> Option<Arc<Keeper>> {
        self.keeper.clone()
    }

    fn retire(&self, copy: Place, source: usize, gone: &Arc<MailQueue>) {
        if let Some(source) = self.upstream.source(copy.index, copy.count, source) {
            engine::finish_on_behalf_of::<In>(gone, source);
        }
    }

    fn build(
        &self,
        copy: Place,
        setup: &StageSetup,
        Feeding { window, tuner, cancel }: Feeding,
        ready: Ready,
    ) -> Result<BoxFuture<'static, ExitReason>, BoxError> {
        let mut stage = (self.recipe)()?;
        if let (Some(keeper), Some(dealt)) = (&self.keeper, self.upstream.dealing.get()) {
            let heir = Heir { lane: copy.lane(), place: copy.index % copy.count, copies: dealt.copies() };
            (keeper.take)(heir, &mut stage);
        }
        let sources = self.upstream.sources(copy.index, copy.count);
        let sources = Sources::new(window, tuner, cancel, sources);
        Ok((self.run)(setup.assemble::<S, In, Out>(stage, sources, self.exit.output(), ready)))
    }
}

/// Returns the number of copies as it changes, if it can.
fn elastic(options: &Effective, hands_over: bool, dealing: &Dealing) -> Option<Arc<Elastic>> {
    let count = options.values.count;
    count.is_elastic().then(|| {
        let dealt = hands_over.then(|| Dealt::new(count.least()));
        if let Some(dealt) = &dealt {
            let _ = dealing.set(Arc::clone(dealt));
        }
        Elastic::new(count, dealt)
    })
}

/// Returns what takes the state of the keys from the copies in `lane`.
fn give(keeper: Arc<Keeper>, lane: usize) -> Give {
    Give::new(move |stage| (keeper.give)(lane, stage))
}

fn name(options: &Effective, copy: usize) -> Arc<str> {
    format!("{}/{copy}", options.name).into()
}

/// Gives the copies of a step, `most` in each lane, their places.
fn place(copies: &mut [Child], step: &Arc<Elastic>, most: usize) {
    for (copy, child) in copies.iter_mut().enumerate() {
        child.elastic = Some(ElasticPlace { step: Arc::clone(step), place: copy % most });
    }
}

/// The maker that the copies of a step share; only the supervisor uses it, for one copy at a time.
type Step = Arc<Mutex<Box<dyn Maker>>>;

/// Creates the supervisor's child for one copy of a step.
fn child(
    step: &Step,
    options: &Effective,
    trace: &PipelineTrace,
    copy: CopyOf,
    queue: &Arc<MailQueue>,
    own: Arc<dyn Any + Send + Sync>,
) -> Child {
    let feeding = Feeding { window: options.window, tuner: options.tuner, cancel: options.values.cancel };
    let place = Place { index: copy.index, count: options.values.count.most() };
    let (sources, give) = {
        let step = lock(step);
        (step.sources(place), step.keeper().map(|keeper| give(keeper, place.lane())))
    };
    let setup = setup(options, trace, copy, queue, own, give);
    let retire = {
        let (step, gone) = (Arc::clone(step), Arc::clone(queue));
        move |source| lock(&step).retire(place, source, &gone)
    };
    let build = {
        let (step, setup) = (Arc::clone(step), Arc::clone(&setup));
        move |ready: Ready| lock(&step).build(place, &setup, feeding, ready)
    };
    supervised(&setup, options, sources, Box::new(build), Box::new(retire))
}

/// Creates the parts of a stage that do not depend on its types.
fn setup(
    options: &Effective,
    trace: &PipelineTrace,
    copy: CopyOf,
    queue: &Arc<MailQueue>,
    own: Arc<dyn Any + Send + Sync>,
    give: Option<Give>,
) -> Arc<StageSetup> {
    let step: Arc<str> = options.name.as_str().into();
    Arc::new(StageSetup {
        trace: trace.stage(&step, copy.index),
        step,
        copy,
        pace: Pace::default(),
        queue: Arc::clone(queue),
        own,
        drain: Flag::default(),
        collectors: Arc::default(),
        give,
    })
}

/// Creates the child of a stage; not generic, so that it is compiled once.
fn supervised(
    setup: &StageSetup,
    options: &Effective,
    sources: Vec<usize>,
    build: Build,
    retire: Retire,
) -> Child {
    let StageSetup { step, copy, queue, own, collectors, trace, .. } = setup;
    Child {
        step: Arc::clone(step),
        copy: copy.index,
        placement: options.values.placement,
        restart: options.values.restart,
        signal: Arc::clone(queue.signal()),
        counters: Arc::clone(queue.counters()),
        collectors: Arc::clone(collectors),
        trace: trace.clone(),
        mailbox: Arc::clone(own),
        control: Arc::clone(queue) as Arc<dyn Control>,
        build,
        retire,
        sources,
        part: 0,
        nature: Nature::Stage,
        elastic: None,
        up: Arc::default(),
    }
}
