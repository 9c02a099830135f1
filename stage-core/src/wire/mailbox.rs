//! How a stage is reached: an address that survives restarts, and what can be sent to it.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use tokio::sync::{oneshot, watch};

use crate::base::error::ExitReason;
use crate::base::options::{CancelMode, DemandMode};
use crate::base::stats::Counters;
use crate::credit::demand::Window;
use crate::dispatch::subscriber_options::SubscriberOptions;
use crate::sync::{Arc, AtomicBool, Mutex, Ordering, lock};
use crate::wire::diagnosis::Diagnosis;
use crate::wire::protocol::{Closed, Subscribe};
use crate::wire::resubscribe::Again;
use crate::wire::signal::{Signal, Slot};
use crate::wire::subscription::{Reach, Subscription, Tell};

/// What reaches a stage beside its links.
pub(crate) enum Mail<Out, M> {
    /// Stop, now.
    Stop(ExitReason),
    /// Stop, now, says the supervisor: meant for the running stage, not for the one that takes its place.
    Halt(ExitReason),
    /// Finish: make nothing new, hand over what is there, end.
    Drain,
    /// A consumer wants to be served.
    Subscribe(Subscribe<Out>),
    /// Subscribe again to the source of this number: it was restarted.
    Resubscribe(usize),
    /// The source of this number ended, and will not be back.
    Abandon(usize),
    /// Something about one of its subscriptions.
    Tell(Tell),
    /// Say how it stands.
    Diagnose(oneshot::Sender<Diagnosis>),
    /// Hold demand back, or let it through again.
    Mode(DemandMode),
    /// A call, a cast or a subscription to be made.
    Message(M),
}

/// A subscription that a stage is about to make.
pub(crate) struct Join<In> {
    pub(crate) producer: Arc<dyn Subscribable<In>>,
    pub(crate) options: SubscriberOptions<In>,
    pub(crate) window: Window,
    pub(crate) owner: Owner,
    /// How it is made again, if it is.
    pub(crate) again: Option<Again>,
    /// Whether it waits to be resumed before anything is asked for.
    pub(crate) paused: bool,
    /// The subscription that it takes the place of, and why that one ends.
    pub(crate) instead: Option<(Subscription, ExitReason)>,
    /// Who is told once it is made.
    pub(crate) reply: Option<oneshot::Sender<Subscription>>,
}

/// What the end of a subscription means to its consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A pipeline wired it, to the source of this number: the stage ends when all its sources have.
    Pipeline(usize),
    /// It was made by hand.
    Hand(CancelMode),
}

impl<In> std::fmt::Debug for Join<In> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Join")
            .field("window", &self.window)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

/// The address of a stage: senders and the running stage share it, and a restarted stage takes it over.
#[derive(Debug)]
pub(crate) struct Mailbox<M> {
    name: Arc<str>,
    queue: Mutex<VecDeque<M>>,
    signal: Arc<Signal>,
    /// What the stage did and holds, over all its restarts.
    counters: Arc<Counters>,
    /// Whether the running stage is to be cut off.
    abort: AtomicBool,
    /// Why the stage ended for good, once it did.
    ended: watch::Sender<Option<ExitReason>>,
}

