//! Creates the copies of a step, and turns them into children of the supervisor.

use std::any::Any;
use std::sync::OnceLock;

use super::hand_over::{Heir, Keeper};
use super::route::Dealing;
use super::wire::{Exit, Upstream};
use crate::base::error::BoxError;
use crate::base::flag::Flag;
use crate::base::options::Pace;
use crate::dispatch::Dealt;
use crate::engine::{self, Ready, Run, Sources, StageSetup};
use crate::pipeline::options::Effective;
use crate::stage::{CopyOf, Give, StageMailbox};
use crate::supervise::{Build, Child, Control, Elastic, ElasticPlace, Nature, Retire};
use crate::sync::{Arc, Mutex, lock};
use crate::trace::PipelineTrace;
use crate::wire::mailbox::{MailQueue, Mailbox, Subscribable};
use crate::wire::subscription::Reach;

/// Adds the copies of a step to the children before them.
pub(in crate::pipeline) type Install = Box<dyn FnOnce(&Effective, &PipelineTrace, &mut Vec<Child>) + Send>;

/// The components of the copies of a step.
pub(in crate::pipeline) struct Parts<S, In, Out, R> {
    pub(in crate::pipeline) recipe: R,
    pub(in crate::pipeline) upstream: Upstream<In>,
    /// The number of copies in each lane, for the steps before it.
    pub(in crate::pipeline) count: Arc<OnceLock<usize>>,
    pub(in crate::pipeline) exit: Arc<Exit<Out>>,
    pub(in crate::pipeline) run: Run<S, In, Out>,
    /// Keeps the state of keys while the copies change, if they hand it over.
    pub(in crate::pipeline) keeper: Option<Arc<Keeper<S>>>,
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
        let values = options.values;
        let most = values.count.most();
        let copies = most * self.upstream.lanes;
        // A pipeline starts only once, so the value cannot be set already.
        let _ = self.count.set(most);
        let elastic = elastic(options, self.keeper.is_some(), &self.upstream.dealing);
        let first = children.len();
        let shared = Arc::new(Mutex::new(self));
        let mut producers = Vec::with_capacity(copies);
        for index in 0..copies {
            let mailbox = Mailbox::new(name(options, index));
            producers.push(Arc::clone(mailbox.queue()) as Arc<dyn Subscribable<Out>>);
            children.push(child(&shared, options, trace, CopyOf { index, of: copies }, &mailbox));
        }
        if let Some(elastic) = elastic {
            place(&mut children[first..], &elastic, most);
        }
        lock(&shared).exit.make(producers, first, values.buffer, values.keep);
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

fn name(options: &Effective, copy: usize) -> Arc<str> {
    format!("{}/{copy}", options.name).into()
}

/// Gives the copies of a step, `most` in each lane, their places.
fn place(copies: &mut [Child], step: &Arc<Elastic>, most: usize) {
    for (copy, child) in copies.iter_mut().enumerate() {
        child.elastic = Some(ElasticPlace { step: Arc::clone(step), place: copy % most });
    }
}

/// The state shared by the copies of a step; only the supervisor uses it, for one copy at a time.
type Shared<T> = Arc<Mutex<T>>;

/// Creates the supervisor's child for one copy of a step.
fn child<S, In, Out, R>(
    parts: &Shared<Parts<S, In, Out, R>>,
    options: &Effective,
    trace: &PipelineTrace,
    copy: CopyOf,
    mailbox: &Arc<StageMailbox<S, In, Out>>,
) -> Child
where
    S: Send + 'static,
    In: Send + 'static,
    Out: Send + 'static,
    R: Fn() -> Result<S, BoxError> + Send + 'static,
{
    let (window, tuner) = (options.window, options.tuner);
    let (count, cancel) = (options.values.count.most(), options.values.cancel);
    let sources = lock(parts).upstream.children(copy.index, count);
    let lane = copy.index / count;
    let give = lock(parts).keeper.clone().map(|keeper| {
        Give::new(move |stage| {
            if let Some(stage) = stage.downcast_mut() {
                (keeper.give)(lane, stage);
            }
        })
    });
    let setup = setup(options, trace, copy, mailbox.queue(), Arc::clone(mailbox) as _, give);
    let retire = {
        let (parts, signal) = (Arc::clone(parts), Arc::clone(mailbox.signal()));
        let gone = Arc::clone(mailbox.queue()) as Arc<dyn Reach>;
        move |source| {
            let source = lock(&parts).upstream.source(copy.index, count, source);
            if let Some(source) = source {
                engine::finish_on_behalf_of(&gone, &signal, source);
            }
        }
    };
    let build = {
        let (parts, setup) = (Arc::clone(parts), Arc::clone(&setup));
        move |ready: Ready| {
            let parts = lock(&parts);
            let mut stage = (parts.recipe)()?;
            if let (Some(keeper), Some(dealt)) = (&parts.keeper, parts.upstream.dealing.get()) {
                let heir = Heir { lane, place: copy.index % count, copies: dealt.copies() };
                (keeper.take)(heir, &mut stage);
            }
            let sources = Sources::new(window, tuner, cancel, parts.upstream.sources(copy.index, count));
            let output = parts.exit.output();
            Ok((parts.run)(setup.assemble(stage, sources, output, ready)))
        }
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
