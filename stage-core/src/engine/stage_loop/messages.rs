//! The messages of a stage, its timers, and the effects that its callbacks requested.

use super::{StageLoop, run_callback};
use crate::base::error::ExitReason;
use crate::dispatch::Marker;
use crate::engine::attend::attend;
use crate::engine::inlet::Inlet;
use crate::engine::io::StageIo;
use crate::engine::kind::Kind;
use crate::engine::sides::{Input, Output};
use crate::engine::stage_inbox::Waiting;
use crate::engine::timers::Timed;
use crate::stage::{Effect, Emitter, Erased, Inspection, Message, ProducerProgress, downcast};
use crate::wire::mailbox::Join;

impl<K: Kind> StageLoop<K> {
    /// Carries out the effects that callbacks requested.
    pub(super) fn apply_effects(&mut self) -> Result<(), ExitReason> {
        if self.state.effects.open.is_empty() {
            return Ok(());
        }
        for effect in std::mem::take(&mut self.state.effects.open) {
            match effect {
                Effect::Timer(at, timer, message) => self.timers.add(at, timer, Timed::Envelope(message)),
                Effect::Info(message) => self.queue(message),
                Effect::Progress(progress) => self.io.outlet.announce_progress(progress),
                Effect::Join(join) => {
                    if let Some(join) = downcast::<Join<K::In>>(join) {
                        self.io.inlet.join(join);
                    }
                }
                Effect::Fail(reason) => return Err(reason),
            }
        }
        Ok(())
    }

    /// Queues a message behind everything that waits in the stage.
    fn queue(&mut self, message: Erased) {
        let marker = self.deferred.add(message);
        let passed = if K::QUEUES_INPUT { self.io.inlet.mark(marker) } else { Some(marker) };
        if let Some(marker) = passed.and_then(|marker| self.io.outlet.mark(marker)) {
            self.fire(marker);
        }
    }

    /// Handles a marker that has nothing before it: its message goes to the end of the mailbox.
    fn fire(&mut self, marker: Marker) {
        if let Some(message) = self.deferred.take(marker) {
            self.io.inbox.messages.push_back(Waiting::Envelope(message));
        }
    }

    /// Returns the next message to handle: from the mailbox, or a timer message that is due.
    pub(super) fn next_message(&mut self) -> Option<Message<K::Stage, K::In, K::Out>> {
        while let Some(marker) = self.io.inlet.passed() {
            if let Some(marker) = self.io.outlet.mark(marker) {
                self.fire(marker);
            }
        }
        while let Some(marker) = self.io.outlet.next_fired() {
            self.fire(marker);
        }
        match self.io.inbox.messages.pop_front() {
            Some(Waiting::Message(message)) => downcast(message),
            Some(Waiting::Envelope(message)) => downcast(message).map(Message::Envelope),
            None => match self.timers.next()? {
                Timed::Envelope(message) => downcast(message).map(Message::Envelope),
                Timed::Join(join) => downcast(join).map(|join| Message::Join(Box::new(join))),
            },
        }
    }

    /// Handles one message.
    pub(super) async fn read(&mut self, message: Message<K::Stage, K::In, K::Out>) -> Result<(), ExitReason> {
        match message {
            Message::Envelope(message) => {
                let answer = message.held();
                let handled = run_callback!(self, |kind, out| message.open(kind.stage(), out));
                if handled.is_err() {
                    self.answer = answer;
                    return handled;
                }
                if let Some(answer) = answer {
                    answer.release();
                }
            }
            Message::Info(message, queued) => {
                self.queue(Box::new(message));
                // The caller may have stopped waiting.
                let _ = queued.map(|queued| queued.send(()));
            }
            Message::Join(join) => self.io.inlet.join(*join),
            Message::Inspect(asked) => {
                let _ = asked.send(self.inspect());
            }
        }
        Ok(())
    }

    fn inspect(&self) -> Inspection {
        let StageIo { inlet, outlet, .. } = &self.io;
        Inspection {
            buffered: outlet.buffered(),
            demand: outlet.wanted(),
            mode: outlet.mode(),
            producers: inlet.subscriptions(),
            consumers: outlet.subscriptions(),
        }
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
