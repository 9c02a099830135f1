//! Why a transfer failed, and whether trying again makes sense.

use std::fmt;

/// The cause, in words for a person, and whether it may be gone the next time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Trying again is pointless as long as nobody does something about it.
    Permanent(String),
    /// It may work the next time.
    Passing(String),
    /// We stopped before it was done; nothing is wrong with it.
    Stopped,
}

impl Failure {
    /// A permanent failure because of `cause`.
    pub fn permanent(cause: impl fmt::Display) -> Self {
        Self::Permanent(cause.to_string())
    }

    /// A passing failure because of `cause`.
    pub fn passing(cause: impl fmt::Display) -> Self {
        Self::Passing(cause.to_string())
    }

    /// What happened to a transfer while a stage that held it went away.
    pub(super) fn lost() -> Self {
        Self::passing("a stage that held a piece of it was restarted")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permanent(cause) | Self::Passing(cause) => f.write_str(cause),
            Self::Stopped => f.write_str("stopped before it was done"),
        }
    }
}

impl From<crate::store::StoreError> for Failure {
    fn from(error: crate::store::StoreError) -> Self {
        if error.is_permanent() { Self::permanent(error) } else { Self::passing(error) }
    }
}

impl From<crate::seal::SealError> for Failure {
    fn from(error: crate::seal::SealError) -> Self {
        Self::permanent(error)
    }
}
