//! Messages that cross between stages: subscriptions, batches down, credit up, and the end.

use std::any::Any;

use crate::base::error::{ExitReason, SubscribeError};
use crate::dispatch::options::DispatchOptions;
use crate::wire::link::LinkTx;
use crate::wire::subscription::Subscription;

/// Events of one subscription that are handled together.
#[derive(Debug)]
pub(crate) struct Batch<E> {
    pub(crate) events: Vec<E>,
    /// Whether more batches of the same message follow. A whole word, so that a batch has no padding: reading
    /// padding that was just written in pieces stalls the processor.
    more: usize,
}

impl<E> Batch<E> {
    #[inline]
    pub(crate) fn new(events: Vec<E>, more: bool) -> Self {
        Self { events, more: usize::from(more) }
    }

    /// Returns whether more batches of the same message follow.
    #[inline]
    pub(crate) fn more(&self) -> bool {
        self.more != 0
    }
}

/// A consumer's reply after a batch: the emptied buffer, and credit if an ask is due.
#[derive(Debug)]
pub(crate) struct Credited<E> {
    pub(crate) buffer: Vec<E>,
    pub(crate) ask: usize,
}

/// How a subscription ended, as its consumer sees it; it arrives after every event.
#[derive(Clone, Debug)]
pub(crate) enum Closed {
    /// The producer has finished.
    End,
    /// The producer ended for this reason.
    Down(ExitReason),
    /// The producer is a copy of an elastic step; it left after it had handled everything, and may come back.
    Left,
    /// The subscription was cancelled.
    Cancelled(ExitReason),
    /// The producer refused the subscription.
    Refused(SubscribeError),
    /// No such producer exists, for this reason.
    Nowhere(ExitReason),
    /// The producer had ended for this reason before the subscription reached it.
    Late(ExitReason),
}

/// A consumer's request to be served by a producer. The consumer's first ask is already on the link.
#[derive(Debug)]
pub(crate) struct Subscribe<E> {
    pub(crate) link: LinkTx<E>,
    pub(crate) options: DispatchOptions<E>,
    pub(crate) made_by: MadeBy,
}

/// A [`Subscribe`] with its event type erased.
pub(crate) trait AnySubscribe: Send {
    fn subscription(&self) -> &Subscription;

    /// Ends the subscription instead of making it.
    fn close(self: Box<Self>, closed: Closed);

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

impl<E: Send + 'static> AnySubscribe for Subscribe<E> {
    fn subscription(&self) -> &Subscription {
        self.link.subscription()
    }

    fn close(self: Box<Self>, closed: Closed) {
        self.link.close(closed);
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

/// The maker of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MadeBy {
    /// The pipeline of the producer: it ends when all these consumers have finished.
    Pipeline,
    /// Other code: a guest that comes and goes.
    Hand,
}

impl Closed {
    /// Returns the end that consumers see of a producer that ended for `reason`.
    pub(crate) fn by(reason: &ExitReason) -> Self {
        match reason {
            ExitReason::Normal => Self::End,
            other => Self::Down(other.clone()),
        }
    }
}
