//! Where events go that nobody could handle.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc::{Sender, UnboundedSender};

use super::event_error::EventError;
use crate::ack::Delivery;
use crate::error::BoxError;

/// An event that was not handled, and why.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeadLetter<E> {
    /// What was not handled.
    pub event: E,
    /// Why, at the last attempt.
    pub error: EventError,
    /// How often it was tried, at least once.
    pub attempts: u32,
    /// The step that failed.
    pub step: Arc<str>,
}

/// Takes dead letters: a channel, the [queue](crate::source::queue()) that another pipeline starts from, or a
/// function of your own.
pub trait DeadLetters<E>: Send + Sync + 'static {
    /// Takes one. It is a delivery: where the failed event was one, its token comes along, so that the event is
    /// acknowledged when the letter is; else nobody is told.
    fn send(&self, letter: Delivery<DeadLetter<E>>) -> BoxFuture<'_, Result<(), BoxError>>;
}

fn gone() -> BoxError {
    "nobody takes the dead letters any more".into()
}

impl<E: Send + 'static> DeadLetters<E> for Sender<Delivery<DeadLetter<E>>> {
    fn send(&self, letter: Delivery<DeadLetter<E>>) -> BoxFuture<'_, Result<(), BoxError>> {
        async move { Sender::send(self, letter).await.map_err(|_| gone()) }.boxed()
    }
}

impl<E: Send + 'static> DeadLetters<E> for UnboundedSender<Delivery<DeadLetter<E>>> {
    fn send(&self, letter: Delivery<DeadLetter<E>>) -> BoxFuture<'_, Result<(), BoxError>> {
        let sent = UnboundedSender::send(self, letter).map_err(|_| gone());
        async move { sent }.boxed()
    }
}
