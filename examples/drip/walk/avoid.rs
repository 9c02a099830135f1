//! The entries that a walk skips, and their counts.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use walkdir::DirEntry;

use super::Pattern;

/// The entries that a walk skips: drip's own folders always, hidden folders and those named `target` by
/// default, and all matches of the patterns. Clones share their counts.
#[derive(Debug, Clone, Default)]
pub struct Avoid {
    own: Vec<PathBuf>,
    takes_hidden: bool,
    patterns: Arc<[Pattern]>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    hidden: AtomicU64,
    excluded: AtomicU64,
}

/// The entries skipped so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Number of skipped folders that are hidden or named `target`, each with everything below it.
    pub hidden: u64,
    /// Number of skipped files and folders that match a pattern.
    pub excluded: u64,
}

impl Avoid {
    /// Also skips these folders, by whatever name they are reached. Nonexistent ones are ignored, as they
    /// cannot be reached.
    pub fn new<'a>(own: impl IntoIterator<Item = &'a Path>) -> Self {
        let own = own.into_iter().filter_map(|folder| folder.canonicalize().ok()).collect();
        Self { own, ..Self::default() }
    }

    /// Includes hidden folders and those named `target`.
    pub fn but_hidden(self) -> Self {
        Self { takes_hidden: true, ..self }
    }

    /// Also skips matches of these patterns.
    pub fn and_all(self, patterns: &[Pattern]) -> Self {
        Self { patterns: patterns.into(), ..self }
    }

    /// Returns the counts so far.
    pub fn left_out(&self) -> LeftOut {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        LeftOut { hidden: load(&self.counts.hidden), excluded: load(&self.counts.excluded) }
    }

    /// Whether this path is, or lies in, one of drip's own folders.
    pub(super) fn is_own(&self, path: &Path) -> bool {
        path.canonicalize().is_ok_and(|path| self.own.iter().any(|own| path.starts_with(own)))
    }

    /// Whether a walk skips this entry.
    pub(super) fn avoids(&self, entry: &DirEntry) -> bool {
        // A path named by the user is always included.
        if entry.depth() == 0 {
            return false;
        }
        let is_folder = entry.file_type().is_dir();
        if self.patterns.iter().any(|pattern| pattern.is_match(&below(entry), is_folder)) {
            self.counts.excluded.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        is_folder && self.avoids_folder(entry)
    }

    fn avoids_folder(&self, entry: &DirEntry) -> bool {
        let name = entry.file_name();
        if !self.takes_hidden && (name.as_encoded_bytes().starts_with(b".") || name == OsStr::new("target")) {
            self.counts.hidden.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        // A folder appears under its own name unless a link renames it, so only these entries justify a disk
        // access.
        let may_be_own = entry.path_is_symlink() || self.own.iter().any(|own| own.file_name() == Some(name));
        may_be_own && self.is_own(entry.path())
    }
}

/// Returns the path of an entry relative to the root of its walk.
fn below(entry: &DirEntry) -> PathBuf {
    let parts = entry.path().components();
    let above = parts.clone().count().saturating_sub(entry.depth());
    parts.skip(above).collect()
}
