//! Where events go that nobody could handle.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc::{Sender, UnboundedSender};

use super::event_error::EventError;
use crate::ack::Delivery;
use crate::base::error::BoxError;

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
/// [function](dead_letters_fn).
pub trait DeadLetters<E>: Send + Sync + 'static {
    /// Takes one. It is a delivery: where the failed event was one, its token comes along, so that the event is
    /// acknowledged when the letter is; else nobody is told.
    ///
    /// The stage waits for it. An error or a panic costs this event alone, which is counted as discarded or rejected;
    /// so does a stop, which does not wait for a letter that nobody takes.
    fn send(&self, letter: Delivery<DeadLetter<E>>) -> BoxFuture<'_, Result<(), BoxError>>;
}

/// Hands dead letters to an async function, one at a time for each copy of the step. A letter is acknowledged when
/// `take` returns `Ok`, and rejected when it returns an error or panics.
///
/// ```
/// use stage_core::policy::{DeadLetter, FailurePolicy, dead_letters_fn};
/// use stage_core::{BoxError, Pipeline};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (sent, received) = std::sync::mpsc::channel();
/// let letters = dead_letters_fn(move |letter: DeadLetter<&str>| {
///     let sent = sent.clone();
///     async move { Ok(sent.send(format!("{}: {}", letter.event, letter.error))?) }
/// });
/// let pipeline = Pipeline::builder("numbers")
///     .start_fn("words", || Ok(["1", "two", "3"]))
///     .step_each_fn("parse", FailurePolicy::dead_letter(letters), |word: &str| Ok(word.parse::<u64>()?))
///     .finish_fn("print", |number| println!("{number}"));
/// pipeline.start().await?.join().await?;
/// assert_eq!(received.recv()?, "two: invalid digit found in string");
/// # Ok(())
/// # }
/// ```
pub fn dead_letters_fn<E, F, Fut>(take: F) -> impl DeadLetters<E>
where
    E: Send + 'static,
    F: Fn(DeadLetter<E>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    TakenBy(take)
}

/// Takes letters by a function.
struct TakenBy<F>(F);

impl<E, F, Fut> DeadLetters<E> for TakenBy<F>
where
    E: Send + 'static,
    F: Fn(DeadLetter<E>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    fn send(&self, letter: Delivery<DeadLetter<E>>) -> BoxFuture<'_, Result<(), BoxError>> {
        let (letter, token) = letter.into_parts();
        let work = (self.0)(letter);
        async move {
            work.await?;
            token.acknowledge();
            Ok(())
        }
        .boxed()
    }
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
