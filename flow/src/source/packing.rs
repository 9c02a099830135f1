//! The compression formats of files, and how to open them.

use std::io::{self, Read};
use std::path::Path;

use super::file_input::FileInput;

/// The compression of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// Not compressed: the file can be read from any byte.
    None,
    #[cfg(feature = "gzip")]
    Gzip,
    #[cfg(feature = "zstd")]
    Zstd,
}

impl Packing {
    /// Opens the file at byte `at` of its unpacked content; a packed file always at its beginning. The file
    /// has this size, or its current size if `None`.
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
