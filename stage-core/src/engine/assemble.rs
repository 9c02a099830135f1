//! Assembles a stage: its inbox, the parts of its sides and the state that its callbacks borrow, around its mailbox.

use std::any::Any;

use super::life::Ready;
use super::sides::{InputParts, OutputParts};
use super::sources::Sources;
use super::stage_inbox::StageInbox;
use crate::ack::Collectors;
use crate::base::error::ExitReason;
use crate::base::flag::Flag;
use crate::base::future::BoxFuture;
use crate::base::options::{Capacity, Pace};
use crate::stage::{CallbackState, CopyOf, Effects, Give, Holds};
use crate::sync::Arc;
use crate::trace::StageTrace;
use crate::wire::mailbox::MailQueue;

/// Number of events without demand that a producer buffers (GenStage's default).
pub(crate) const PRODUCER_BUFFER: Capacity = Capacity::Bounded(10_000);

/// The parts of a stage that outlive its restarts.
pub(crate) struct StageSetup {
    pub(crate) step: Arc<str>,
    pub(crate) copy: CopyOf,
    pub(crate) pace: Pace,
    pub(crate) queue: Arc<MailQueue>,
    /// The mailbox with the types of the stage.
    pub(crate) own: Arc<dyn Any + Send + Sync>,
    /// Set when the stage is asked to drain.
    pub(crate) drain: Flag,
    pub(crate) collectors: Arc<Collectors>,
    pub(crate) trace: StageTrace,
    pub(crate) give: Option<Give>,
}

/// A stage that is ready to run.
pub(crate) struct AssembledStage<S, Out> {
    pub(super) stage: S,
    pub(super) state: CallbackState,
    pub(super) inbox: StageInbox,
    pub(super) input: InputParts,
    pub(super) output: OutputParts<Out>,
    pub(super) ready: Ready,
}

/// Runs a stage of one kind; erases its types, once per start.
pub(crate) type Run<S, Out> = fn(AssembledStage<S, Out>) -> BoxFuture<'static, ExitReason>;

impl StageSetup {
    /// Assembles `stage`, which is new or was built again for a restart.
    pub(crate) fn assemble<S: 'static, In: 'static, Out>(
        &self,
        stage: S,
        sources: Sources,
        output: OutputParts<Out>,
        ready: Ready,
    ) -> AssembledStage<S, Out> {
        let queue = &self.queue;
        let (inbox, lent) = self.begin(Effects::of::<S, In>(Arc::clone(queue.name())));
        let input = InputParts {
            signal: Arc::clone(queue.signal()),
            stage: Arc::clone(queue) as _,
            sources,
            counters: Arc::clone(queue.counters()),
        };
        AssembledStage { stage, state: lent, inbox, input, output, ready }
    }

    /// Creates the parts that do not depend on the types of the stage.
    fn begin(&self, effects: Effects) -> (StageInbox, CallbackState) {
        let queue = &self.queue;
        let inbox = StageInbox::new(Arc::clone(queue), self.drain.clone());
        let state = CallbackState {
            step: Arc::clone(&self.step),
            copy: self.copy,
            counters: Arc::clone(queue.counters()),
            drain: inbox.stop_signal().clone(),
            finished: false,
            pace: self.pace,
            effects,
            holds: Holds::of(queue.signal()),
            collectors: Arc::clone(&self.collectors),
            trace: self.trace.clone(),
            requests: Arc::clone(queue.requests()),
            own: Arc::clone(&self.own),
            give: self.give.clone(),
        };
        (inbox, state)
    }
}
