//! Errors of a queue in a file.

use std::path::Path;

use rusqlite::ErrorCode;

/// Error of an operation on a queue.
///
/// ```
/// use stage_sqlite::{Queue, QueueError, QueueOptions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let opened = Queue::open(".", QueueOptions::new()).await;
/// assert!(matches!(opened, Err(QueueError::Directory { .. })));
/// # }
/// ```
#[derive(stage_macros::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The table name is invalid.
    #[error(
        "invalid table name `{name}`: expected the letters a to z, digits and `_`, starting with a letter"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// Another process kept the file locked for too long; a later retry may succeed.
    #[error("the queue `{file}` is locked by another process")]
    Busy {
        /// The file.
        file: String,
    },
    /// The path is that of a directory.
    #[error("the queue `{file}` is a directory; name a file in it, which is created if it does not exist")]
    Directory {
        /// The path.
        file: String,
    },
    /// The path is in a folder that does not exist.
    #[error("the queue `{file}` is in a folder that does not exist; create the folder, or name another file")]
    NoFolder {
        /// The path.
        file: String,
    },
    /// The file is not that of a database.
    #[error("`{file}` is not a file of SQLite; name another file, which is created if it does not exist")]
    NoDatabase {
        /// The path.
        file: String,
    },
    /// SQLite failed.
    #[error("the queue `{file}` failed: {source}")]
    Failed {
        /// The file.
        file: String,
        /// The error of SQLite.
        source: rusqlite::Error,
    },
    /// The operation panicked, or its runtime shut down.
    #[error("the queue `{file}` was interrupted: {source}")]
    Interrupted {
        /// The file.
        file: String,
        /// The failure of its task.
        source: tokio::task::JoinError,
    },
}

impl QueueError {
    pub(crate) fn of(file: &str, source: rusqlite::Error) -> Self {
        let file = file.to_owned();
        if is_busy(&source) {
            Self::Busy { file }
        } else if Path::new(&file).is_dir() {
            // SQLite says that the file cannot be opened.
            Self::Directory { file }
        } else if source.sqlite_error_code() == Some(ErrorCode::NotADatabase) {
            Self::NoDatabase { file }
        } else if Path::new(&file).parent().is_some_and(is_missing) {
            Self::NoFolder { file }
        } else {
            Self::Failed { file, source }
        }
    }
}

/// Returns whether a folder is known not to exist; one in a folder that may not be read is not known.
fn is_missing(folder: &Path) -> bool {
    folder != "" && folder.try_exists().is_ok_and(|exists| !exists)
}

/// Returns whether another connection holds a lock on the file.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}
