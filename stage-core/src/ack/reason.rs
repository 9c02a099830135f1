//! Why was a delivery rejected?

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::BoxError;

/// Why a delivery was not acknowledged.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// A handler that had it in hand dropped it without a verdict: the handler panicked, failed, was restarted with
    /// another stage, or forgot it.
    Dropped,
    /// It was dropped while no handler had it in hand: its reader left, its stage was restarted, or the rest of its
    /// batch was not read. This is not an attempt.
    Untried,
    /// It was dropped because the pipeline was stopped; nothing is wrong with it.
    Stopped,
    /// Handling it failed; it may work the next time.
    Failed(Arc<dyn Error + Send + Sync>),
    /// Handling it failed, and will fail each time.
    Hopeless(Arc<dyn Error + Send + Sync>),
    /// Nothing is wrong with it, but it is not to be delivered again before this time has passed.
    Postponed(Duration),
}

impl Reason {
    /// Handling it failed for this reason; it may work the next time.
    pub fn failed(error: impl Into<BoxError>) -> Self {
        Self::Failed(Arc::from(error.into()))
    }

    /// Handling it failed for this reason, and will fail each time.
    pub fn hopeless(error: impl Into<BoxError>) -> Self {
        Self::Hopeless(Arc::from(error.into()))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dropped => f.write_str("a stage that held it let go of it"),
            Self::Untried => f.write_str("it was given back before a stage looked at it"),
            Self::Stopped => f.write_str("the pipeline was stopped"),
            Self::Failed(error) | Self::Hopeless(error) => error.fmt(f),
            Self::Postponed(delay) => write!(f, "it was postponed by {delay:?}"),
        }
    }
}
