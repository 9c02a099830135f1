//! The cause of a failed transfer, and whether a retry makes sense.

use std::fmt;
use std::io;

use stage_core::ack::Reason;

use crate::store::{StoreError, is_exhausted};

/// The cause, worded for the user, and whether it may be transient.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Retrying is pointless until the user intervenes.
    #[error("{0}")]
    Permanent(String),
    /// The next attempt may succeed.
    #[error("{0}")]
    Passing(String),
    /// A resource that every transfer needs is unavailable; this transfer is not at fault.
    #[error("{0}")]
    Unavailable(String),
    /// The run stopped before the transfer was done, or no stage had begun with it; it is not at fault.
    #[error("stopped before it finished")]
    Stopped,
}

impl Failure {
    /// Creates a permanent failure with this cause.
    pub fn permanent(cause: impl fmt::Display) -> Self {
        Self::Permanent(cause.to_string())
    }

    /// Creates a transient failure with this cause.
    pub fn passing(cause: impl fmt::Display) -> Self {
        Self::Passing(cause.to_string())
    }

    /// Classifies an error of the operating system; `what` describes the failed operation, as in "cannot be
    /// read".
    pub fn of_io(what: &str, error: &io::Error) -> Self {
        let cause = format!("{what}: {error}");
        match error.kind() {
            _ if is_exhausted(error) => Self::Unavailable(cause),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Passing(format!("{what}: no space left"))
            }
            io::ErrorKind::WouldBlock => {
                Self::Permanent(format!("{what} to the end: reading it would block"))
            }
            io::ErrorKind::Interrupted
            | io::ErrorKind::TimedOut
            | io::ErrorKind::OutOfMemory
            | io::ErrorKind::ResourceBusy
            | io::ErrorKind::StaleNetworkFileHandle
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable => Self::Passing(cause),
            _ => Self::Permanent(cause),
        }
    }

    /// The failure of a rejected transfer. While a run `is_stopping`, a dropped piece is no failure.
    pub(super) fn of(reason: &Reason, is_stopping: bool) -> Self {
        match reason {
            Reason::Failed(error) | Reason::Hopeless(error) => {
                error.downcast_ref().map_or_else(Self::lost, Self::clone)
            }
            Reason::Dropped if !is_stopping => Self::lost(),
            _ => Self::Stopped,
        }
    }

    /// The failure of a transfer whose stage ended while holding it.
    pub(super) fn lost() -> Self {
        Self::passing("a stage that held a piece of it was restarted")
    }
}

impl From<Failure> for Reason {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Permanent(_) => Self::hopeless(failure),
            Failure::Passing(_) | Failure::Unavailable(_) => Self::failed(failure),
            Failure::Stopped => Self::Stopped,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } => Self::Unavailable(error.to_string()),
            error if error.is_permanent() => Self::permanent(error),
            error => Self::passing(error),
        }
    }
}

impl From<crate::seal::SealError> for Failure {
    fn from(error: crate::seal::SealError) -> Self {
        Self::permanent(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_without_free_descriptors_blames_no_file() {
        #[cfg(unix)]
        for number in [libc::EMFILE, libc::ENFILE] {
            let failure = Failure::of_io("cannot be read", &io::Error::from_raw_os_error(number));
            assert!(matches!(failure, Failure::Unavailable(_)), "{failure}");
        }
    }

    #[test]
    fn a_full_disk_and_a_stale_handle_may_pass_and_a_missing_file_does_not() {
        let of = |kind: io::ErrorKind| Failure::of_io("cannot be read", &kind.into());
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::StaleNetworkFileHandle] {
            assert!(matches!(of(kind), Failure::Passing(_)), "{kind}");
        }
        for kind in [io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied, io::ErrorKind::WouldBlock] {
            assert!(matches!(of(kind), Failure::Permanent(_)), "{kind}");
        }
    }
}
