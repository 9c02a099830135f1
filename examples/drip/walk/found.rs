//! The results of a walk.

use std::path::PathBuf;

use crate::repository::NewUpload;

/// How a walk treats symbolic links.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Links {
    /// Links are uploaded as links.
    #[default]
    Keep,
    /// The target is uploaded if it lies in the folder named by the user. Each folder is entered through one
    /// link at most; other links are kept as links.
    Follow,
}

/// One result of a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A file to upload.
    File(NewUpload),
    /// Any other entry that is reported.
    Problem {
        /// Its path.
        path: PathBuf,
        /// The reason.
        cause: String,
        /// The severity.
        problem: Problem,
    },
}

/// The severity of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// A requested entry is not uploaded.
    Failed,
    /// The entry contains nothing to upload.
    Skipped,
}

impl Found {
    pub(super) fn failed(path: impl Into<PathBuf>, cause: impl Into<String>) -> Self {
        Self::Problem { path: path.into(), cause: cause.into(), problem: Problem::Failed }
    }

    pub(super) fn skipped(path: impl Into<PathBuf>, cause: impl Into<String>) -> Self {
        Self::Problem { path: path.into(), cause: cause.into(), problem: Problem::Skipped }
    }
}
