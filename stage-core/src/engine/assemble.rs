//! Assembles a stage: its inbox, the parts of its sides and the state that its callbacks borrow, around its mailbox.

use futures_util::future::BoxFuture;

use super::run::Ready;
use super::sides::{InputParts, OutputParts};
use super::sources::Sources;
use super::stage_inbox::StageInbox;
use crate::ack::Collectors;
use crate::base::error::ExitReason;
use crate::base::flag::Flag;
use crate::base::options::{Capacity, Pace};
use crate::stage::{CallbackState, CopyOf, Effects, Give, Holds, StageMail};
use crate::sync::Arc;
use crate::trace::StageTrace;
use crate::wire::mailbox::Mailbox;

/// Number of events without demand that a producer buffers (GenStage's default).
pub(crate) const PRODUCER_BUFFER: Capacity = Capacity::Bounded(10_000);

/// The parts of a stage that outlive its restarts.
pub(crate) struct StageSetup<S, In, Out> {
    pub(crate) step: Arc<str>,
    pub(crate) copy: CopyOf,
    pub(crate) pace: Pace,
    pub(crate) mailbox: Arc<Mailbox<StageMail<S, In, Out>>>,
    /// Set when the stage is asked to drain.
    pub(crate) drain: Flag,
    pub(crate) collectors: Arc<Collectors>,
    pub(crate) trace: StageTrace,
    pub(crate) give: Option<Give>,
}

/// A stage that is ready to run.
pub(crate) struct AssembledStage<S, In, Out> {
    pub(super) stage: S,
    pub(super) state: CallbackState,
    pub(super) inbox: StageInbox<S, In, Out>,
    pub(super) input: InputParts<In>,
    pub(super) output: OutputParts<Out>,
    pub(super) ready: Ready,
}

/// Runs a stage of one kind; erases its types, once per start.
pub(crate) type Run<S, In, Out> = fn(AssembledStage<S, In, Out>) -> BoxFuture<'static, ExitReason>;

impl<S, In, Out> StageSetup<S, In, Out>
where
    S: Send + 'static,
    In: Send + 'static,
    Out: Send + 'static,
{
    /// Assembles `stage`, which is new or was built again for a restart.
    pub(crate) fn assemble(
        &self,
        stage: S,
        sources: Sources<In>,
        output: OutputParts<Out>,
        ready: Ready,
    ) -> AssembledStage<S, In, Out> {
        let Self { mailbox, .. } = self;
        let inbox = StageInbox::new(Arc::clone(mailbox), self.drain.clone());
        let callback_state = CallbackState {
            step: Arc::clone(&self.step),
            copy: self.copy,
            counters: Arc::clone(mailbox.counters()),
            drain: inbox.stop_signal().clone(),
            finished: false,
            pace: self.pace,
            effects: Effects::of::<S, In>(Arc::clone(mailbox.name())),
            holds: Holds::of(mailbox.signal()),
            collectors: Arc::clone(&self.collectors),
            trace: self.trace.clone(),
            requests: Arc::clone(mailbox.requests()),
            own: Arc::clone(mailbox) as _,
            give: self.give.clone(),
        };
        let input = InputParts {
            signal: Arc::clone(mailbox.signal()),
            stage: Arc::clone(mailbox) as _,
            sources,
            counters: Arc::clone(mailbox.counters()),
        };
        AssembledStage { stage, state: callback_state, inbox, input, output, ready }
    }
}
