//! Why a file could not be read, and where.

use std::io;
use std::path::PathBuf;

use stage_core::BoxError;

/// A file that could not be read to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is not there, or may not be opened.
    #[error("`{}` cannot be opened: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Reading failed on the way, or what is packed in it is damaged.
    #[error("`{}` cannot be read beyond byte {at}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// How many bytes came before; of a packed file, of what is packed in it.
        at: u64,
        /// Why.
        source: io::Error,
    },
    /// A line is not text.
    #[error("`{}` is not UTF-8 at byte {at}", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The first byte that is wrong, from 0; of a packed file, of what is packed in it.
        at: u64,
    },
    /// A record is not of the type that was asked for.
    #[error("{}:{line}:{column}: {source}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column, from 1: of JSON lines the byte of the line, of comma-separated values the field; 0
        /// where it is the line as a whole.
        column: u64,
        /// What is wrong with it.
        source: BoxError,
    },
}
