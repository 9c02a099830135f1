//! What can go wrong with a queue in a file.

use rusqlite::ErrorCode;

/// A queue that could not do what it was asked for.
#[derive(stage_macros::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The name cannot be that of a table.
    #[error("the table name `{name}` is not of the letters a to z, digits and `_`, beginning with a letter")]
    Name {
        /// The name.
        name: String,
    },
    /// Another process kept the file locked for too long; later it may work.
    #[error("the queue `{file}` is locked by another process")]
    Busy {
        /// The file.
        file: String,
    },
    /// SQLite failed.
    #[error("the queue `{file}` failed: {source}")]
    Failed {
        /// The file.
        file: String,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The work on the queue panicked, or its runtime is gone.
    #[error("the queue `{file}` was interrupted: {source}")]
    Interrupted {
        /// The file.
        file: String,
        /// What happened.
        source: tokio::task::JoinError,
    },
}

impl QueueError {
    pub(super) fn of(file: &str, source: rusqlite::Error) -> Self {
        let file = file.to_owned();
        if is_busy(&source) { Self::Busy { file } } else { Self::Failed { file, source } }
    }
}

/// Whether another connection has the file locked.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}
