//! How a stage is reached: an address that survives restarts, and what can be sent to it.

use std::collections::VecDeque;

use crate::error::ExitReason;
use crate::protocol::{Closed, Subscribe};
use crate::signal::{Signal, Slot};
use crate::sync::{Arc, Mutex, lock};

/// What reaches a stage beside its links.
pub(crate) enum Mail<Out, M> {
    /// Stop, now.
    Stop(ExitReason),
    /// Finish: make nothing new, hand over what is there, end.
    Drain,
    /// A consumer wants to be served.
    Subscribe(Subscribe<Out>),
    /// Subscribe again to the producer of this number: it was restarted.
    Resubscribe(usize),
    /// A call or a cast.
    Message(M),
}

/// The address of a stage: senders and the running stage share it, and a restarted stage takes it over.
#[derive(Debug)]
pub(crate) struct Mailbox<M> {
    queue: Mutex<Queue<M>>,
    signal: Arc<Signal>,
}

#[derive(Debug)]
struct Queue<M> {
    mail: VecDeque<M>,
    closed: Option<Closed>,
}

impl<M> Mailbox<M> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            queue: Mutex::new(Queue { mail: VecDeque::new(), closed: None }),
            signal: Signal::new(),
        })
    }

    pub(crate) fn signal(&self) -> &Arc<Signal> {
        &self.signal
    }

    /// Sends `mail`; gives it back with the reason when nobody will ever read it.
    pub(crate) fn send(&self, mail: M) -> Result<(), (M, Closed)> {
        let mut queue = lock(&self.queue);
        if let Some(closed) = &queue.closed {
            return Err((mail, closed.clone()));
        }
        queue.mail.push_back(mail);
        drop(queue);
        self.signal.mark_mail();
        Ok(())
    }

    /// The oldest mail.
    pub(crate) fn receive(&self) -> Option<M> {
        lock(&self.queue).mail.pop_front()
    }

    /// Refuses all further mail for this reason; returns what nobody read.
    pub(crate) fn close(&self, closed: Closed) -> VecDeque<M> {
        let mut queue = lock(&self.queue);
        queue.closed.get_or_insert(closed);
        std::mem::take(&mut queue.mail)
    }
}

/// Something that can be subscribed to, whatever stage is behind it.
pub(crate) trait Subscribable<E>: Send + Sync {
    /// A slot of the producer for one more subscription.
    fn claim(&self) -> Slot;

    /// Takes the subscription in. If the producer has ended for good, the subscription ends alike.
    fn subscribe(&self, subscribe: Subscribe<E>);
}

impl<Out: Send, M: Send> Subscribable<Out> for Mailbox<Mail<Out, M>> {
    fn claim(&self) -> Slot {
        Slot::claim(&self.signal)
    }

    fn subscribe(&self, subscribe: Subscribe<Out>) {
        if let Err((Mail::Subscribe(refused), closed)) = self.send(Mail::Subscribe(subscribe)) {
            refused.link.close(closed);
        }
    }
}
