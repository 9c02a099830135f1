//! Errors that prevent a command from starting.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use stage_core::config::OverridesError;

use crate::repository::RepositoryError;
use crate::seal::{KeyFileError, KeyId};
use crate::store::StoreError;

/// Why a command cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The data folder cannot be created or entered.
    #[error("the data folder {} cannot be used: {source}", path.display())]
    Folder {
        /// The data folder.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The data folder was removed during the run.
    #[error(
        "the data folder {} was removed or replaced while drip was running; the files stored in it are lost", .0.display()
    )]
    Gone(PathBuf),
    /// The data folder does not exist, so there is nothing to work on.
    #[error("no data folder {}: nothing has been uploaded there yet", .0.display())]
    NoFolder(PathBuf),
    /// Another drip is using the data folder.
    #[error("the data folder {} is in use by another drip (process {pid})", path.display())]
    InUse {
        /// The data folder.
        path: PathBuf,
        /// The other process's id, if it has been written.
        pid: String,
    },
    /// The page of `--panel` cannot be served.
    #[error("the page cannot be served at {address}: {source}")]
    Panel {
        /// The address.
        address: SocketAddr,
        /// The operating system's error.
        source: io::Error,
    },
    /// The file of `--config` is unusable.
    #[error(transparent)]
    Config(#[from] OverridesError),
    /// A section of the file belongs to no pipeline.
    #[error("{}: {key}: unknown pipeline; the pipelines are [upload] and [download]", path.display())]
    Section {
        /// The file.
        path: PathBuf,
        /// The key of the section.
        key: String,
    },
    /// The database failed.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The master key file is unusable.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// There is no database, but there are objects that it should list.
    #[error(
        "the database {database} is missing or empty, but {storage} holds stored files: restore the database, or run `drip rebuild` to recreate it from the stored files"
    )]
    DatabaseLost {
        /// The database.
        database: String,
        /// The storage.
        storage: String,
    },
    /// The master key is missing, but there are files that need it.
    #[error("the master key {} is missing, and the files in this data folder were sealed under it; restore it", .0.display())]
    KeyLost(PathBuf),
    /// The master key is not the one that sealed the files here.
    #[error(
        "wrong key: {} is master key {found}, the files in this data folder were sealed under {expected}", path.display()
    )]
    OtherKey {
        /// The key file.
        path: PathBuf,
        /// The key in the file.
        found: KeyId,
        /// The expected key.
        expected: String,
    },
}
