//! The address of a stage, which survives restarts, and the mail that it receives.

use std::any::Any;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::pin;
use std::task::Poll;

use tokio::sync::{oneshot, watch};

use crate::base::error::ExitReason;
use crate::base::options::{CancelMode, DemandMode};
use crate::base::stats::Counters;
use crate::credit::demand::Window;
use crate::credit::tuner::Tuner;
use crate::dispatch::options::AnyOptions;
use crate::sync::{Arc, AtomicBool, Mutex, Ordering, lock};
use crate::wire::diagnosis::Diagnosis;
use crate::wire::operator::OperatorRequests;
use crate::wire::protocol::{AnySubscribe, Closed};
use crate::wire::resubscribe::Resubscribe;
use crate::wire::signal::{Signal, Slot};
use crate::wire::subscription::{Reach, Subscription, Tell, What};

/// A message to a stage that does not travel through a link. It is type-erased, so that queues of it are compiled once
/// instead of once per stage.
pub(crate) enum Mail {
    /// Stop now.
    Stop(ExitReason),
    /// Stop now, by order of the supervisor. Meant for the running stage, not for its successor after a
    /// restart.
    Halt(ExitReason),
    /// Finish: create nothing new, hand out the remaining events, then end.
    Drain,
    /// A consumer subscribes.
    Subscribe(Box<dyn AnySubscribe>),
    /// Subscribe again to the source with this number, which was restarted.
    Resubscribe(usize),
    /// The source with this number ended and will not be restarted.
    Abandon(usize),
    /// A request about one of its subscriptions.
    Tell(Tell),
    /// Report your state to the stall detector.
    Diagnose(oneshot::Sender<Diagnosis>),
    /// Hold demand back, or pass it on again.
    Mode(DemandMode),
    /// A call, a cast, or a subscription to make: a message of the stage.
    Message(Box<dyn Any + Send>),
}

/// A subscription that a stage is about to make, to a producer of the events that it takes.
pub(crate) struct Join {
    pub(crate) producer: Arc<dyn Subscribable>,
    pub(crate) options: AnyOptions,
    /// The fixed window, also for a stage that asks by itself.
    pub(crate) window: Window,
    /// Chooses the window instead, if the engine asks.
    pub(crate) tuner: Option<Tuner>,
    pub(crate) owner: Owner,
    /// How to subscribe again after the end, if at all.
    pub(crate) resubscribe: Option<Resubscribe>,
    /// Whether it starts paused, without asking until it is resumed.
    pub(crate) paused: bool,
    /// The subscription it replaces, and the reason that one ends.
    pub(crate) instead: Option<(Subscription, ExitReason)>,
    /// Receives the subscription once it is made.
    pub(crate) reply: Option<oneshot::Sender<Subscription>>,
}

/// The effect that the end of a subscription has on its consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A pipeline made it, to the source with this number: the stage ends when all its sources have ended.
    Pipeline(usize),
    /// It was made manually.
    Hand(CancelMode),
}

impl std::fmt::Debug for Join {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Join")
            .field("window", &self.window)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

/// The address of a stage of the types `T`. Senders and the running stage share it, and a restarted stage takes it over.
pub(crate) struct Mailbox<T> {
    queue: Arc<MailQueue>,
    of: PhantomData<fn(T)>,
}

/// The part of a [`Mailbox`] that does not depend on the types of its stage.
pub(crate) struct MailQueue {
    name: Arc<str>,
    queue: Mutex<VecDeque<Mail>>,
    signal: Arc<Signal>,
    /// The operator's requests.
    requests: Arc<OperatorRequests>,
    /// The statistics of the stage, over all its restarts.
    counters: Arc<Counters>,
    /// Whether the running stage is to be cut off.
    abort: AtomicBool,
    /// Whether the stage is down for an unknown time; written while the queue is locked.
    resting: AtomicBool,
    /// The reason the stage ended for good, once it has.
    ended: watch::Sender<Option<ExitReason>>,
}

impl<T> Mailbox<T> {
    pub(crate) fn new(name: impl Into<Arc<str>>) -> Arc<Self> {
        Arc::new(Self { queue: MailQueue::new(name.into()), of: PhantomData })
    }

