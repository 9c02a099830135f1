//! Dead letters and their destinations.

use std::error::Error;
use std::sync::Arc;

use tokio::sync::mpsc::{Sender, UnboundedSender};

use super::event_error::EventError;
use crate::ack::{Delivery, Reason};
use crate::base::error::BoxError;
use crate::base::future::{BoxFuture, FutureExt};
use crate::base::hopeless::Hopeless;

/// An event that was not handled, with its last error.
///
/// ```
/// use stage_core::Pipeline;
/// use stage_core::policy::FailurePolicy;
/// use tokio::sync::mpsc::unbounded_channel;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (letters, mut received) = unbounded_channel();
/// let pipeline = Pipeline::builder("numbers")
///     .start_fn("words", || Ok(["1", "two"]))
///     .step_each_fn("parse", FailurePolicy::dead_letter(letters), |word: &str| word.parse::<u64>())
///     .finish_fn("print", |number| println!("{number}"));
/// pipeline.start().await?.join().await?;
/// let letter = received.recv().await.expect("a letter");
/// assert_eq!((letter.event, letter.attempts, &*letter.step), ("two", 1, "parse"));
/// println!("{}", letter.error);
/// letter.acknowledge();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeadLetter<E> {
    /// The event that was not handled.
    pub event: E,
    /// The error of the last attempt.
    pub error: EventError,
    /// Number of attempts, at least one.
    pub attempts: u32,
    /// The name of the step that failed.
    pub step: Arc<str>,
}

/// A destination of dead letters: a channel, the [queue](crate::source::queue()) that feeds another pipeline,
/// or a [function](dead_letters_fn).
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// use futures_util::future::BoxFuture;
/// use stage_core::ack::Delivery;
/// use stage_core::policy::{DeadLetter, DeadLetters, FailurePolicy};
/// use stage_core::{BoxError, Pipeline};
///
/// #[derive(Clone, Default)]
/// struct Log(Arc<Mutex<Vec<String>>>);
///
/// impl DeadLetters<&'static str> for Log {
///     fn send(&self, letter: Delivery<DeadLetter<&'static str>>) -> BoxFuture<'_, Result<(), BoxError>> {
///         Box::pin(async move {
///             let (letter, token) = letter.into_parts();
///             self.0.lock().map_err(|_| "a writer panicked")?.push(format!("{}: {}", letter.step, letter.event));
///             token.acknowledge();
///             Ok(())
///         })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// let log = Log::default();
/// let pipeline = Pipeline::builder("numbers")
///     .start_fn("words", || Ok(["1", "two"]))
///     .step_each_fn("parse", FailurePolicy::dead_letter(log.clone()), |word: &str| word.parse::<u64>())
///     .finish_fn("print", |number| println!("{number}"));
/// pipeline.start().await?.join().await?;
/// assert_eq!(*log.0.lock().expect("no writer panics"), ["parse: two"]);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not take the dead letters of this step",
    label = "not a destination of these dead letters",
    note = "a channel or a queue takes them if it carries `Delivery<DeadLetter<Event>>`, where `Event` is the input of the step",
    note = "a function takes them by `dead_letters_fn(function)`"
)]
pub trait DeadLetters<E>: Send + Sync + 'static {
    /// Sends a letter, as a delivery. If the failed event was a delivery, the letter carries its token, so
    /// that acknowledging the letter acknowledges the event; otherwise its verdict has no effect.
    ///
    /// The stage waits for the future, without a deadline: a receiver that takes no letters holds up the copy of
    /// the step, as a consumer without demand does, and [`Running::stalls`](crate::Running::stalls) lists it. To
    /// bound the wait, return an error after a timeout. An error or a panic affects only this event, which is
    /// counted as discarded or rejected. The same applies if the stage is stopped: a stop does not wait for a
    /// letter to be accepted.
    fn send(&self, letter: Delivery<DeadLetter<E>>) -> BoxFuture<'_, Result<(), BoxError>>;
}

/// Passes dead letters to an async function, one at a time for each copy of the step. A letter is
/// acknowledged when `take` returns `Ok`, rejected with the error that it returns, and rejected when it panics. Where `take`
/// fails every time, the source sets the event aside by itself after its own number of attempts, or at once after a
/// [`Hopeless`](super::Hopeless) error.
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
///     .step_each_fn("parse", FailurePolicy::dead_letter(letters), |word: &str| word.parse::<u64>())
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

/// Passes letters to a function.
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
            let Err(error) = work.await else {
                token.acknowledge();
                return Ok(());
            };
            let (prospect, error) = Hopeless::take_apart(error);
            let error: Arc<dyn Error + Send + Sync> = Arc::from(error);
            token.reject(Reason::of(prospect, Arc::clone(&error)));
            Err(error.into())
        }
        .boxed()
    }
}

#[inline]
fn gone() -> BoxError {
    "the receiver of dead letters is gone".into()
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
