//! How a stage is made to subscribe to another, from outside of it.

use tokio::sync::oneshot;

use super::stage_ref::StageRef;
use crate::base::error::{ExitReason, SubscribeError};
use crate::stage::Message;
use crate::wire::mailbox::Mail;
use crate::wire::subscription::Subscription;
use crate::wire::{ProducerRef, SubscribeOptions};

impl<S: Send + 'static, In: Send + 'static, Out: Send + 'static> StageRef<S, In, Out> {
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
        self.made(None, producer, options).await
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
        self.begin(None, producer, options, None)
    }

    /// Has this stage end the subscription `old` for `reason` and make another one in its place, to the
    /// same producer or another. The end of `old` does not end the stage, whatever its cancel mode;
    /// `handle_cancel` is still called. If `old` has ended already, the new one is made all the same.
    ///
    /// # Errors
    ///
    /// As [`subscribe`](Self::subscribe).
    ///
    /// # Cancel safety
    ///
    /// When dropped before it is ready, the subscription is still replaced.
    pub async fn resubscribe(
        &self,
        old: &Subscription,
        reason: ExitReason,
        producer: &ProducerRef<In>,
        options: SubscribeOptions<In>,
    ) -> Result<Subscription, SubscribeError> {
        self.made(Some((old.clone(), reason)), producer, options).await
    }

    /// As [`resubscribe`](Self::resubscribe), without waiting for it.
    ///
    /// # Errors
    ///
    /// As [`subscribe`](Self::subscribe), as far as it is known at once.
    pub fn resubscribe_soon(
        &self,
        old: &Subscription,
        reason: ExitReason,
        producer: &ProducerRef<In>,
        options: SubscribeOptions<In>,
    ) -> Result<(), SubscribeError> {
        self.begin(Some((old.clone(), reason)), producer, options, None)
    }

    async fn made(
        &self,
        instead: Option<(Subscription, ExitReason)>,
        producer: &ProducerRef<In>,
        options: SubscribeOptions<In>,
    ) -> Result<Subscription, SubscribeError> {
        let (reply, made) = oneshot::channel();
        self.begin(instead, producer, options, Some(reply))?;
        match made.await {
            Ok(subscription) => Ok(subscription),
            Err(_) => Err(self.cannot_subscribe(&self.ended().await)),
        }
    }

    fn begin(
        &self,
        instead: Option<(Subscription, ExitReason)>,
        producer: &ProducerRef<In>,
        options: SubscribeOptions<In>,
        reply: Option<oneshot::Sender<Subscription>>,
    ) -> Result<(), SubscribeError> {
        let mut join = options.join(producer)?;
        (join.instead, join.reply) = (instead, reply);
        let sent = self.mailbox.send(Mail::Message(Message::Join(join)));
        sent.map_err(|(_, reason)| self.cannot_subscribe(&reason))
    }

    fn cannot_subscribe(&self, reason: &ExitReason) -> SubscribeError {
        SubscribeError::Ended { stage: self.name().to_owned(), reason: reason.to_string() }
    }
}