    /// Returns the part without types, which is the stage to others.
    pub(crate) fn queue(&self) -> &Arc<MailQueue> {
        &self.queue
    }
}

impl<T> Deref for Mailbox<T> {
    type Target = MailQueue;

    fn deref(&self) -> &MailQueue {
        &self.queue
    }
}

impl MailQueue {
    fn new(name: Arc<str>) -> Arc<Self> {
        let signal = Signal::new();
        Arc::new(Self {
            counters: Counters::of(&name),
            name,
            queue: Mutex::default(),
            requests: OperatorRequests::new(&signal),
            signal,
            abort: AtomicBool::new(false),
            resting: AtomicBool::new(false),
            ended: watch::Sender::new(None),
        })
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    pub(crate) fn requests(&self) -> &Arc<OperatorRequests> {
        &self.requests
    }

    pub(crate) fn signal(&self) -> &Arc<Signal> {
        &self.signal
    }

    /// Sends `mail`. If the stage has ended for good, returns the mail and the reason.
    pub(crate) fn send(&self, mail: Mail) -> Result<(), (Mail, ExitReason)> {
        let mut queue = lock(&self.queue);
        // Read under the lock, so that no mail is queued after a close.
        if let Some(reason) = self.ended.borrow().clone() {
            return Err((mail, reason));
        }
        queue.push_back(mail);
        drop(queue);
        self.signal.mark_mail();
        Ok(())
    }

    /// Sends a message. If the stage has ended for good, returns the reason.
    pub(crate) fn post(&self, message: Box<dyn Any + Send>) -> Result<(), ExitReason> {
        self.send(Mail::Message(message)).map_err(|(_, reason)| reason)
    }

    /// Removes and returns the oldest mail.
    pub(crate) fn receive(&self) -> Option<Mail> {
        lock(&self.queue).pop_front()
    }

    /// Cuts the running stage off at its next wait.
    #[inline]
    pub(crate) fn abort(&self) {
        self.abort.store(true, Ordering::Release);
        self.signal.mark_mail();
    }

    /// Runs `stage` to its end, or until it is cut off.
    pub(crate) async fn run(&self, stage: impl Future<Output = ExitReason>) -> ExitReason {
        let mut stage = pin!(stage);
        poll_fn(|cx| {
            if self.takes_abort() {
                return Poll::Ready(ExitReason::Aborted);
            }
            let polled = stage.as_mut().poll(cx);
            // An abort during the poll set its mark too, and the stage may have taken that mark, so check
            // again.
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

    /// Returns whether the stage has ended for good.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.borrow().is_some()
    }

    /// Waits until the stage has ended for good; returns the reason.
    pub(crate) async fn ended(&self) -> ExitReason {
        let mut ended = self.ended.subscribe();
        let reason = match ended.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone(),
            Err(_) => None,
        };
        reason.unwrap_or(ExitReason::Aborted)
    }

    /// Refuses all further mail for `reason`; returns the unread mail.
    fn refuse(&self, reason: ExitReason) -> VecDeque<Mail> {
        let mut queue = lock(&self.queue);
        self.ended.send_if_modified(|ended| {
            let first = ended.is_none();
            ended.get_or_insert(reason);
            first
        });
        std::mem::take(&mut queue)
    }

    /// Adds a subscription, which ends at once if the stage has ended for good.
    fn add(&self, subscribe: Box<dyn AnySubscribe>) {
        if let Err((Mail::Subscribe(refused), reason)) = self.send(Mail::Subscribe(subscribe)) {
            refused.close(Closed::Late(reason));
        }
    }

    /// Prepares for a restart of the stage: removes unread mail of the supervisor that concerned its
    /// predecessor only.
    pub(crate) fn renew(&self) {
        let mut queue = lock(&self.queue);
        self.resting.store(false, Ordering::Relaxed);
        queue.retain(|mail| match mail {
            Mail::Halt(_) | Mail::Resubscribe(_) | Mail::Abandon(_) | Mail::Diagnose(_) => false,
            Mail::Stop(_)
            | Mail::Drain
            | Mail::Subscribe(_)
            | Mail::Tell(_)
            | Mail::Mode(_)
            | Mail::Message(_) => true,
        });
    }

    /// Begins a time without the stage: until it is renewed, subscriptions wait here for its return, and end if their
    /// consumers do not want them any more.
    pub(crate) fn rest(&self) {
        let mut queue = lock(&self.queue);
        self.resting.store(true, Ordering::Relaxed);
        end_unwanted(&mut queue);
    }

    /// Closes the mailbox of a stage that ended for good: refuses current and later subscribers.
    pub(crate) fn close(&self, reason: &ExitReason) {
        for mail in self.refuse(reason.clone()) {
            if let Mail::Subscribe(subscribe) = mail {
                subscribe.close(Closed::Late(reason.clone()));
            }
        }
    }
}

/// Ends the waiting subscriptions that their consumers have cancelled. Other requests concern subscriptions that ended
/// with the last run.
fn end_unwanted(queue: &mut VecDeque<Mail>) {
    let mut cancelled = Vec::new();
    queue.retain_mut(|mail| match mail {
        Mail::Tell(Tell { subscription, what }) => {
            if let What::Cancel(reason) = what {
                cancelled.push((subscription.clone(), reason.clone()));
            }
            false
        }
        _ => true,
    });
    for (subscription, reason) in cancelled {
        let waits = |mail: &Mail| matches!(mail, Mail::Subscribe(subscribe) if *subscribe.subscription() == subscription);
        if let Some(index) = queue.iter().position(waits)
            && let Some(Mail::Subscribe(subscribe)) = queue.remove(index)
        {
            subscribe.close(Closed::Cancelled(reason));
        }
    }
}

/// A producer that can be subscribed to, whatever the types of its stage and of its events. Only a
/// [`ProducerRef`](crate::ProducerRef) knows its events, and checks that a subscriber takes them.
pub(crate) trait Subscribable: Reach {
    /// Resolves to the actual producer: itself, or for a registered name, the stage that currently has it.
    fn resolve(self: Arc<Self>) -> Option<Arc<dyn Subscribable>>;

    /// Returns whether the producer has ended for good.
    fn has_ended(&self) -> bool;

    /// Returns whether the producer is down because its step does without it for now. A copy that is about to leave
    /// still hands its output over.
    fn is_resting(&self) -> bool {
        false
    }

    /// Claims a slot of the producer for a new subscription.
    fn claim(&self) -> Slot;

    /// Adds the subscription to the producer. If the producer has ended for good, the subscription ends at
    /// once.
    fn subscribe(&self, subscribe: Box<dyn AnySubscribe>);
}

impl Reach for MailQueue {
    fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    fn tell(&self, tell: Tell) {
        // A stage that has ended has no subscriptions.
        let _ = self.send(Mail::Tell(tell));
        if self.resting.load(Ordering::Relaxed) {
            let mut queue = lock(&self.queue);
            if self.resting.load(Ordering::Relaxed) {
                end_unwanted(&mut queue);
            }
        }
    }
}

impl Subscribable for MailQueue {
    fn resolve(self: Arc<Self>) -> Option<Arc<dyn Subscribable>> {
        Some(self)
    }

    fn has_ended(&self) -> bool {
        MailQueue::has_ended(self)
    }

    fn is_resting(&self) -> bool {
        self.resting.load(Ordering::Relaxed)
    }

    fn claim(&self) -> Slot {
        Slot::claim(&self.signal)
    }

    fn subscribe(&self, subscribe: Box<dyn AnySubscribe>) {
        self.add(subscribe);
    }
}
