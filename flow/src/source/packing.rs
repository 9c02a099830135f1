//! How a file is packed, and how it is opened.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

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
    /// Opens the file at byte `at` of what is in it; a packed file at its beginning.
    pub(super) fn open(self, path: &Path, at: u64) -> io::Result<Box<dyn Read + Send>> {
        let mut file = File::open(path)?;
        if at > 0 {
            file.seek(SeekFrom::Start(at))?;
        }
        Ok(match self {
            Self::None => Box::new(file),
            #[cfg(feature = "gzip")]
            Self::Gzip => Box::new(flate2::read::MultiGzDecoder::new(file)),
            #[cfg(feature = "zstd")]
            Self::Zstd => Box::new(super::zstd::Frames::new(file)),
        })
    }
}
