//! A stage between two batches, without its types: its work there is rare, so it is compiled once, in this crate.
//!
//! Only the callbacks, and the two sides behind [`InputControl`] and [`OutputControl`], know the types.

use super::{StageLoop, messages, peers};
use crate::base::error::ExitReason;
use crate::base::future::BoxFuture;
use crate::base::options::DiscardLog;
use crate::base::stats::Timekeeper;
use crate::engine::deferred_messages::DeferredMessages;
use crate::engine::diagnose::answer;
use crate::engine::hook::{Hook, HookOutput, PendingHook, run_hook};
use crate::engine::io::StageIo;
use crate::engine::kind::Kind;
use crate::engine::sides::{InputControl, OutputControl};
use crate::engine::stage_inbox::StageInbox;
use crate::engine::timers::Timers;
use crate::stage::{CallbackState, Emitter, HeldAnswer};
use crate::wire::subscription::Role;

/// Number of callbacks in a row before other tasks get a turn.
pub(super) const TURNS: usize = 64;

/// What a stage has to do between two batches.
pub(in crate::engine) struct Agenda {
    pub(super) timers: Timers,
    pub(super) deferred: DeferredMessages,
    /// The answer to a call that ended the stage; it is sent after `terminate`.
    pub(in crate::engine) answer: Option<HeldAnswer>,
    pub(super) turns: usize,
    /// Whether a queued message waits for input that has not been handled yet.
    pub(super) queues_input: bool,
}

impl Agenda {
    pub(super) fn new(queues_input: bool) -> Self {
        Self {
            timers: Timers::new(),
            deferred: DeferredMessages::new(),
            answer: None,
            turns: 0,
            queues_input,
        }
    }
}

/// The parts of a stage that do not depend on its types.
pub(in crate::engine) struct Parts<'a> {
    pub(super) state: &'a mut CallbackState,
    pub(super) inbox: &'a mut StageInbox,
    pub(super) inlet: &'a mut dyn InputControl,
    pub(super) outlet: &'a mut dyn OutputControl,
    pub(in crate::engine) agenda: &'a mut Agenda,
    pub(in crate::engine) timekeeper: &'a mut Timekeeper,
}

/// A stage between two batches.
pub(in crate::engine) trait Between: Send {
    fn parts(&mut self) -> Parts<'_>;

    /// Begins a callback.
    fn begin<'a>(&'a mut self, hook: Hook<'a>) -> PendingHook<'a>;

    fn discarded(&mut self, events: usize) -> DiscardLog;

    /// Hands out the events that a callback emitted.
    fn hand_out(&mut self);

    /// Discards the events that a failed callback held.
    fn failed(&mut self, failure: ExitReason) -> ExitReason;
}

impl<K: Kind> Between for StageLoop<K> {
    fn parts(&mut self) -> Parts<'_> {
        let Self { state, io: StageIo { inbox, inlet, outlet, .. }, agenda, timekeeper, .. } = self;
        Parts { state, inbox, inlet, outlet, agenda, timekeeper }
    }

    fn begin<'a>(&'a mut self, hook: Hook<'a>) -> PendingHook<'a> {
        let Self { kind, state, io, emitted, flushed, timekeeper, span, .. } = self;
        let flushed = &*flushed;
        let callback = Box::pin(kind.call(hook, Emitter { buffer: emitted, flushed, state }));
        PendingHook { callback, beside: io, flushed, timekeeper, span }
    }

    fn discarded(&mut self, events: usize) -> DiscardLog {
        self.kind.discarded(events)
    }

    fn hand_out(&mut self) {
        Self::hand_out(self);
    }

    fn failed(&mut self, failure: ExitReason) -> ExitReason {
        Self::failed(self, failure)
    }
}

/// Runs the pending messages; an error ends the stage.
pub(in crate::engine) fn take_turn(stage: &mut dyn Between) -> BoxFuture<'_, Result<(), ExitReason>> {
    Box::pin(async move {
        let Parts { inbox, agenda, .. } = stage.parts();
        if let Some(reason) = inbox.stop.take() {
            return Err(reason);
        }
        agenda.timers.begin_turn();
        while run_next_callback(stage).await? {}
        let Parts { outlet, agenda, .. } = stage.parts();
        if agenda.timers.is_due_again() {
            // Other tasks are first.
            agenda.turns = TURNS + 1;
        }
        match outlet.broken() {
            Some(panicked) => Err(panicked.clone()),
            None => Ok(()),
        }
    })
}

/// Runs the next due callback other than those for events and demand; returns whether there was one.
async fn run_next_callback(stage: &mut dyn Between) -> Result<bool, ExitReason> {
    messages::apply_effects(&mut stage.parts())?;
    answer_questions(&mut stage.parts());
    peers::report(stage)?;
    let message = messages::next(&mut stage.parts());
    if let Some(message) = message {
        messages::read(stage, message).await?;
        return Ok(true);
    }
    let begun = stage.parts().inlet.begin();
    if let Some(subscription) = begun {
        let output = run_hook(stage, Hook::Subscribed(Role::Producer, &subscription)).await?;
        if let HookOutput::Asking(asking) = output {
            stage.parts().inlet.complete(asking);
        }
        return Ok(true);
    }
    let change = stage.parts().outlet.next_change();
    if let Some(change) = change {
        peers::report_change(stage, change).await?;
        return Ok(true);
    }
    Ok(false)
}

/// Answers questions about the stage's state, between two callbacks.
fn answer_questions(parts: &mut Parts<'_>) {
    let Parts { state, inbox, inlet, outlet, agenda, .. } = parts;
    let holds = state.holds.count();
    answer(&mut inbox.questions, &**inlet, &**outlet, &mut |diagnosis| {
        diagnosis.holds = holds;
        diagnosis.timer = agenda.timers.wait();
    });
}
