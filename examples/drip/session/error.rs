//! Why a command cannot begin.

use std::io;
use std::path::PathBuf;

use stage_core::config::OverridesError;

use crate::repository::RepositoryError;
use crate::seal::{KeyFileError, KeyId};
use crate::store::StoreError;

/// Why a command cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The data folder cannot be made or entered.
    #[error("the data folder {} cannot be used: {source}", path.display())]
    Folder {
        /// The data folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It was removed while we were at work in it.
    #[error(
        "the data folder {} was removed or replaced while drip was at work; what was stored in it is gone", .0.display()
    )]
    Gone(PathBuf),
    /// There is none, and there would be nothing in it.
    #[error("there is no data folder {}: nothing was uploaded there yet", .0.display())]
    NoFolder(PathBuf),
    /// Another drip is at work in it.
    #[error("the data folder {} is in use by another drip (process {pid})", path.display())]
    InUse {
        /// The data folder.
        path: PathBuf,
        /// Its process id, as far as it has told.
        pid: String,
    },
    /// The file of `--config`.
    #[error(transparent)]
    Config(#[from] OverridesError),
    /// A part of it is for no pipeline.
    #[error("{}: {key}: there is no such pipeline; there is [upload] and [download]", path.display())]
    Section {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// The database.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The storage.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The master key file.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// There is no database, and there are files that it should know.
    #[error(
        "the database {database} is missing or empty, but {storage} holds stored files: put the database back, or have \
         `drip rebuild` make it anew from the stored files"
    )]
    DatabaseLost {
        /// The database.
        database: String,
        /// The storage.
        storage: String,
    },
    /// There is no master key, and there are files that need it.
    #[error("the master key {} is missing, and the files in this data folder were sealed under it; put it back", .0.display())]
    KeyLost(PathBuf),
    /// There is one, but another sealed what is here.
    #[error(
        "wrong key: {} is master key {found}, the files in this data folder were sealed under {expected}", path.display()
    )]
    OtherKey {
        /// The key file.
        path: PathBuf,
        /// What is in it.
        found: KeyId,
        /// What it should be.
        expected: String,
    },
}
