//! The error by which a handler tells that no attempt can succeed.

use std::error::Error;

use super::error::BoxError;

/// An error of an event that never succeeds, such as a row that is malformed or a request that the server answers with
/// 400: it is not retried, whatever the [`retry`] of the step. Its cause is the error of the event, from the dead letter to
/// the log. If the event is a delivery and the policy does not set it aside itself, it is rejected as
/// [`Reason::Hopeless`], also by a step whose policy is [`stop`] or [`restart`], so a source sets it aside at once instead of
/// delivering it again.
///
/// It is recognised among the [sources](Error::source) of an error, too; such an error remains as it is.
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::policy::{FailurePolicy, Hopeless, attempt};
/// use stage_core::{Backoff, BoxError, Pipeline};
///
/// fn send(row: &str) -> Result<u64, BoxError> {
///     // A row that is not a number never becomes one.
///     let number = row.parse().map_err(Hopeless::new)?;
///     if number == 404 { Err("the service is away".into()) } else { Ok(number) }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), BoxError> {
/// let (letters, mut set_aside) = tokio::sync::mpsc::unbounded_channel();
/// let twice_more = Backoff::new(Duration::from_secs(1), Duration::from_secs(9)).attempts(2);
/// let policy = FailurePolicy::dead_letter(letters).retry(twice_more);
/// let pipeline = Pipeline::builder("rows")
///     .start_fn("rows", || Ok(["1", "two", "404"]))
///     .step_each("send", policy, || Ok(attempt(send)))
///     .finish_fn("print", |number| println!("{number}"));
/// pipeline.start().await?.join().await?;
/// let malformed = set_aside.recv().await.ok_or("a letter")?;
/// assert_eq!((malformed.event, malformed.attempts), ("two", 1));
/// assert_eq!(malformed.error.to_string(), "invalid digit found in string");
/// let away = set_aside.recv().await.ok_or("a letter")?;
/// assert_eq!((away.event, away.attempts), ("404", 3));
/// # Ok(())
/// # }
/// ```
///
/// [`retry`]: crate::policy::FailurePolicy::retry
/// [`stop`]: crate::policy::FailurePolicy::stop
/// [`restart`]: crate::policy::FailurePolicy::restart
/// [`Reason::Hopeless`]: crate::ack::Reason::Hopeless
#[doc(alias = "permanent")]
#[doc(alias = "unrecoverable")]
#[derive(stage_macros::ErrorDebug, stage_macros::Error)]
#[error(transparent)]
pub struct Hopeless(BoxError);

/// Whether another attempt may succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prospect {
    MaySucceed,
    Hopeless,
}

impl Hopeless {
    /// Wraps `cause` as the error of an event that never succeeds.
    pub fn new(cause: impl Into<BoxError>) -> Self {
        Self(cause.into())
    }

    /// Returns whether the error says that no attempt succeeds, and the cause in place of the wrapper.
    pub(crate) fn take_apart(error: BoxError) -> (Prospect, BoxError) {
        match error.downcast::<Self>() {
            Ok(hopeless) => (Prospect::Hopeless, hopeless.0),
            Err(error) => (Prospect::of(&*error), error),
        }
    }
}

impl Prospect {
    fn of(error: &(dyn Error + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            if error.is::<Hopeless>() {
                return Self::Hopeless;
            }
            next = error.source();
        }
        Self::MaySucceed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(stage_macros::ErrorDebug, stage_macros::Error)]
    #[error("cannot store row 3")]
    struct Store(#[source] Hopeless);

    #[test]
    fn the_cause_takes_the_place_of_the_wrapper() {
        let (prospect, cause) = Hopeless::take_apart(Hopeless::new(std::fmt::Error).into());
        assert_eq!(prospect, Prospect::Hopeless);
        assert!(cause.is::<std::fmt::Error>());
    }

    #[test]
    fn an_error_with_a_hopeless_source_is_hopeless_and_remains_as_it_is() {
        let (prospect, error) = Hopeless::take_apart(Store(Hopeless::new("no such shop")).into());
        assert_eq!((prospect, error.to_string().as_str()), (Prospect::Hopeless, "cannot store row 3"));
        let (prospect, error) = Hopeless::take_apart("the server is away".into());
        assert_eq!((prospect, error.to_string().as_str()), (Prospect::MaySucceed, "the server is away"));
    }
}
