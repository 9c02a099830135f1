//! The errors of reading files, with the position in the file.

use std::io;
use std::path::PathBuf;

use stage_core::BoxError;

/// A file that could not be read to its end.
#[derive(stage_core::__private::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file does not exist, or cannot be opened.
    #[error("`{}` cannot be opened: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Reading failed midway, or the packed data is damaged.
    #[error("`{}` cannot be read beyond byte {at}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The number of bytes read before; for a packed file, of its unpacked content.
        at: u64,
        /// The cause.
        source: io::Error,
    },
    /// The byte order mark declares an encoding other than UTF-8.
    #[error(
        "`{}` is in {encoding}, as its byte order mark says; convert it to UTF-8 first, for example with `iconv`",
        path.display()
    )]
    Encoding {
        /// The file.
        path: PathBuf,
        /// The name of the encoding.
        encoding: &'static str,
    },
    /// A line or a record is longer than allowed.
    #[error(
        "`{}` has a record of more than {most} bytes at byte {at}; `max_record_bytes` allows longer ones",
        path.display()
    )]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The position of the record; for a packed file, in its unpacked content.
        at: u64,
        /// The maximum number of bytes.
        most: usize,
    },
    /// A line is not UTF-8.
    #[error("`{}` is not UTF-8 at byte {at}", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The first invalid byte, from 0; for a packed file, of its unpacked content.
        at: u64,
    },
    /// A record is not of the expected type.
    #[error("{}:{line}:{column}: {source}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column, from 1: for JSON lines, the byte of the line; for CSV, the field; 0 for the line as a
        /// whole.
        column: u64,
        /// The cause.
        source: BoxError,
    },
}
