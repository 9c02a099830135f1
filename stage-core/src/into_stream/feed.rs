//! A producer of a stream, and the handling of its end.

use crate::base::error::ExitReason;
use crate::base::options::CancelMode;
use crate::credit::demand::Window;
use crate::credit::tuner::Tuner;
use crate::dispatch::options::AnyOptions;
use crate::sync::Arc;
use crate::wire::mailbox::{Join, Owner, Subscribable};
use crate::wire::subscription::Subscription;

/// A producer, its subscription options, and the current subscription, if any.
pub(super) struct Feed {
    pub(super) producer: Arc<dyn Subscribable>,
    pub(super) options: AnyOptions,
    pub(super) window: Window,
    pub(super) tuner: Option<Tuner>,
    pub(super) loss: Loss,
    pub(super) standing: Option<Subscription>,
}

/// How the stream reacts to the end of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// According to the cancel mode of the subscription.
    By(CancelMode),
    /// The producer belongs to a pipeline, which restarts it.
    Restarts,
}

/// The action after the end of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Continue without the producer.
    Drop,
    /// Subscribe again.
    Again,
    /// End the stream with an error.
    Fail,
}

impl Loss {
    /// Returns the action after a subscription ended for `reason`. The normal end of a producer ends only its
    /// own part, whatever the mode: a stream of several producers thus ends after the last one.
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

impl Feed {
    /// Returns the subscription to make.
    #[inline]
    pub(super) fn join(&self) -> Join {
        Join {
            producer: Arc::clone(&self.producer),
            options: self.options.clone(),
            window: self.window,
            tuner: self.tuner,
            owner: match self.loss {
                Loss::By(mode) => Owner::Hand(mode),
                Loss::Restarts => Owner::Pipeline(0),
            },
            resubscribe: None,
            paused: false,
            instead: None,
            reply: None,
        }
    }
}
