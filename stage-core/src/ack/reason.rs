//! The reason a delivery was rejected.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::BoxError;
use crate::base::hopeless::{Hopeless, Prospect};

/// The reason a delivery was rejected.
///
/// ```
/// use stage_core::ack::Reason;
///
/// let again = Reason::failed("the server is away");
/// let never = Reason::hopeless("it is not JSON");
/// assert!(matches!(again, Reason::Failed(_)) && matches!(never, Reason::Hopeless(_)));
/// assert_eq!(never.to_string(), "it is not JSON");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// A handler dropped it in hand, without a verdict: the handler panicked, failed, was dropped in a
    /// restart, or forgot the delivery.
    Dropped,
    /// It was dropped while not in hand of a handler: its reader left, its stage was restarted, or the rest
    /// of its batch was not read. This does not count as an attempt.
    Untried,
    /// It was dropped because the pipeline was stopped; the event itself is not at fault.
    Stopped,
    /// Handling failed; another attempt may succeed.
    Failed(Arc<dyn Error + Send + Sync>),
    /// Handling failed, and would fail every time.
    Hopeless(Arc<dyn Error + Send + Sync>),
    /// The event is not at fault, but must not be delivered again before this time has passed.
    Postponed(Duration),
}

impl Reason {
    /// Returns the reason of an attempt that failed with `error`; another attempt may succeed.
    pub fn failed(error: impl Into<BoxError>) -> Self {
        Self::Failed(Arc::from(error.into()))
    }

    /// Returns the reason of an attempt that failed with `error`; every attempt would fail.
    pub fn hopeless(error: impl Into<BoxError>) -> Self {
        Self::Hopeless(Arc::from(error.into()))
    }

    /// Returns the reason of an attempt that failed with `error`, whose prospect is known.
    pub(crate) fn of(prospect: Prospect, error: Arc<dyn Error + Send + Sync>) -> Self {
        match prospect {
            Prospect::MaySucceed => Self::Failed(error),
            Prospect::Hopeless => Self::Hopeless(error),
        }
    }

    /// Becomes the `first` reason of several holders, unless another one is; [`Untried`](Self::Untried) gives way.
    pub(super) fn or_first(self, first: &mut Option<Self>) {
        if matches!(first, None | Some(Self::Untried)) {
            *first = Some(self);
        }
    }
}

/// A failed attempt; another one may succeed, unless the error says [`Hopeless`](crate::policy::Hopeless).
impl From<BoxError> for Reason {
    fn from(error: BoxError) -> Self {
        let (prospect, error) = Hopeless::take_apart(error);
        Self::of(prospect, Arc::from(error))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dropped => f.write_str("a stage dropped it"),
            Self::Untried => f.write_str("it was returned before a stage handled it"),
            Self::Stopped => f.write_str("the pipeline was stopped"),
            Self::Failed(error) | Self::Hopeless(error) => error.fmt(f),
            Self::Postponed(delay) => write!(f, "it was postponed by {delay:?}"),
        }
    }
}
