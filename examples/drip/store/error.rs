//! Errors of a storage, classified by how the user can respond.

use std::error::Error;
use std::io;

use object_store::client::{HttpError, HttpErrorKind};

/// Why a storage operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The address names no supported storage.
    #[error("the storage `{address}` cannot be used: {reason}")]
    Address {
        /// The address as given.
        address: String,
        /// The defect, and the allowed forms.
        reason: String,
    },
    /// The storage does not answer, or there are no credentials for it.
    #[error(
        "{storage} cannot be reached: {reason} (credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the machine's role)"
    )]
    Unreachable {
        /// The storage.
        storage: String,
        /// The observed failure.
        reason: String,
    },
    /// The storage answers but cannot be used.
    #[error("{storage} cannot be used: {reason}")]
    Unusable {
        /// The storage.
        storage: String,
        /// The defect.
        reason: String,
    },
    /// The storage does not answer at the moment, or this process has run out of file descriptors.
    #[error("{storage} does not answer: {reason}")]
    Unavailable {
        /// The storage.
        storage: String,
        /// The observed failure.
        reason: String,
    },
    /// The object does not exist.
    #[error("the stored object {key} is missing in {storage}")]
    Missing {
        /// The storage.
        storage: String,
        /// The object.
        key: String,
    },
    /// The disk or the quota is full.
    #[error("no space left in {storage}")]
    Full {
        /// The storage.
        storage: String,
    },
    /// Permission is denied.
    #[error("access to {storage} is denied: {source}")]
    Denied {
        /// The storage.
        storage: String,
        /// The underlying error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Any other error; it may be transient.
    #[error("{storage} failed to {verb} {key}: {source}")]
    Failed {
        /// The storage.
        storage: String,
        /// "read", "write", "sync", "list" or "remove".
        verb: &'static str,
        /// The object.
        key: String,
        /// The underlying error.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StoreError {
    /// Whether retrying is pointless until the user intervenes.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Address { .. }
            | Self::Unreachable { .. }
            | Self::Unusable { .. }
            | Self::Missing { .. }
            | Self::Denied { .. } => true,
            Self::Unavailable { .. } | Self::Full { .. } | Self::Failed { .. } => false,
        }
    }

    pub(super) fn of(storage: &str, verb: &'static str, key: &str, error: object_store::Error) -> Self {
        let storage = storage.to_owned();
        let key = key.to_owned();
        match error {
            object_store::Error::NotFound { .. } => Self::Missing { storage, key },
            object_store::Error::PermissionDenied { source, .. }
            | object_store::Error::Unauthenticated { source, .. } => Self::Denied { storage, source },
            other if is_outage(&other) => Self::Unavailable { storage, reason: one_line(&other) },
            other => match cause::<io::Error>(&other) {
                Some(cause) => Self::of_io(&storage, verb, &key, again(cause)),
                None => Self::Failed { storage, verb, key, source: other.into() },
            },
        }
    }

    pub(super) fn of_io(storage: &str, verb: &'static str, key: &str, error: io::Error) -> Self {
        let storage = storage.to_owned();
        let key = key.to_owned();
        match error.kind() {
            _ if is_exhausted(&error) => Self::Unavailable { storage, reason: error.to_string() },
            io::ErrorKind::NotFound => Self::Missing { storage, key },
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::NotConnected
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::TimedOut
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::StaleNetworkFileHandle => {
                Self::Unavailable { storage, reason: error.to_string() }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full { storage }
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::Denied { storage, source: error.into() }
            }
            _ => Self::Failed { storage, verb, key, source: error.into() },
        }
    }
}

/// Whether this process, or the machine, has run out of file descriptors.
pub fn is_exhausted(error: &io::Error) -> bool {
    #[cfg(unix)]
    return matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE));
    #[cfg(not(unix))]
    return false;
}

/// Formats the error on one line.
pub(super) fn one_line(error: &object_store::Error) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a service could not be reached, or reported that it is unavailable.
fn is_outage(error: &object_store::Error) -> bool {
    let unasked = cause::<HttpError>(error).is_some_and(|error| match error.kind() {
        HttpErrorKind::Connect
        | HttpErrorKind::Request
        | HttpErrorKind::Timeout
        | HttpErrorKind::Interrupted => true,
        // The enum may grow; unknown errors are retried like any other failure.
        _ => false,
    });
    // object_store has no public type for the status at which it gave up.
    unasked || error.to_string().contains("status code: 5")
}

/// Returns an operating system error equal to this one.
fn again(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

/// Finds the error of this type in the chain of sources.
fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut link = Some(error);
    while let Some(error) = link {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        link = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(source: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
        let error = object_store::Error::Generic { store: "S3", source: source.into() };
        StoreError::of("the storage", "write", "key", error)
    }

    #[test]
    fn an_outage_and_a_failure_of_one_call_are_distinguished() {
        let refused = of(io::Error::from(io::ErrorKind::ConnectionRefused));
        let timeout = of(HttpError::new(HttpErrorKind::Timeout, io::Error::other("slow")));
        let busy = of("Server returned non-2xx status code: 503 Service Unavailable: ");
        for error in [refused, timeout, busy] {
            assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        }
        for error in [of("not a known status"), of("Server returned non-2xx status code: 400 Bad Request: ")]
        {
            assert!(matches!(error, StoreError::Failed { .. }), "{error:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_process_without_free_descriptors_blames_no_object() {
        let error = of(io::Error::from_raw_os_error(libc::EMFILE));
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    }
}