impl<M> Mailbox<M> {
    pub(crate) fn new(name: impl Into<Arc<str>>) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            queue: Mutex::default(),
            signal: Signal::new(),
            counters: Arc::default(),
            abort: AtomicBool::new(false),
            ended: watch::Sender::new(None),
        })
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    pub(crate) fn signal(&self) -> &Arc<Signal> {
        &self.signal
    }

    /// Sends `mail`; gives it back with the reason when nobody will ever read it.
    pub(crate) fn send(&self, mail: M) -> Result<(), (M, ExitReason)> {
        let mut queue = lock(&self.queue);
        // Read under the lock, so that no mail slips in behind a close.
        if let Some(reason) = self.ended.borrow().clone() {
            return Err((mail, reason));
        }
        queue.push_back(mail);
        drop(queue);
        self.signal.mark_mail();
        Ok(())
    }

    /// The oldest mail.
    pub(crate) fn receive(&self) -> Option<M> {
        lock(&self.queue).pop_front()
    }

    /// Has the running stage cut off at its next wait.
    pub(crate) fn abort(&self) {
        self.abort.store(true, Ordering::Release);
        self.signal.mark_mail();
    }

    /// Runs `stage`, unless and until it is to be cut off.
    pub(crate) async fn run(&self, stage: impl Future<Output = ExitReason>) -> ExitReason {
        let mut stage = pin!(stage);
        poll_fn(|cx| {
            if self.takes_abort() {
                return Poll::Ready(ExitReason::Aborted);
            }
            let polled = stage.as_mut().poll(cx);
            // Whoever aborted it during the poll has marked it as well, and the stage took that mark.
            if polled.is_pending() && self.takes_abort() {
                return Poll::Ready(ExitReason::Aborted);
            }
            polled
        })
        .await
    }

    fn takes_abort(&self) -> bool {
        let aborted = self.abort.load(Ordering::Acquire);
        if aborted {
            self.abort.store(false, Ordering::Relaxed);
        }
        aborted
    }

    /// Whether the stage has ended for good.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.borrow().is_some()
    }

    /// Waits until the stage has ended for good; says why.
    pub(crate) async fn ended(&self) -> ExitReason {
        let mut ended = self.ended.subscribe();
        let reason = match ended.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone(),
            Err(_) => None,
        };
        reason.unwrap_or(ExitReason::Aborted)
    }

    /// Refuses all further mail for `reason`; returns what nobody read.
    fn refuse(&self, reason: ExitReason) -> VecDeque<M> {
        let mut queue = lock(&self.queue);
        self.ended.send_if_modified(|ended| {
            let first = ended.is_none();
            ended.get_or_insert(reason);
            first
        });
        std::mem::take(&mut queue)
    }
}

impl<Out, M> Mailbox<Mail<Out, M>> {
    /// The stage is about to be started anew: what its supervisor told the one before, which did not read it,
    /// is of no concern to it.
    pub(crate) fn renew(&self) {
        lock(&self.queue).retain(|mail| match mail {
            Mail::Halt(_) | Mail::Resubscribe(_) | Mail::Abandon(_) | Mail::Diagnose(_) => false,
            Mail::Stop(_)
            | Mail::Drain
            | Mail::Subscribe(_)
            | Mail::Tell(_)
            | Mail::Mode(_)
            | Mail::Message(_) => true,
        });
    }

    /// The stage has ended for good: whoever subscribes, or tried to, is told so.
    pub(crate) fn close(&self, reason: &ExitReason) {
        for mail in self.refuse(reason.clone()) {
            if let Mail::Subscribe(subscribe) = mail {
                subscribe.link.close(Closed::Late(reason.clone()));
            }
        }
    }
}

/// Something that can be subscribed to, whatever stage is behind it.
pub(crate) trait Subscribable<E>: Reach {
    /// Whoever this stands for now: itself, or if it is but a name, the stage that has it.
    fn resolve(self: Arc<Self>) -> Option<Arc<dyn Subscribable<E>>>;

    /// Whether the producer has ended for good.
    fn has_ended(&self) -> bool;

    /// A slot of the producer for one more subscription.
    fn claim(&self) -> Slot;

    /// Takes the subscription in. If the producer has ended for good, the subscription ends at once.
    fn subscribe(&self, subscribe: Subscribe<E>);
}

impl<Out: Send, M: Send> Reach for Mailbox<Mail<Out, M>> {
    fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    fn tell(&self, tell: Tell) {
        // A stage that has ended has no subscriptions.
        let _ = self.send(Mail::Tell(tell));
    }
}

impl<Out: Send + 'static, M: Send + 'static> Subscribable<Out> for Mailbox<Mail<Out, M>> {
    fn resolve(self: Arc<Self>) -> Option<Arc<dyn Subscribable<Out>>> {
        Some(self)
    }

    fn has_ended(&self) -> bool {
        Mailbox::has_ended(self)
    }

    fn claim(&self) -> Slot {
        Slot::claim(&self.signal)
    }

    fn subscribe(&self, subscribe: Subscribe<Out>) {
        if let Err((Mail::Subscribe(refused), reason)) = self.send(Mail::Subscribe(subscribe)) {
            refused.link.close(Closed::Late(reason));
        }
    }
}
