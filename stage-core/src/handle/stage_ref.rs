//! How a stage is sent messages: calls, which wait for an answer, and casts, which do not.

use std::any::Any;
use std::fmt;

use tokio::sync::oneshot;

use super::producer_ref::ProducerRef;
use super::subscribe_options::SubscribeOptions;
use crate::error::{ExitReason, SubscribeError};
use crate::mailbox::{Join, Mail, Mailbox};
use crate::options::DemandMode;
use crate::stage::{Call, CallError, CallOf, Cast, CastOf, Message, Reply, StageMail};
use crate::subscription::Subscription;
use crate::sync::Arc;

/// The address of a running stage `S` that takes `In` and emits `Out`. It stays valid through restarts.
///
/// Messages are handled between the stage's other callbacks, in the order in which they were sent.
///
/// ```
/// use stage_core::{Call, Demand, Emitter, Pipeline, Producer, Reply, StageResult};
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
///         // A caller that went away is no error of this stage.
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
/// assert!(counter.call(HowFar).await? % 9 <= 1);
/// running.stop().await?;
/// # Ok(())
/// # }
/// ```
pub struct StageRef<S, In, Out> {
    mailbox: Arc<Mailbox<StageMail<S, In, Out>>>,
}

impl<S: Send + 'static, In: Send + 'static, Out: Send + 'static> StageRef<S, In, Out> {
    /// The stage behind `mailbox`.
    pub(crate) fn new(mailbox: Arc<Mailbox<StageMail<S, In, Out>>>) -> Self {
        Self { mailbox }
    }

    /// The stage behind `mailbox`, if it is of these types.
    pub(crate) fn of(mailbox: &Arc<dyn Any + Send + Sync>) -> Option<Self> {
        Arc::clone(mailbox).downcast().ok().map(Self::new)
    }

    /// Sends a message and waits for the answer.
    ///
    /// # Errors
    ///
    /// [`CallError::Ended`] if the stage has ended for good; [`CallError::Unanswered`] if it took the
    /// message and did not answer, for example since it failed.
    ///
    /// # Cancel safety
    ///
    /// When dropped before it is ready, the message may still be handled; the answer is lost.
    pub async fn call<M>(&self, message: M) -> Result<S::Reply, CallError>
    where
        S: Call<M, Out = Out>,
        M: Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        self.send(Message::Envelope(Box::new(CallOf { message, reply: Reply { sender } })))?;
        answer.await.map_err(|_| CallError::Unanswered { stage: self.name().to_owned() })
    }

    /// Sends a message; returns without waiting for it to be handled.
    ///
    /// # Errors
    ///
    /// [`CallError::Ended`] if the stage has ended for good.
    pub fn cast<M>(&self, message: M) -> Result<(), CallError>
    where
        S: Cast<M, Out = Out>,
        M: Send + 'static,
    {
        self.send(Message::Envelope(Box::new(CastOf(message))))
    }

    fn send(&self, message: Message<S, In, Out>) -> Result<(), CallError> {
        self.mailbox
            .send(Mail::Message(message))
            .map_err(|(_, reason)| CallError::Ended { stage: self.name().to_owned(), reason })
    }

    /// Has this stage subscribe to `producer`; returns once it has asked for its first events. Whether the
    /// producer takes the subscription in, this stage's `handle_cancel` learns.
    ///
    /// # Errors
    ///
    /// [`SubscribeError::Window`] if the demand cannot work; [`SubscribeError::Ended`] if this stage has
    /// ended, or ended before it could subscribe.
    ///
    /// # Cancel safety
    ///
    /// When dropped before it is ready, the subscription is still made.
    pub async fn subscribe(
        &self,
        producer: &ProducerRef<In>,
        options: SubscribeOptions<In>,
    ) -> Result<Subscription, SubscribeError> {
        let (reply, made) = oneshot::channel();
        self.begin(producer, options, Some(reply))?;
        match made.await {
            Ok(subscription) => Ok(subscription),
            Err(_) => Err(self.cannot_subscribe(&self.mailbox.ended().await)),
        }
    }

    /// Has this stage subscribe to `producer`, without waiting for it.
    ///
    /// # Errors
    ///
    /// As [`subscribe`](Self::subscribe), as far as it is known at once.
    pub fn subscribe_soon(
        &self,
        producer: &ProducerRef<In>,
        options: SubscribeOptions<In>,
    ) -> Result<(), SubscribeError> {
        self.begin(producer, options, None)
    }

    fn begin(
        &self,
        producer: &ProducerRef<In>,
        options: SubscribeOptions<In>,
        reply: Option<oneshot::Sender<Subscription>>,
    ) -> Result<(), SubscribeError> {
        let (window, owner, options) = options.checked()?;
        let producer = Arc::clone(&producer.stage);
        let join = Join { producer, options, window, owner, reply };
        let sent = self.mailbox.send(Mail::Message(Message::Join(join)));
        sent.map_err(|(_, reason)| self.cannot_subscribe(&reason))
    }

    fn cannot_subscribe(&self, reason: &ExitReason) -> SubscribeError {
        SubscribeError::Ended { stage: self.name().to_owned(), reason: reason.to_string() }
    }

    /// What others subscribe to.
    pub fn producer(&self) -> ProducerRef<Out> {
        ProducerRef { stage: Arc::clone(&self.mailbox) as _ }
    }

    /// Holds demand back, or lets it through again (see [`DemandMode`]). Of no meaning to a consumer.
    pub fn set_demand_mode(&self, mode: DemandMode) {
        // A stage that has ended has no demand.
        let _ = self.mailbox.send(Mail::Mode(mode));
    }

    /// Asks the stage to end for `reason` after its current callback, and waits until it has.
    pub async fn stop(&self, reason: ExitReason) -> ExitReason {
        let _ = self.mailbox.send(Mail::Stop(reason));
        self.ended().await
    }

    /// Waits until the stage has ended for good; says why.
    pub async fn ended(&self) -> ExitReason {
        self.mailbox.ended().await
    }

    /// The name of the stage.
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
