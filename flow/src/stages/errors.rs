//! Error handling for steps that return a `Result`: fail the flow, count the errors, or send them elsewhere.

use std::fmt;
use std::marker::PhantomData;

use stage_core::{BoxError, Emitter, Events, ProducerConsumer, StageResult};
use tokio::sync::mpsc::UnboundedSender;

use crate::chain::Chain;
use crate::flow::{Flow, LayerFlow};
use crate::plan::Origin;
use crate::stats::Tally;
use crate::sync::lock;
use crate::time::Untimed;

/// The policy for errors.
pub enum OnError<E> {
    /// The first error ends the flow.
    Fail,
    /// Errors are counted and dropped.
    Skip(Tally),
    /// Errors are sent to this channel; once its receiver is gone, they are dropped and logged.
    Send(UnboundedSender<E>),
}

impl<E> Clone for OnError<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Fail => Self::Fail,
            Self::Skip(skipped) => Self::Skip(skipped.clone()),
            Self::Send(sender) => Self::Send(sender.clone()),
        }
    }
}

impl<E> fmt::Debug for OnError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fail => "Fail",
            Self::Skip(_) => "Skip",
            Self::Send(_) => "Send",
        })
    }
}

/// Extracts the errors from a flow of results.
struct Unwrap<T, E> {
    policy: OnError<E>,
    types: PhantomData<fn(T)>,
}

impl<T, E> ProducerConsumer for Unwrap<T, E>
where
    T: Send + 'static,
    E: Into<BoxError> + Send + 'static,
{
    type In = Result<T, E>;
    type Out = T;

    async fn handle_events(
        &mut self,
        events: Events<'_, Result<T, E>>,
        out: &mut Emitter<'_, T>,
    ) -> StageResult {
        for event in events {
            match (event, &self.policy) {
                (Ok(event), _) => out.emit(event),
                (Err(error), OnError::Fail) => return Err(error.into()),
                (Err(_), OnError::Skip(skipped)) => skipped.add(1),
                (Err(error), OnError::Send(errors)) => {
                    if let Err(unread) = errors.send(error) {
                        let error: BoxError = unread.0.into();
                        tracing::warn!(%error, "error of a flow discarded: its receiver is gone");
                    }
                }
            }
        }
        Ok(())
    }
}

impl<C, T, E> Flow<C>
where
    C: Chain<Out = Result<T, E>>,
    C::Origin: Origin<Time = Untimed>,
    T: Send + 'static,
    E: Into<BoxError> + Send + 'static,
{
    /// Continues with the successful results; `policy` handles the errors. Any step may thus return a
    /// `Result`.
    ///
    /// ```
    /// use flow::stages::OnError;
    /// use flow::{Flow, Tally};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let bad = Tally::new();
    /// let numbers = Flow::from_items(["1", "two", "3"])
    ///     .map(|text| text.parse::<u64>())
    ///     .errors(OnError::Skip(bad.clone()));
    /// assert_eq!(numbers.fold(0, |sum, number| sum + number).await?, 4);
    /// assert_eq!(bad.get(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn errors(self, policy: OnError<E>) -> LayerFlow<Untimed, T> {
        let policy = std::sync::Mutex::new(policy);
        self.through(1, move |_| {
            let policy = lock(&policy).clone();
            Ok(Unwrap { policy, types: PhantomData })
        })
    }
}
