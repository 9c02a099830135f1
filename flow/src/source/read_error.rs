//! The errors of reading files, with the place in the file.

use std::io;
use std::path::PathBuf;

use stage_core::BoxError;

/// A file that could not be read to its end.
#[derive(stage_core::__private::ErrorDebug, thiserror::Error)]
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
    /// Its byte order mark says that it is in another encoding than UTF-8.
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
        /// Where the record begins; of a packed file, in what is packed in it.
        at: u64,
        /// How many bytes are allowed.
        most: usize,
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
