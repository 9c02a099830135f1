//! The messages of a stage, its timers, and the effects that its callbacks requested.

use super::StageLoop;
use super::between::{Between, Parts};
use crate::base::error::ExitReason;
use crate::dispatch::Marker;
use crate::engine::hook::{Hook, run_hook};
use crate::engine::inlet::Inlet;
use crate::engine::kind::Kind;
use crate::engine::stage_inbox::Waiting;
use crate::engine::timers::Timed;
use crate::stage::{Effect, Erased, Inspection, Message, ProducerProgress, downcast};

/// Carries out the effects that callbacks requested.
pub(super) fn apply_effects(parts: &mut Parts<'_>) -> Result<(), ExitReason> {
    if parts.state.effects.open.is_empty() {
        return Ok(());
    }
    for effect in std::mem::take(&mut parts.state.effects.open) {
        match effect {
            Effect::Timer(at, timer, message) => {
                parts.agenda.timers.add(at, timer, Timed::Envelope(message));
            }
            Effect::Info(message) => queue(parts, message),
            Effect::Progress(progress) => parts.outlet.announce_progress(progress),
            Effect::Join(join) => parts.inlet.join(join),
            Effect::Fail(reason) => return Err(reason),
        }
    }
    Ok(())
}

/// Queues a message behind everything that waits in the stage.
fn queue(parts: &mut Parts<'_>, message: Erased) {
    let marker = parts.agenda.deferred.add(message);
    let passed = if parts.agenda.queues_input { parts.inlet.mark(marker) } else { Some(marker) };
    if let Some(marker) = passed.and_then(|marker| parts.outlet.mark(marker)) {
        fire(parts, marker);
    }
}

/// Handles a marker that has nothing before it: its message goes to the end of the mailbox.
fn fire(parts: &mut Parts<'_>, marker: Marker) {
    if let Some(message) = parts.agenda.deferred.take(marker) {
        parts.inbox.messages.push_back(Waiting::Envelope(message));
    }
}

/// Returns the next message to handle: from the mailbox, or a timer message that is due.
pub(super) fn next(parts: &mut Parts<'_>) -> Option<Message> {
    while let Some(marker) = parts.inlet.passed() {
        if let Some(marker) = parts.outlet.mark(marker) {
            fire(parts, marker);
        }
    }
    while let Some(marker) = parts.outlet.next_fired() {
        fire(parts, marker);
    }
    match parts.inbox.messages.pop_front() {
        Some(Waiting::Message(message)) => downcast(message),
        Some(Waiting::Envelope(message)) => Some(Message::Envelope(message)),
        None => match parts.agenda.timers.next()? {
            Timed::Envelope(message) => Some(Message::Envelope(message)),
            Timed::Join(join) => Some(Message::Join(join)),
        },
    }
}

/// Handles one message.
pub(super) async fn read(stage: &mut dyn Between, message: Message) -> Result<(), ExitReason> {
    match message {
        Message::Envelope(message) => {
            let mut answer = None;
            if let Err(reason) = run_hook(stage, Hook::Message(message, &mut answer)).await {
                stage.parts().agenda.answer = answer;
                return Err(reason);
            }
            if let Some(answer) = answer {
                answer.release();
            }
        }
        Message::Info(message, queued) => {
            queue(&mut stage.parts(), message);
            // The caller may have stopped waiting.
            let _ = queued.map(|queued| queued.send(()));
        }
        Message::Join(join) => stage.parts().inlet.join(join),
        Message::Inspect(asked) => {
            let _ = asked.send(inspect(&stage.parts()));
        }
    }
    Ok(())
}

fn inspect(parts: &Parts<'_>) -> Inspection {
    let Parts { inlet, outlet, .. } = parts;
    Inspection {
        buffered: outlet.buffered(),
        demand: outlet.wanted(),
        mode: outlet.mode(),
        producers: inlet.subscriptions(),
        consumers: outlet.subscriptions(),
    }
}

impl<K: Kind<Input = Inlet<<K as Kind>::In>>> StageLoop<K> {
    /// Passes the progress of a producer to the stage, if it registered for that, before its next batch.
    #[cold]
    pub(in crate::engine) fn hear_progress(&mut self) {
        if let Some((from, progress)) = self.io.inlet.take_progress()
            && let Some(hears) = self.state.effects.hears_progress
        {
            let message = hears(ProducerProgress { from, progress });
            self.io.inbox.messages.push_back(Waiting::Envelope(message));
        }
    }
}
