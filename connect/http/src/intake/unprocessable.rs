//! The error by which a handler says that a request is at fault.

use std::error::Error;

use stage_core::BoxError;
use stage_core::ack::Reason;
use stage_core::policy::{EventError, Hopeless};

/// An error that says that the event of a request is at fault, and not the service: the client gets 422 with its text.
///
/// It is [`Hopeless`], so a step with `retry` does not handle the event again. An `Unprocessable` is also recognised among
/// the [sources](Error::source) of another error. A body that is not an event at all does not get as far: the extractor answers
/// it with 400 or 422.
///
/// ```
/// use stage_http::Unprocessable;
///
/// fn check(celsius: f64) -> Result<f64, Unprocessable> {
///     if celsius < -273.15 { Err(Unprocessable::new("below the absolute zero")) } else { Ok(celsius) }
/// }
/// assert_eq!(check(-300.0).unwrap_err().to_string(), "below the absolute zero");
/// ```
#[derive(stage_core::__private::ErrorDebug, thiserror::Error)]
#[error("{0}")]
pub struct Unprocessable(#[source] Hopeless);

impl Unprocessable {
    /// Returns the error of an event that is at fault; the client reads `cause`.
    pub fn new(cause: impl Into<BoxError>) -> Self {
        Self(Hopeless::new(cause))
    }

    /// Returns the error by which a handler said that the event is at fault, if it did.
    pub(super) fn of(reason: &Reason) -> Option<&Self> {
        let (Reason::Failed(error) | Reason::Hopeless(error)) = reason else { return None };
        let error: &(dyn Error + 'static) = &**error;
        // A policy passes on the error of the handler inside of its own, whose sources begin behind it.
        let error: &(dyn Error + 'static) = match error.downcast_ref() {
            Some(EventError::Failed(error)) => &**error,
            _ => error,
        };
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(unprocessable) = error.downcast_ref() {
                return Some(unprocessable);
            }
            next = error.source();
        }
        None
    }
}
