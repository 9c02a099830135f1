//! Lets code outside of a stage subscribe it to a producer.

use tokio::sync::oneshot;

use super::stage_ref::StageRef;
use crate::base::error::{ExitReason, SubscribeError};
use crate::stage::Message;
use crate::wire::mailbox::{Join, MailQueue};
use crate::wire::subscription::Subscription;
use crate::wire::{ProducerRef, SubscribeOptions};

impl<S: Send + 'static, In: Send + 'static, Out: Send + 'static> StageRef<S, In, Out> {
    /// Makes this stage subscribe to `producer`; returns once it has asked for its first events. If the
    /// producer refuses the subscription, this stage's `handle_cancel` is called.
    ///
    /// ```
    /// use stage_core::spawn::{StageOptions, consumer};
    /// use stage_core::testing::{ManualProducer, Probe};
    /// use stage_core::{ExitReason, SubscribeOptions};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let first = ManualProducer::spawn(StageOptions::named("first")).await;
    /// let second = ManualProducer::spawn(StageOptions::named("second")).await;
    /// let (probe, mut seen) = Probe::new();
    /// let probe = consumer(probe, StageOptions::named("probe")).await?;
    /// let made = probe.subscribe(&first.producer(), SubscribeOptions::new()).await?;
    /// assert_eq!(seen.next_subscribed().await, made);
    ///
    /// // Move to the second producer and back. The stage does not end with the old subscription.
    /// let reason = ExitReason::Shutdown;
    /// let other = probe.resubscribe(&made, reason.clone(), &second.producer(), SubscribeOptions::new()).await?;
    /// assert_eq!(seen.next_subscribed().await, other);
    /// probe.resubscribe_soon(&other, reason, &first.producer(), SubscribeOptions::new())?;
    /// assert_eq!(&*seen.next_subscribed().await.producer(), "first");
    /// probe.subscribe_soon(&second.producer(), SubscribeOptions::new())?;
    /// assert_eq!(&*seen.next_subscribed().await.producer(), "second");
    /// second.emit(["event"]);
    /// assert_eq!(seen.next_batch().await, ["event"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`SubscribeError::Window`] if the demand window is invalid, and [`SubscribeError::Ended`] if
    /// this stage has ended, or ended before it could subscribe.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the subscription is still made.
    pub async fn subscribe(
        &self,
        producer: &ProducerRef<In>,
        options: SubscribeOptions<In>,
    ) -> Result<Subscription, SubscribeError> {
        subscribed(&self.mailbox, None, options.join(producer)).await
    }

    /// Makes this stage subscribe to `producer`, without waiting for it.
    ///
    /// # Errors
    ///
    /// Same as [`subscribe`](Self::subscribe), as far as errors are known at once.
    pub fn subscribe_soon(
        &self,
        producer: &ProducerRef<In>,
        options: SubscribeOptions<In>,
    ) -> Result<(), SubscribeError> {
        begin(&self.mailbox, None, options.join(producer), None)
    }

    /// Makes this stage end the subscription `old` for `reason` and replace it with another one, to the same
    /// producer or a different one. The end of `old` does not end the stage, whatever its cancel mode;
    /// `handle_cancel` is still called. The new subscription is made even if `old` has already ended.
    ///
    /// # Errors
    ///
    /// Same as [`subscribe`](Self::subscribe).
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the subscription is still replaced.
    pub async fn resubscribe(
        &self,
        old: &Subscription,
        reason: ExitReason,
        producer: &ProducerRef<In>,
        options: SubscribeOptions<In>,
    ) -> Result<Subscription, SubscribeError> {
        subscribed(&self.mailbox, Some((old.clone(), reason)), options.join(producer)).await
    }

    /// Like [`resubscribe`](Self::resubscribe), without waiting for it.
    ///
    /// # Errors
    ///
    /// Same as [`subscribe`](Self::subscribe), as far as errors are known at once.
    pub fn resubscribe_soon(
        &self,
        old: &Subscription,
        reason: ExitReason,
        producer: &ProducerRef<In>,
        options: SubscribeOptions<In>,
    ) -> Result<(), SubscribeError> {
        begin(&self.mailbox, Some((old.clone(), reason)), options.join(producer), None)
    }
}

/// Makes the stage of `queue` subscribe, and waits for it. Without the types of the stage, so that it is compiled once.
#[inline]
async fn subscribed(
    queue: &MailQueue,
    instead: Option<(Subscription, ExitReason)>,
    join: Result<Join, SubscribeError>,
) -> Result<Subscription, SubscribeError> {
    let (reply, made) = oneshot::channel();
    begin(queue, instead, join, Some(reply))?;
    match made.await {
        Ok(subscription) => Ok(subscription),
        Err(_) => Err(cannot_subscribe(queue, &queue.ended().await)),
    }
}

#[inline]
fn begin(
    queue: &MailQueue,
    instead: Option<(Subscription, ExitReason)>,
    join: Result<Join, SubscribeError>,
    reply: Option<oneshot::Sender<Subscription>>,
) -> Result<(), SubscribeError> {
    let mut join = join?;
    (join.instead, join.reply) = (instead, reply);
    let sent = queue.post(Box::new(Message::Join(Box::new(join))));
    sent.map_err(|reason| cannot_subscribe(queue, &reason))
}

#[inline]
fn cannot_subscribe(queue: &MailQueue, reason: &ExitReason) -> SubscribeError {
    SubscribeError::Ended { stage: queue.name().to_string(), reason: reason.to_string() }
}
