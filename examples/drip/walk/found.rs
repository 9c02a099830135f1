//! What a walk comes upon.

use std::path::PathBuf;

use crate::repository::NewUpload;

/// What becomes of symbolic links on the way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Links {
    /// They are uploaded as the links they are.
    #[default]
    Keep,
    /// What they lead to is uploaded, if it lies in the folder that was named. A folder is entered by one link at most; the
    /// other links are kept.
    Follow,
}

/// One thing on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A file to upload.
    File(NewUpload),
    /// Something else, worth a line.
    Problem {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        cause: String,
        /// How bad it is.
        problem: Problem,
    },
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// Something that was asked for is not uploaded.
    Failed,
    /// There is nothing to upload in it.
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
