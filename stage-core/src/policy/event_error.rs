//! Errors in the handling of one event.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::overloaded::Overloaded;
use crate::base::error::{BoxError, ExitReason, write_error};

/// The reason why an event was not handled.
///
/// ```
/// use std::num::ParseIntError;
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use stage_core::policy::EventError;
///
/// let error = "two".parse::<u64>().unwrap_err();
/// let failed = EventError::Failed(Arc::new(error.clone()));
/// assert_eq!(failed.downcast_ref::<ParseIntError>(), Some(&error));
/// let late = EventError::Deadline(Duration::from_secs(5));
/// assert_eq!(late.to_string(), "the handler took longer than 5s");
/// ```
#[derive(Clone, stage_macros::ErrorDebug)]
#[non_exhaustive]
pub enum EventError {
    /// The handler returned this error.
    Failed(Arc<dyn Error + Send + Sync>),
    /// The handler panicked with this message.
    Panicked(String),
    /// The handler took longer than this.
    Deadline(Duration),
}

impl EventError {
    /// Returns the handler's error, if it is of type `E`.
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        match self {
            Self::Failed(error) => error.downcast_ref(),
            Self::Panicked(_) | Self::Deadline(_) => None,
        }
    }

    /// Returns whether the target is overloaded: the handler said so, or took longer than its deadline.
    #[inline]
    pub(super) fn is_overload(&self) -> bool {
        match self {
            Self::Failed(error) => Overloaded::is(&**error),
            Self::Deadline(_) => true,
            Self::Panicked(_) => false,
        }
    }

    /// Converts the error into the exit reason of a stage that fails because of it.
    #[inline]
    pub(super) fn into_exit(self) -> ExitReason {
        match self {
            Self::Failed(error) => ExitReason::Error(error),
            Self::Panicked(message) => ExitReason::Panicked(message),
            Self::Deadline(_) => ExitReason::Error(Arc::new(self)),
        }
    }
}

impl Error for EventError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => error.source(),
            Self::Panicked(_) | Self::Deadline(_) => None,
        }
    }
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Panicked(message) => write!(f, "the handler panicked: {message}"),
            Self::Deadline(deadline) => write!(f, "the handler took longer than {deadline:?}"),
        }
    }
}

/// An error that returns the event, so that it can be retried or sent elsewhere without a clone.
///
/// See [`FailurePolicy`](super::FailurePolicy) for a policy that uses it.
///
/// ```
/// use stage_core::policy::Failed;
///
/// /// A connection, which cannot be cloned.
/// struct Request(String);
///
/// fn send(request: Request) -> Result<(), Failed<Request>> {
///     Err(Failed { event: request, source: "no connection".into() })
/// }
///
/// let failed = send(Request("report".to_owned())).unwrap_err();
/// assert_eq!((failed.to_string(), failed.event.0), ("no connection".to_owned(), "report".to_owned()));
/// ```
pub struct Failed<E> {
    /// The event that was not handled.
    pub event: E,
    /// The cause.
    pub source: BoxError,
}

impl<E> Error for Failed<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

impl<E> fmt::Display for Failed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl<E> fmt::Debug for Failed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return f.debug_struct("Failed").field("source", &self.source).finish_non_exhaustive();
        }
        write_error(&*self.source, f)
    }
}
