//! Sends messages to a stage: calls, which wait for an answer, and casts, which do not.

use std::any::Any;
use std::fmt;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::base::error::ExitReason;
use crate::base::options::DemandMode;
use crate::base::stats::StageStats;
use crate::stage::{
    Call, CallError, CallOf, Cast, CastOf, Context, Inspection, Message, Reply, StageMailbox, erase,
};
use crate::supervise::StageEntry;
use crate::sync::Arc;
use crate::wire::ProducerRef;
use crate::wire::mailbox::Mail;

/// The address of a running stage `S` that takes `In` and emits `Out`. It stays valid across restarts.
///
/// Messages are handled between the stage's other callbacks, in the order in which they were sent.
///
/// ```
/// use stage_core::stage::{Call, Reply};
/// use stage_core::{Demand, Emitter, Pipeline, Producer, StageResult};
///
/// /// Counts upwards, and can be asked how far it is.
/// struct Counter(u64);
///
/// struct HowFar;
///
/// impl Producer for Counter {
///     type Event = u64;
///
///     async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
///         let next = self.0 + demand.get() as u64;
///         out.extend(self.0..next);
///         self.0 = next;
///         Ok(())
///     }
/// }
///
/// impl Call<HowFar> for Counter {
///     type Out = u64;
///     type Reply = u64;
///
///     async fn handle_call(&mut self, _: HowFar, reply: Reply<u64>, _: &mut Emitter<'_, u64>) -> StageResult {
///         // A caller that went away is not an error of this stage.
///         let _ = reply.send(self.0);
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let running = Pipeline::builder("count")
///     .start("counter", || Ok(Counter(0)))
///     .finish_fn("ignore", |_| ())
///     .start()
///     .await?;
/// let counter = running.producer::<Counter>("counter", 0)?;
/// println!("it has counted to {}", counter.call(HowFar).await?);
/// running.stop().await?;
/// # Ok(())
/// # }
/// ```
///
/// A message can also be handled behind the events that wait in the stage:
///
/// ```
/// use stage_core::spawn::{StageOptions, producer};
/// use stage_core::stage::Cast;
/// use stage_core::testing::ManualConsumer;
/// use stage_core::{Demand, Emitter, Producer, StageResult, SubscribeOptions};
///
/// /// Emits the numbers that it is told, until it is told nothing.
/// struct Feed;
///
/// impl Producer for Feed {
///     type Event = u32;
///
///     async fn handle_demand(&mut self, _: Demand, _: &mut Emitter<'_, u32>) -> StageResult {
///         Ok(())
///     }
/// }
///
/// impl Cast<u32> for Feed {
///     type Out = u32;
///
///     async fn handle_cast(&mut self, number: u32, out: &mut Emitter<'_, u32>) -> StageResult {
///         out.emit(number);
///         Ok(())
///     }
/// }
///
/// impl Cast<()> for Feed {
///     type Out = u32;
///
///     async fn handle_cast(&mut self, (): (), out: &mut Emitter<'_, u32>) -> StageResult {
///         out.finish();
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let feed = producer(Feed, StageOptions::named("feed")).await?;
/// feed.cast(1)?;
/// feed.info(2).await?;
/// feed.info_soon(())?;
/// assert_eq!(feed.inspect().await?.buffered, 1);
/// let mut consumer = ManualConsumer::spawn("consumer").await;
/// consumer.subscribe(&feed.producer(), SubscribeOptions::new()).await?;
/// consumer.ask(5);
/// assert!(feed.ended().await.is_normal());
/// assert_eq!(consumer.events(), [1, 2]);
/// assert_eq!((feed.name(), feed.has_ended(), feed.stats().events_out), ("feed", true, 2));
/// # Ok(())
/// # }
/// ```
pub struct StageRef<S, In, Out> {
    pub(super) mailbox: Arc<StageMailbox<S, In, Out>>,
}

