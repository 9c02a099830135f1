//! One subscription, as seen from outside of its two stages: who they are, and what can be done to it.

use std::fmt;

use crate::base::error::ExitReason;
use crate::credit::demand::{Demand, Window};
use crate::sync::{Arc, Mutex, lock};

/// One subscription of a consumer to a producer. Cheap to clone; two are equal if they are the same one.
///
/// What is asked of it here happens when the stage that it concerns next takes its mail in; on a
/// subscription that has ended, nothing happens.
#[derive(Clone)]
pub struct Subscription {
    tie: Arc<Tie>,
}

/// Where the two ends of a subscription are found.
pub(crate) struct Tie {
    pub(crate) producer: End,
    pub(crate) consumer: End,
    /// By which the consumer asks.
    window: Mutex<Window>,
}

/// One end: a stage, and the slot by which it knows the subscription.
pub(crate) struct End {
    pub(crate) stage: Arc<dyn Reach>,
    pub(crate) slot: usize,
}

/// A stage that can be told something about one of its subscriptions.
pub(crate) trait Reach: Send + Sync {
    /// The name of the stage.
    fn name(&self) -> Arc<str>;

    /// Tells it; a stage that has ended need not know.
    fn tell(&self, tell: Tell);
}

/// A part of a stage, which cannot be reached by itself.
struct Inside(Arc<str>);

impl Reach for Inside {
    fn name(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    fn tell(&self, _tell: Tell) {}
}

/// What a stage is told about a subscription.
#[derive(Debug)]
pub(crate) struct Tell {
    pub(crate) subscription: Subscription,
    pub(crate) what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    /// To the producer: end it, behind everything that was sent.
    Cancel(ExitReason),
    /// To the consumer: end it, and go on without it.
    Detach,
    /// To the consumer: ask for so many events.
    Ask(Demand),
    /// To the consumer: ask by this window from now on.
    Window(Window),
    /// To the consumer: handle nothing more of it.
    Pause,
    /// To the consumer: go on handling.
    Resume,
}

/// How a subscription ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cancellation {
    /// Whether it was cancelled, or the peer ended.
    pub kind: CancelKind,
    /// Why.
    pub reason: ExitReason,
}

/// In which way a subscription ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelKind {
    /// Somebody cancelled it, or the producer did not take it in.
    Cancelled,
    /// The peer ended.
    Down,
}

/// Which side of a subscription the other stage is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The other stage sends events to this one.
    Producer,
    /// The other stage gets events from this one.
    Consumer,
}

/// Who asks for events in a subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asking {
    /// The engine, by the subscription's window, after each batch.
    #[default]
    Automatic,
    /// The stage, by [`Subscription::ask`]; what arrives together is handled together.
    Manual,
}

impl Subscription {
    pub(crate) fn new(producer: End, consumer: End, window: Window) -> Self {
        Self { tie: Arc::new(Tie { producer, consumer, window: Mutex::new(window) }) }
    }

    /// What a part of the stage `name` is fed by from another part. What is asked of it is of no effect.
    pub(crate) fn within(name: &Arc<str>) -> Self {
        let end = || End { stage: Arc::new(Inside(Arc::clone(name))), slot: 0 };
        Self::new(end(), end(), Window::default())
    }

    /// Ends the subscription for `reason`. The producer stops sending; the consumer still handles what
    /// was sent, and then does what the subscription's [`CancelMode`](crate::CancelMode) says.
    pub fn cancel(&self, reason: ExitReason) {
        self.tell(&self.tie.producer, What::Cancel(reason));
    }

    /// Ends the subscription without stopping anybody, whatever its cancel mode. What the consumer has
    /// not taken in yet goes back to the producer, for its other subscribers.
    pub fn detach(&self) {
        self.tell(&self.tie.consumer, What::Detach);
    }

    /// Asks for `demand` more events, beside what the engine asks for.
    pub fn ask(&self, demand: Demand) {
        self.tell(&self.tie.consumer, What::Ask(demand));
    }

    /// Asks by `window` from now on. A smaller one takes hold as events arrive: nothing is taken back.
    pub fn set_window(&self, window: Window) {
        *lock(&self.tie.window) = window;
        self.tell(&self.tie.consumer, What::Window(window));
    }

    /// The window that was set last. A stage that asks by itself decides what it means.
    pub fn window(&self) -> Window {
        *lock(&self.tie.window)
    }

    /// The consumer handles no more events of this subscription until [`resume`](Self::resume). Up to
    /// `max_demand` events wait for it meanwhile, and then the producer is not asked any more.
    pub fn pause(&self) {
        self.tell(&self.tie.consumer, What::Pause);
    }

    /// The consumer handles events of this subscription again.
    pub fn resume(&self) {
        self.tell(&self.tie.consumer, What::Resume);
    }

    /// The name of the producer.
    pub fn producer(&self) -> Arc<str> {
        self.tie.producer.stage.name()
    }

    /// The name of the consumer.
    pub fn consumer(&self) -> Arc<str> {
        self.tie.consumer.stage.name()
    }

    /// The slot by which the producer knows it.
    pub(crate) fn producer_slot(&self) -> usize {
        self.tie.producer.slot
    }

    /// The slot by which the consumer knows it.
    pub(crate) fn consumer_slot(&self) -> usize {
        self.tie.consumer.slot
    }

    fn tell(&self, end: &End, what: What) {
        end.stage.tell(Tell { subscription: self.clone(), what });
    }
}

impl PartialEq for Subscription {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.tie, &other.tie)
    }
}

impl Eq for Subscription {}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("producer", &self.producer())
            .field("consumer", &self.consumer())
            .finish()
    }
}

impl Cancellation {
    pub(crate) fn down(reason: ExitReason) -> Self {
        Self { kind: CancelKind::Down, reason }
    }

    pub(crate) fn cancelled(reason: ExitReason) -> Self {
        Self { kind: CancelKind::Cancelled, reason }
    }
}
