//! Makes the handle of a queue a destination of another pipeline's dead letters.

use super::push::Push;
use crate::ack::Delivery;
use crate::base::error::BoxError;
use crate::base::future::{BoxFuture, FutureExt};
use crate::policy::{DeadLetter, DeadLetters};

impl<E: Send + 'static> DeadLetters<E> for Push<Delivery<DeadLetter<E>>> {
    fn send(&self, letter: Delivery<DeadLetter<E>>) -> BoxFuture<'_, Result<(), BoxError>> {
        let push = self.push(letter);
        async move { push.await.map_err(|_| "the queue of dead letters is closed".into()) }.boxed()
    }
}
