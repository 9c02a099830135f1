//! The non-event input of a stage: its mail, and the state of its shutdown.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use crate::base::error::ExitReason;
use crate::base::flag::Flag;
use crate::base::options::DemandMode;
use crate::stage::{Erased, StopSignal};
use crate::sync::Arc;
use crate::wire::diagnosis::Diagnosis;
use crate::wire::mailbox::{Mail, MailQueue};
use crate::wire::protocol::AnySubscribe;
use crate::wire::subscription::Tell;

/// The mailbox of a running stage, with its mail sorted by kind.
pub(crate) struct StageInbox {
    pub(crate) mailbox: Arc<MailQueue>,
    drain: Flag,
    /// Whether `drain` was set.
    draining: bool,
    /// Resolves `draining()`: at a drain, and in this run of the stage also at a stop, or once no event will
    /// be wanted any more. A waiting callback must not delay the end.
    stop_signal: StopSignal,
    pub(crate) stop: Option<ExitReason>,
    pub(crate) messages: VecDeque<Waiting>,
    /// Pending questions about the stage's state.
    pub(crate) questions: Vec<oneshot::Sender<Diagnosis>>,
}

/// A message that the stage has not handled.
pub(crate) enum Waiting {
    /// A `Message` of its types.
    Message(Erased),
    /// A call or a cast that was deferred.
    Envelope(Erased),
}

/// Mail that the inlet or the outlet must handle at once.
pub(crate) enum Request {
    Subscribe(Box<dyn AnySubscribe>),
    Resubscribe(usize),
    Abandon(usize),
    Tell(Tell),
    Mode(DemandMode),
}

impl StageInbox {
    pub(crate) fn new(mailbox: Arc<MailQueue>, drain: Flag) -> Self {
        let stop_signal = StopSignal::with(&drain);
        let draining = drain.is_set();
        Self {
            mailbox,
            drain,
            draining,
            stop_signal,
            stop: None,
            messages: VecDeque::new(),
            questions: Vec::new(),
        }
    }

    /// Reads all mail.
    pub(crate) fn read(&mut self, request: &mut dyn FnMut(Request)) {
        while let Some(mail) = self.mailbox.receive() {
            match mail {
                Mail::Stop(reason) | Mail::Halt(reason) => {
                    self.stop = self.stop.take().or(Some(reason));
                    self.stop_signal.stop();
                }
                Mail::Drain => {
                    self.draining = true;
                    self.drain.set();
                }
                Mail::Subscribe(subscribe) => request(Request::Subscribe(subscribe)),
                Mail::Resubscribe(source) => request(Request::Resubscribe(source)),
                Mail::Abandon(source) => request(Request::Abandon(source)),
                Mail::Tell(tell) => request(Request::Tell(tell)),
                Mail::Diagnose(question) => self.questions.push(question),
                Mail::Mode(mode) => request(Request::Mode(mode)),
                Mail::Message(message) => self.messages.push_back(Waiting::Message(message)),
            }
        }
    }

    /// Returns the signal that a waiting callback should race against.
    pub(crate) fn stop_signal(&self) -> &StopSignal {
        &self.stop_signal
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining
    }
}
