//! Changes of a followed file other than growth.

use std::fmt;
use std::path::PathBuf;

/// A change of the followed file other than growth.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// The file was renamed or removed, it was read to its end, and another one is read now. No line is lost.
    Rotated {
        /// The name of the followed file.
        path: PathBuf,
        /// The number of bytes that the old file had.
        read: u64,
    },
    /// The file is shorter than what was read of it, or its first bytes are others. It is read from its beginning; lines that
    /// were appended after the last look and removed with the others are lost.
    Truncated {
        /// The name of the followed file.
        path: PathBuf,
        /// The number of bytes that were read.
        read: u64,
        /// The size of the file in bytes now.
        size: u64,
    },
    /// A file that had the name in between is packed, and is not read.
    Skipped {
        /// The name of the packed file.
        path: PathBuf,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rotated { path, read } => {
                write!(f, "`{}` was rotated; its {read} bytes were read", path.display())
            }
            Self::Truncated { path, read, size } => write!(
                f,
                "`{}` was truncated: {read} bytes were read, and it has {size}; it is read from its beginning",
                path.display()
            ),
            Self::Skipped { path } => write!(f, "`{}` is packed and not read", path.display()),
        }
    }
}
