//! One producer that a stream takes events from, and what its end means.

use crate::base::error::ExitReason;
use crate::base::options::CancelMode;
use crate::credit::demand::Window;
use crate::dispatch::subscriber_options::SubscriberOptions;
use crate::sync::Arc;
use crate::wire::mailbox::{Join, Owner, Subscribable};
use crate::wire::subscription::Subscription;

/// A producer, how it is asked, and the subscription to it if there is one.
pub(super) struct Feed<E> {
    pub(super) producer: Arc<dyn Subscribable<E>>,
    pub(super) options: SubscriberOptions<E>,
    pub(super) window: Window,
    pub(super) loss: Loss,
    pub(super) standing: Option<Subscription>,
}

/// What the end of a subscription means to the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// By the subscription's mode.
    By(CancelMode),
    /// The producer belongs to a pipeline, which restarts it.
    Restarts,
}

/// What is to be done after the end of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Go on without it.
    Drop,
    /// Subscribe again.
    Again,
    /// End the stream with an error.
    Fail,
}

impl Loss {
    /// What a subscription that ended for `reason` means. The normal end of a producer ends nothing but
    /// its own part, whatever the mode: so does a stream of several producers end after the last one.
    pub(super) fn after(self, reason: &ExitReason, gone_for_good: bool) -> After {
        match (self, reason) {
            (_, ExitReason::Normal)
            | (Self::By(CancelMode::Temporary), _)
            | (Self::By(CancelMode::Transient), ExitReason::Shutdown) => After::Drop,
            (Self::By(_), _) => After::Fail,
            (Self::Restarts, _) if gone_for_good => After::Fail,
            (Self::Restarts, _) => After::Again,
        }
    }
}

impl<E> Feed<E> {
    /// The subscription that is to be made.
    pub(super) fn join(&self) -> Join<E> {
        Join {
            producer: Arc::clone(&self.producer),
            options: self.options.clone(),
            window: self.window,
            owner: match self.loss {
                Loss::By(mode) => Owner::Hand(mode),
                Loss::Restarts => Owner::Pipeline(0),
            },
            again: None,
            paused: false,
            instead: None,
            reply: None,
        }
    }
}
