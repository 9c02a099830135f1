//! The results of a walk: an entry of a directory, or an error.

use std::fs::Metadata;
use std::io;
use std::path::PathBuf;

/// An entry of a directory, or the root of the walk.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The path, beginning with the path of the root.
    pub path: PathBuf,
    /// The type, size, owner and so on; for a symbolic link, those of the link itself.
    pub metadata: Metadata,
    /// The number of directories that the walk descended to reach it.
    pub depth: usize,
}

/// An error of the walk, which continued with the rest.
#[derive(stage_core::__private::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum WalkError {
    /// A directory cannot be read, or not completely.
    #[error("the directory `{}` cannot be read: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// An entry exists, but its metadata cannot be read.
    #[error("the metadata of `{}` cannot be read: {source}", path.display())]
    Entry {
        /// The entry.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A directory contains itself; it was not walked again.
    #[error("the directory `{}` contains itself", path.display())]
    Cycle {
        /// Its inner path.
        path: PathBuf,
    },
}
