//! All that crosses between stages: subscriptions, batches down, credit up, and the end.

use crate::base::error::{ExitReason, SubscribeError};
use crate::dispatch::subscriber_options::SubscriberOptions;
use crate::wire::link::LinkTx;

/// Events of one subscription that are handled together.
#[derive(Debug)]
pub(crate) struct Batch<E> {
    pub(crate) events: Vec<E>,
    /// Whether more batches of the same message follow.
    pub(crate) more: bool,
}

/// What a consumer sends back after a batch: the emptied buffer, and credit if it is time to ask.
#[derive(Debug)]
pub(crate) struct Credited<E> {
    pub(crate) buffer: Vec<E>,
    pub(crate) ask: usize,
}

/// How a subscription ended, as its consumer sees it; it arrives behind every event.
#[derive(Clone, Debug)]
pub(crate) enum Closed {
    /// The producer has nothing more, ever.
    End,
    /// The producer is gone.
    Down(ExitReason),
    /// Somebody cancelled the subscription.
    Cancelled(ExitReason),
    /// The producer did not take the subscription in.
    Refused(SubscribeError),
    /// There is no producer, for this reason.
    Nowhere(ExitReason),
    /// The producer had ended, for this reason, before the subscription reached it.
    Late(ExitReason),
}

/// A consumer's request to be served by a producer; the consumer has asked already.
#[derive(Debug)]
pub(crate) struct Subscribe<E> {
    pub(crate) link: LinkTx<E>,
    pub(crate) options: SubscriberOptions<E>,
    pub(crate) made_by: MadeBy,
}

/// Who made a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MadeBy {
    /// The pipeline that the producer belongs to: it ends when all these consumers have finished.
    Pipeline,
    /// Somebody else: a guest, who comes and goes.
    Hand,
}

impl Closed {
    /// What a producer that ended for `reason` leaves behind.
    pub(crate) fn by(reason: &ExitReason) -> Self {
        match reason {
            ExitReason::Normal => Self::End,
            other => Self::Down(other.clone()),
        }
    }
}
