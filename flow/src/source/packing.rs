//! How a file is packed, and how it is opened.

use std::io::{self, Read};
use std::path::Path;

use super::file_input::FileInput;

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// Not at all: it can be read from any byte.
    None,
    #[cfg(feature = "gzip")]
    Gzip,
    #[cfg(feature = "zstd")]
    Zstd,
}

impl Packing {
    /// Opens the file at byte `at` of what is in it; a packed file at its beginning. It has this size, or the one
    /// that it has now.
    pub(super) fn open(self, path: &Path, at: u64, size: Option<u64>) -> io::Result<Box<dyn Read + Send>> {
        let file = FileInput::open(path, at, size)?;
        Ok(match self {
            Self::None => Box::new(file),
            #[cfg(feature = "gzip")]
            Self::Gzip => Box::new(super::gzip::Members::new(file)),
            #[cfg(feature = "zstd")]
            Self::Zstd => Box::new(super::zstd::Frames::new(file)),
        })
    }
}
