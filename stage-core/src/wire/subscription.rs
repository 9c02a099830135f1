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
///
/// ```
/// use stage_core::spawn::{StageOptions, consumer, producer};
/// use stage_core::stage::FromIter;
/// use stage_core::testing::{Probe, settle};
/// use stage_core::{CancelMode, ExitReason, SubscribeOptions, Window};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let numbers = producer(FromIter::new(0..), StageOptions::named("numbers")).await?;
/// let (probe, mut seen) = Probe::hanging();
/// let probe = consumer(probe, StageOptions::named("probe")).await?;
/// let options = SubscribeOptions::new().max_demand(1).min_demand(0).cancel(CancelMode::Temporary).paused();
/// let subscription = probe.subscribe(&numbers.producer(), options).await?;
/// assert_eq!((&*subscription.producer(), &*subscription.consumer()), ("numbers", "probe"));
/// settle().await;
/// assert!(seen.events().is_empty(), "it is paused");
///
/// subscription.resume();
/// assert_eq!(seen.next_batch().await, [0]);
/// subscription.set_window(Window::new(4, 0)?);
/// assert_eq!(subscription.window().max(), 4);
///
/// subscription.pause();
/// subscription.cancel(ExitReason::Shutdown);
/// subscription.resume();
/// seen.release(10);
/// let (ended, cancellation) = seen.next_end().await;
/// assert_eq!(ended, subscription);
/// assert!(matches!(cancellation.reason, ExitReason::Shutdown));
/// # Ok(())
/// # }
/// ```
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
///
/// ```
/// use stage_core::spawn::StageOptions;
/// use stage_core::subscribe::Cancellation;
/// use stage_core::testing::{ManualConsumer, ManualProducer};
/// use stage_core::{ExitReason, SubscribeOptions};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let mut source = ManualProducer::<u32>::spawn(StageOptions::named("source")).await;
/// let mut consumer = ManualConsumer::spawn("consumer").await;
/// let subscription = consumer.subscribe(&source.producer(), SubscribeOptions::new()).await?;
/// subscription.cancel(ExitReason::Custom("enough".to_owned()));
/// let (_, end): (_, Cancellation) = source.next_cancel().await;
/// assert_eq!(end.reason.to_string(), "enough");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cancellation {
    /// Whether it was cancelled or the peer ended.
    pub kind: CancelKind,
    /// The reason.
    pub reason: ExitReason,
}

/// The kind of a subscription's end.
///
/// ```
/// use stage_core::spawn::StageOptions;
/// use stage_core::subscribe::{CancelKind, Cancellation};
/// use stage_core::testing::{ManualConsumer, ManualProducer};
/// use stage_core::SubscribeOptions;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let source = ManualProducer::<u32>::spawn(StageOptions::named("source")).await;
/// let mut consumer = ManualConsumer::spawn("consumer").await;
/// consumer.subscribe(&source.producer(), SubscribeOptions::new()).await?;
/// source.finish();
/// let (_, end): (_, Cancellation) = consumer.next_end().await;
/// assert_eq!(end.kind, CancelKind::Down);
/// assert!(end.reason.is_normal());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelKind {
    /// It was cancelled, or the producer refused it.
    Cancelled,
    /// The peer ended.
    Down,
}

/// The side of a subscription that the other stage is on.
///
/// ```
/// use stage_core::spawn::{StageOptions, producer_consumer};
/// use stage_core::subscribe::{Asking, Role, Subscription};
/// use stage_core::testing::{ManualConsumer, ManualProducer};
/// use stage_core::{BoxError, Emitter, Events, ProducerConsumer, StageResult, SubscribeOptions};
///
/// /// Passes events on, and tells of its subscriptions.
/// struct Tell(std::sync::mpsc::Sender<(Role, String)>);
///
/// impl ProducerConsumer for Tell {
///     type In = u32;
///     type Out = u32;
///
///     async fn handle_events(&mut self, events: Events<'_, u32>, out: &mut Emitter<'_, u32>) -> StageResult {
///         out.forward(events);
///         Ok(())
///     }
///
///     async fn handle_subscribe(
///         &mut self,
///         peer: Role,
///         subscription: &Subscription,
///         _: &mut Emitter<'_, u32>,
///     ) -> Result<Asking, BoxError> {
///         let name = if peer == Role::Producer { subscription.producer() } else { subscription.consumer() };
///         self.0.send((peer, name.to_string()))?;
///         Ok(Asking::Automatic)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), BoxError> {
/// let (told, heard) = std::sync::mpsc::channel();
/// let step = producer_consumer(Tell(told), StageOptions::named("step")).await?;
/// let source = ManualProducer::spawn(StageOptions::named("source")).await;
/// step.subscribe(&source.producer(), SubscribeOptions::new()).await?;
/// assert_eq!(heard.try_recv()?, (Role::Producer, "source".to_owned()));
/// let mut consumer = ManualConsumer::spawn("consumer").await;
/// consumer.subscribe(&step.producer(), SubscribeOptions::new()).await?;
/// step.inspect().await?;
/// assert_eq!(heard.try_recv()?, (Role::Consumer, "consumer".to_owned()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The other stage sends events to this one.
    Producer,
    /// The other stage receives events from this one.
    Consumer,
}

/// Whether the engine or the stage asks for events of a subscription.
///
/// See [`Consumer`](crate::Consumer) for a stage that asks by itself.
///
/// ```
/// use stage_core::subscribe::Asking;
///
/// assert_eq!(Asking::default(), Asking::Automatic);
/// ```
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
    ///
    /// ```
    /// use stage_core::spawn::StageOptions;
    /// use stage_core::testing::{ManualConsumer, ManualProducer};
    /// use stage_core::{Demand, SubscribeOptions};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let mut source = ManualProducer::<u32>::spawn(StageOptions::named("source")).await;
    /// let mut consumer = ManualConsumer::spawn("consumer").await;
    /// let subscription = consumer.subscribe(&source.producer(), SubscribeOptions::new()).await?;
    /// subscription.ask(Demand::new(3).ok_or("three is more than none")?);
    /// assert_eq!(source.next_demand().await, 3);
    /// subscription.detach();
    /// assert_eq!(source.next_cancel().await.0, subscription);
    /// assert!(!consumer.stage().has_ended());
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn detach(&self) {
        self.tell(&self.tie.consumer, What::Detach);
    }

    /// Asks for `demand` more events, in addition to the engine's asks.
    #[inline]
    pub fn ask(&self, demand: Demand) {
        self.tell(&self.tie.consumer, What::Ask(demand));
    }

    /// Asks by `window` from now on. A smaller window takes effect as events arrive; demand is not withdrawn. A
    /// [tuned](crate::Tuning) window is fixed from then on.
    #[inline]
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
    #[inline]
    pub fn pause(&self) {
        self.tell(&self.tie.consumer, What::Pause);
    }

    /// Lets the consumer handle events of this subscription again.
    #[inline]
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
    #[inline]
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
