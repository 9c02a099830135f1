//! Creates the copies of a step, and turns them into children of the supervisor.

use std::sync::OnceLock;

use super::hand_over::{Heir, Keeper};
use super::wire::{Exit, Upstream};
use crate::ack::Collectors;
use crate::base::error::BoxError;
use crate::base::flag::Flag;
use crate::base::options::Pace;
use crate::dispatch::Dealt;
use crate::engine::{self, Ready, Run, Sources, StageSetup};
use crate::pipeline::options::Effective;
use crate::stage::{CopyOf, Give, StageMail};
use crate::supervise::{Child, Control, Elastic, ElasticPlace, Nature};
use crate::sync::{Arc, Mutex, lock};
use crate::trace::PipelineTrace;
use crate::wire::mailbox::{Mailbox, Subscribable};
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
        let elastic = values.count.is_elastic().then(|| {
            let dealt = self.keeper.as_ref().map(|_| Dealt::new(values.count.least()));
            if let Some(dealt) = &dealt {
                let _ = self.upstream.dealing.set(Arc::clone(dealt));
            }
            Elastic::new(values.count, dealt)
        });
        let mailbox = |copy: usize| Mailbox::new(format!("{}/{copy}", options.name));
        let mailboxes: Vec<_> = (0..copies).map(mailbox).collect();
        let producers =
            mailboxes.iter().map(|mailbox| Arc::clone(mailbox) as Arc<dyn Subscribable<Out>>).collect();
        self.exit.make(producers, children.len(), values.buffer, values.keep);
        let shared = Arc::new(Mutex::new(self));
        for (copy, mailbox) in mailboxes.into_iter().enumerate() {
            let mut child = child(&shared, options, trace, CopyOf { index: copy, of: copies }, mailbox);
            child.elastic = elastic.clone().map(|step| ElasticPlace { step, place: copy % most });
            children.push(child);
        }
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
    mailbox: Arc<Mailbox<StageMail<S, In, Out>>>,
) -> Child
where
    S: Send + 'static,
    In: Send + 'static,
    Out: Send + 'static,
    R: Fn() -> Result<S, BoxError> + Send + 'static,
{
    let step: Arc<str> = options.name.as_str().into();
    let counters = Arc::clone(mailbox.counters());
    let collectors = Arc::new(Collectors::default());
    let trace = trace.stage(&step, copy.index);
    let (window, tuner) = (options.window, options.tuner);
    let (count, cancel) = (options.values.count.most(), options.values.cancel);
    let sources = lock(parts).upstream.feed(copy.index, count).into_iter().map(|(_, child)| child).collect();
    let lane = copy.index / count;
    let give = lock(parts).keeper.clone().map(|keeper| {
        Give::new(move |stage| {
            if let Some(stage) = stage.downcast_mut() {
                (keeper.give)(lane, stage);
            }
        })
    });
    let parts = Arc::clone(parts);
    let retire = {
        let (parts, mailbox) = (Arc::clone(&parts), Arc::clone(&mailbox));
        let gone = Arc::clone(&mailbox) as Arc<dyn Reach>;
        move |source: usize| {
            if let Some((source, _)) = lock(&parts).upstream.feed(copy.index, count).into_iter().nth(source) {
                engine::finish_on_behalf_of(&gone, mailbox.signal(), source);
            }
        }
    };
    let build = {
        let setup = StageSetup {
            step: Arc::clone(&step),
            copy,
            pace: Pace::default(),
            mailbox: Arc::clone(&mailbox),
            drain: Flag::default(),
            collectors: Arc::clone(&collectors),
            trace: trace.clone(),
            give,
        };
        move |ready: Ready| {
            let parts = lock(&parts);
            let mut stage = (parts.recipe)()?;
            if let (Some(keeper), Some(dealt)) = (&parts.keeper, parts.upstream.dealing.get()) {
                let heir = Heir { lane, place: copy.index % count, copies: dealt.copies() };
                (keeper.take)(heir, &mut stage);
            }
            let feed = parts.upstream.feed(copy.index, count);
            let sources = Sources::new(window, tuner, cancel, feed.into_iter().map(|(source, _)| source));
            let output = parts.exit.output();
            Ok((parts.run)(setup.assemble(stage, sources, output, ready)))
        }
    };
    Child {
        step,
        copy: copy.index,
        placement: options.values.placement,
        restart: options.values.restart,
        signal: Arc::clone(mailbox.signal()),
        counters,
        collectors,
        trace,
        mailbox: Arc::clone(&mailbox) as _,
        control: mailbox as Arc<dyn Control>,
        build: Box::new(build),
        retire: Box::new(retire),
        sources,
        part: 0,
        nature: Nature::Stage,
        elastic: None,
        up: Arc::default(),
    }
}