impl<S: Send + 'static, In: Send + 'static, Out: Send + 'static> StageRef<S, In, Out> {
    /// Creates a reference to the stage that owns `mailbox`.
    pub(crate) fn new(mailbox: Arc<StageMailbox<S, In, Out>>) -> Self {
        Self { mailbox }
    }

    /// Creates a reference to the stage that owns `mailbox`, if it has these types.
    pub(crate) fn of(mailbox: &Arc<dyn Any + Send + Sync>) -> Option<Self> {
        Arc::clone(mailbox).downcast().ok().map(Self::new)
    }

    /// Returns a reference to the stage whose callback got `cx`, so that tasks it starts can send it
    /// messages.
    ///
    /// ```
    /// use stage_core::stage::Cast;
    /// use stage_core::{BoxError, Consumer, Context, Emitter, Events, Init, Nothing, StageRef, StageResult};
    ///
    /// struct Store;
    ///
    /// impl Consumer for Store {
    ///     type Event = u32;
    ///
    ///     async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
    ///         let own = StageRef::<Self, u32, Nothing>::current(cx)?;
    ///         // A watch on the file may call it from another thread.
    ///         std::thread::spawn(move || own.cast(()));
    ///         Ok(Init::Ready)
    ///     }
    ///
    ///     async fn handle_events(&mut self, _: Events<'_, u32>, _: &mut Context<'_>) -> StageResult {
    ///         Ok(())
    ///     }
    /// }
    ///
    /// impl Cast<()> for Store {
    ///     type Out = Nothing;
    ///
    ///     async fn handle_cast(&mut self, (): (), _: &mut Emitter<'_, Nothing>) -> StageResult {
    ///         println!("the file has changed");
    ///         Ok(())
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`CallError::NoSuchStage`] if these are not the types of that stage.
    pub fn current(cx: &Context<'_>) -> Result<Self, CallError> {
        let expected = std::any::type_name::<S>();
        Self::of(&cx.state.own)
            .ok_or_else(|| CallError::NoSuchStage { stage: cx.name().to_owned(), expected })
    }

    /// Sends a message and waits for the answer.
    ///
    /// # Errors
    ///
    /// Returns [`CallError::Ended`] if the stage has ended for good, and [`CallError::Unanswered`] if it took
    /// the message and did not answer, for example because it failed.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the message may still be handled; the answer is lost.
    pub async fn call<M>(&self, message: M) -> Result<S::Reply, CallError>
    where
        S: Call<M, Out = Out>,
        M: Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        self.send(Message::Envelope(erase::<S, Out>(CallOf { message, reply: Reply::new(sender) })))?;
        answer.await.map_err(|_| self.unanswered())
    }

    /// Sends a message; returns without waiting for it to be handled.
    ///
    /// # Errors
    ///
    /// Returns [`CallError::Ended`] if the stage has ended for good.
    pub fn cast<M>(&self, message: M) -> Result<(), CallError>
    where
        S: Cast<M, Out = Out>,
        M: Send + 'static,
    {
        self.send(Message::Envelope(erase::<S, Out>(CastOf(message))))
    }

    fn send(&self, message: Message) -> Result<(), CallError> {
        let sent = self.mailbox.post(Box::new(message));
        sent.map_err(|reason| CallError::Ended { stage: self.name().to_owned(), reason })
    }

    /// Sends a message that is handled after everything that waits in the stage on its arrival: events
    /// emitted but not handed out, and the unhandled input of a producer-consumer. A consumer handles it at
    /// once. Returns when the message is queued.
    ///
    /// # Errors
    ///
    /// Returns [`CallError::Ended`] if the stage has ended for good, and [`CallError::Unanswered`] if it
    /// ended before the message was queued.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the message is still queued.
    pub async fn info<M>(&self, message: M) -> Result<(), CallError>
    where
        S: Cast<M, Out = Out>,
        M: Send + 'static,
    {
        let (sender, queued) = oneshot::channel();
        self.send(Message::Info(erase::<S, Out>(CastOf(message)), Some(sender)))?;
        queued.await.map_err(|_| self.unanswered())
    }

    /// Like [`info`](Self::info), without waiting for the message to be queued.
    ///
    /// # Errors
    ///
    /// Returns [`CallError::Ended`] if the stage has ended for good.
    pub fn info_soon<M>(&self, message: M) -> Result<(), CallError>
    where
        S: Cast<M, Out = Out>,
        M: Send + 'static,
    {
        self.send(Message::Info(erase::<S, Out>(CastOf(message)), None))
    }

    /// Returns the state of the stage, once it has handled the messages sent to it before.
    ///
    /// # Errors
    ///
    /// Returns [`CallError::Ended`] or [`CallError::Unanswered`] if the stage has ended.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn inspect(&self) -> Result<Inspection, CallError> {
        let (sender, answer) = oneshot::channel();
        self.send(Message::Inspect(sender))?;
        answer.await.map_err(|_| self.unanswered())
    }

    fn unanswered(&self) -> CallError {
        CallError::Unanswered { stage: self.name().to_owned() }
    }

    /// Returns the reference that other stages subscribe to.
    pub fn producer(&self) -> ProducerRef<Out> {
        ProducerRef::new(Arc::clone(self.mailbox.queue()) as _)
    }

    /// Holds demand back, or forwards it again (see [`DemandMode`]). Has no effect on a consumer.
    pub fn set_demand_mode(&self, mode: DemandMode) {
        // A stage that has ended has no demand.
        let _ = self.mailbox.send(Mail::Mode(mode));
    }

    /// Asks the stage to end for `reason` after its current callback, waits until it has ended, and returns
    /// the reason, which differs from `reason` if the stage was about to end before. Waits without limit for
    /// a callback that never returns, unless the callback races
    /// [`Emitter::draining`](crate::Emitter::draining); use a [time limit](Self::stop_within) where that may
    /// happen.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the stage still ends, provided that the future was polled
    /// at least once.
    pub async fn stop(&self, reason: ExitReason) -> ExitReason {
        let _ = self.mailbox.send(Mail::Stop(reason));
        self.ended().await
    }

    /// Asks the stage to end for `reason` after its current callback, without waiting for it.
    pub fn stop_soon(&self, reason: ExitReason) {
        // A stage that has ended ignores the request.
        let _ = self.mailbox.send(Mail::Stop(reason));
    }

    /// Asks the stage to drain, without waiting for it: [`Emitter::draining`](crate::Emitter::draining)
    /// resolves, and a producer ends once everything it has emitted is handed out. Other stages end with
    /// their producers.
    pub fn drain_soon(&self) {
        // A stage that has ended has nothing left to drain.
        let _ = self.mailbox.send(Mail::Drain);
    }

    /// Like [`stop`](Self::stop), but [aborts](Self::abort) the stage if it has not ended by itself after
    /// `deadline`. Waits nevertheless for a callback that never yields.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use stage_core::ExitReason;
    /// use stage_core::pipeline::ExitKind::{Aborted, Custom, Normal, Shutdown};
    /// use stage_core::spawn::{DemandMode, StageOptions, producer};
    /// use stage_core::stage::FromIter;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// for (end, kind) in [("drain", Normal), ("soon", Shutdown), ("within", Custom), ("abort", Aborted)] {
    ///     let numbers = producer(FromIter::new(0_u64..), StageOptions::named("numbers")).await?;
    ///     numbers.set_demand_mode(DemandMode::Accumulate);
    ///     match end {
    ///         "soon" => numbers.stop_soon(ExitReason::Shutdown),
    ///         "drain" => numbers.drain_soon(),
    ///         "abort" => numbers.abort(),
    ///         _ => _ = numbers.stop_within(ExitReason::Custom("no ink".to_owned()), Duration::from_secs(1)).await,
    ///     }
    ///     assert_eq!(numbers.ended().await.kind(), kind);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the stage is no longer aborted.
    pub async fn stop_within(&self, reason: ExitReason, deadline: Duration) -> ExitReason {
        if let Ok(ended) = timeout(deadline, self.stop(reason)).await {
            return ended;
        }
        self.abort();
        self.ended().await
    }

    /// Aborts the stage when it next waits, as if its task had been killed: there is no `terminate`, and no
    /// restart of a stage that was spawned by hand. Its peers see it end with [`ExitReason::Aborted`]. A
    /// callback that never waits cannot be aborted.
    pub fn abort(&self) {
        self.mailbox.abort();
    }

    /// Returns the statistics of the stage, even after its end. The step is the name of the stage.
    pub fn stats(&self) -> StageStats {
        self.mailbox.counters().read(self.name(), 0)
    }

    /// Returns whether the stage has ended for good.
    pub fn has_ended(&self) -> bool {
        self.mailbox.has_ended()
    }

    /// Waits until the stage has ended for good; returns the reason.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again at any time.
    pub async fn ended(&self) -> ExitReason {
        self.mailbox.ended().await
    }

    /// Returns the stage as observers see it.
    pub(crate) fn entry(&self) -> StageEntry {
        StageEntry::by_hand(self.name(), self.mailbox.queue(), Arc::clone(&self.mailbox) as _)
    }

    /// Returns the name of the stage.
    pub fn name(&self) -> &str {
        self.mailbox.name()
    }
}

impl<S, In, Out> Clone for StageRef<S, In, Out> {
    fn clone(&self) -> Self {
        Self { mailbox: Arc::clone(&self.mailbox) }
    }
}

impl<S, In, Out> fmt::Debug for StageRef<S, In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StageRef").field("name", self.mailbox.name()).finish_non_exhaustive()
    }
}
