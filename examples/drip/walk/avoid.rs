//! Folders that are never taken.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use walkdir::DirEntry;

/// The folders that drip keeps for itself, beside all hidden folders and all that are called `target`.
#[derive(Debug, Clone, Default)]
pub struct Avoid {
    own: Vec<PathBuf>,
}

impl Avoid {
    /// Avoids these folders too, by whatever name they are reached. Those that do not exist cannot be reached.
    pub fn new<'a>(own: impl IntoIterator<Item = &'a Path>) -> Self {
        Self { own: own.into_iter().filter_map(|folder| folder.canonicalize().ok()).collect() }
    }

    /// Whether this path is, or lies in, a folder that drip keeps for itself.
    pub(super) fn is_own(&self, path: &Path) -> bool {
        path.canonicalize().is_ok_and(|path| self.own.iter().any(|own| path.starts_with(own)))
    }

    /// Whether a walk goes round this entry.
    pub(super) fn avoids(&self, entry: &DirEntry) -> bool {
        if entry.depth() == 0 || !entry.file_type().is_dir() {
            return false;
        }
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") || name == OsStr::new("target") {
            return true;
        }
        // A folder has its own name unless a link gave it another, so only these are worth a look at the disk.
        let may_be_own = entry.path_is_symlink() || self.own.iter().any(|own| own.file_name() == Some(name));
        may_be_own && self.is_own(entry.path())
    }
}
