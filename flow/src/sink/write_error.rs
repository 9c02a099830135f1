//! The errors of writing the results of a flow to a file.

use std::io;
use std::path::{Path, PathBuf};

use stage_core::BoxError;

use crate::error::FlowError;

/// The reason why there is no new file. A file that had the name before is unchanged.
///
/// ```
/// use flow::Flow;
/// use flow::sink::WriteError;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("missing").join("lines");
/// let refused = Flow::from_items(["one"]).write_lines(&path).await;
/// assert!(matches!(refused, Err(WriteError::File { path: at, .. }) if at.starts_with(folder.path())));
/// # Ok(())
/// # }
/// ```
#[derive(stage_core::__private::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The flow failed, so that its results are incomplete.
    #[error(transparent)]
    Run(#[from] FlowError),
    /// The file cannot be written.
    #[error("`{}` cannot be written: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// An event has no form in the format of the file.
    #[error("`{}` cannot be written: event {number}: {source}", path.display())]
    Event {
        /// The file.
        path: PathBuf,
        /// The number of the event in the order of arrival, from 1. A format that writes several events at once reports the last
        /// of them.
        number: u64,
        /// The cause.
        source: BoxError,
    },
}

impl WriteError {
    pub(super) fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }

    /// Returns the error of an [`EventWriter`](super::EventWriter).
    pub(super) fn of(path: &Path, number: u64, source: BoxError) -> Self {
        match source.downcast::<io::Error>() {
            Ok(source) => Self::file(path, *source),
            Err(source) => Self::Event { path: path.to_owned(), number, source },
        }
    }
}
