//! What a storage can refuse, sorted by what the person in front of it can do.

use std::error::Error;
use std::io;

/// Why a storage did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The address names no storage that we know.
    #[error("the storage `{address}` cannot be used: {reason}")]
    Address {
        /// As it was given.
        address: String,
        /// What is wrong with it, and what is allowed.
        reason: String,
    },
    /// It does not answer, or there are no credentials for it.
    #[error(
        "{storage} cannot be reached: {reason} (credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the machine's role)"
    )]
    Unreachable {
        /// The storage.
        storage: String,
        /// What happened instead.
        reason: String,
    },
    /// The object is not there.
    #[error("the stored object {key} is missing in {storage}")]
    Missing {
        /// The storage.
        storage: String,
        /// The object.
        key: String,
    },
    /// The disk, or the quota, is full.
    #[error("no space left in {storage}")]
    Full {
        /// The storage.
        storage: String,
    },
    /// We may not.
    #[error("access to {storage} is denied: {source}")]
    Denied {
        /// The storage.
        storage: String,
        /// What it said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Anything else; it may be gone the next time.
    #[error("{storage} failed to {verb} {key}: {source}")]
    Failed {
        /// The storage.
        storage: String,
        /// "read", "write" or "remove".
        verb: &'static str,
        /// The object.
        key: String,
        /// What it said.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StoreError {
    /// Whether trying again is pointless as long as nobody does something about it.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Address { .. }
            | Self::Unreachable { .. }
            | Self::Missing { .. }
            | Self::Full { .. }
            | Self::Denied { .. } => true,
            Self::Failed { .. } => false,
        }
    }

    pub(super) fn of(storage: &str, verb: &'static str, key: &str, error: object_store::Error) -> Self {
        let storage = storage.to_owned();
        let key = key.to_owned();
        match error {
            object_store::Error::NotFound { .. } => Self::Missing { storage, key },
            object_store::Error::PermissionDenied { source, .. }
            | object_store::Error::Unauthenticated { source, .. } => Self::Denied { storage, source },
            other => match io_cause(&other) {
                Some(cause) => {
                    Self::of_io(&storage, verb, &key, io::Error::new(cause.kind(), cause.to_string()))
                }
                None => Self::Failed { storage, verb, key, source: other.into() },
            },
        }
    }

    pub(super) fn of_io(storage: &str, verb: &'static str, key: &str, error: io::Error) -> Self {
        let storage = storage.to_owned();
        let key = key.to_owned();
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing { storage, key },
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

/// The operating system's word behind an error, if it had one.
fn io_cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    let mut link = Some(error);
    while let Some(error) = link {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io);
        }
        link = error.source();
    }
    None
}
