//! What a walk finds: an entry of a directory, or that something could not be read.

use std::fs::Metadata;
use std::io;
use std::path::PathBuf;

/// Something in a directory, or the directory that the walk began with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// Where it is, beginning with the path that the walk began with.
    pub path: PathBuf,
    /// What it is, how large, whose; of a symbolic link, the link's own.
    pub metadata: Metadata,
    /// How many directories the walk went down to it.
    pub depth: usize,
}

/// Something that the walk could not read; it went on with the rest.
#[derive(stage_core::__private::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum WalkError {
    /// What is in a directory cannot be read, or not all of it.
    #[error("the directory `{}` cannot be read: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is an entry of this name, and no more can be learnt of it.
    #[error("`{}` cannot be looked at: {source}", path.display())]
    Entry {
        /// The entry.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A directory lies within itself; it was not walked again.
    #[error("the directory `{}` lies within itself", path.display())]
    Cycle {
        /// Its inner path.
        path: PathBuf,
    },
}
