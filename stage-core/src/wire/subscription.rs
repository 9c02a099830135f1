//! A handle to one subscription, usable from outside its two stages.

use std::fmt;

use crate::base::error::ExitReason;
use crate::credit::demand::{Demand, Window};
use crate::sync::{Arc, Mutex, lock};

/// A handle to the subscription of a consumer to a producer. Cheap to clone; handles are equal if they refer
/// to the same subscription.
///
/// Requests take effect when the stage concerned next reads its mail. On a subscription that has ended, they
/// have no effect.
#[derive(Clone)]
pub struct Subscription {
    tie: Arc<Tie>,
}

/// The two ends of a subscription.
pub(crate) struct Tie {
    pub(crate) producer: End,
    pub(crate) consumer: End,
    /// The window by which the consumer asks.
    window: Mutex<Window>,
}

/// One end: a stage, and its slot for the subscription.
pub(crate) struct End {
    pub(crate) stage: Arc<dyn Reach>,
    pub(crate) slot: usize,
}

/// A stage that receives requests about its subscriptions.
pub(crate) trait Reach: Send + Sync {
    /// Returns the name of the stage.
    fn name(&self) -> Arc<str>;

    /// Sends a request; a stage that has ended ignores it.
    fn tell(&self, tell: Tell);
}

/// A part of a stage, which receives no requests of its own.
struct Inside(Arc<str>);

impl Reach for Inside {
    fn name(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    fn tell(&self, _tell: Tell) {}
}

/// A request about a subscription.
#[derive(Debug)]
pub(crate) struct Tell {
    pub(crate) subscription: Subscription,
    pub(crate) what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    /// To the producer: end it, after everything that was sent.
    Cancel(ExitReason),
    /// To the consumer: end it, and continue without it.
    Detach,
    /// To the consumer: ask for this many events.
    Ask(Demand),
    /// To the consumer: ask by this window from now on.
    Window(Window),
    /// To the consumer: stop handling its events.
    Pause,
    /// To the consumer: resume handling its events.
    Resume,
}

/// How a subscription ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cancellation {
    /// Whether it was cancelled or the peer ended.
    pub kind: CancelKind,
    /// The reason.
    pub reason: ExitReason,
}

/// The kind of a subscription's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelKind {
    /// It was cancelled, or the producer refused it.
    Cancelled,
    /// The peer ended.
    Down,
}

/// The side of a subscription that the other stage is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The other stage sends events to this one.
    Producer,
    /// The other stage receives events from this one.
    Consumer,
}

/// Whether the engine or the stage asks for events of a subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asking {
    /// The engine asks, by the subscription's window, after each batch.
    #[default]
    Automatic,
    /// The stage asks, by [`Subscription::ask`]; events that arrive together are handled together. A stage that
    /// always asks says so by [`ASKS_BY_ITSELF`](crate::Consumer::ASKS_BY_ITSELF).
    Manual,
}

impl Subscription {
    pub(crate) fn new(producer: End, consumer: End, window: Window) -> Self {
        Self { tie: Arc::new(Tie { producer, consumer, window: Mutex::new(window) }) }
    }

    /// Returns a subscription between two parts of the stage `name`. Requests to it have no effect.
    pub(crate) fn within(name: &Arc<str>) -> Self {
        let end = || End { stage: Arc::new(Inside(Arc::clone(name))), slot: 0 };
        Self::new(end(), end(), Window::default())
    }

    /// Ends the subscription for `reason`. The producer stops sending; the consumer still handles the events
    /// sent, and then acts by the subscription's [`CancelMode`](crate::CancelMode).
    pub fn cancel(&self, reason: ExitReason) {
        self.tell(&self.tie.producer, What::Cancel(reason));
    }

    /// Ends the subscription without ending the consumer, whatever its cancel mode. Events that the consumer
    /// has not received return to the producer, for its other subscribers.
    pub fn detach(&self) {
        self.tell(&self.tie.consumer, What::Detach);
    }

    /// Asks for `demand` more events, in addition to the engine's asks.
    pub fn ask(&self, demand: Demand) {
        self.tell(&self.tie.consumer, What::Ask(demand));
    }

    /// Asks by `window` from now on. A smaller window takes effect as events arrive; demand is not withdrawn. A
    /// [tuned](crate::Tuning) window is fixed from then on.
    pub fn set_window(&self, window: Window) {
        *lock(&self.tie.window) = window;
        self.tell(&self.tie.consumer, What::Window(window));
    }

    /// Records a window that the consumer already uses.
    pub(crate) fn note_window(&self, window: Window) {
        *lock(&self.tie.window) = window;
    }

    /// Returns the most recently set window, or the current one if it is tuned. A stage that asks manually decides what it means.
    pub fn window(&self) -> Window {
        *lock(&self.tie.window)
    }

    /// Stops the consumer from handling events of this subscription until [`resume`](Self::resume).
    /// Meanwhile, up to `max_demand` events wait for it; after that, the producer receives no more asks.
    pub fn pause(&self) {
        self.tell(&self.tie.consumer, What::Pause);
    }

    /// Lets the consumer handle events of this subscription again.
    pub fn resume(&self) {
        self.tell(&self.tie.consumer, What::Resume);
    }

    /// Returns the name of the producer.
    pub fn producer(&self) -> Arc<str> {
        self.tie.producer.stage.name()
    }

    /// Returns the name of the consumer.
    pub fn consumer(&self) -> Arc<str> {
        self.tie.consumer.stage.name()
    }

    /// Returns the producer's slot of this subscription.
    pub(crate) fn producer_slot(&self) -> usize {
        self.tie.producer.slot
    }

    /// Returns the consumer's slot of this subscription.
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
