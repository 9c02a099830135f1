//! What a walk leaves out, and how much that was.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use walkdir::DirEntry;

use super::Pattern;

/// What a walk leaves out: drip's own folders always, hidden folders and those called `target` unless they are asked for, and
/// whatever a pattern stands for. Clones count together.
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

/// What was left out so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Folders that are hidden or called `target`, each with all that is below it.
    pub hidden: u64,
    /// Files and folders that a pattern stands for.
    pub excluded: u64,
}

impl Avoid {
    /// Avoids these folders too, by whatever name they are reached. Those that do not exist cannot be reached.
    pub fn new<'a>(own: impl IntoIterator<Item = &'a Path>) -> Self {
        let own = own.into_iter().filter_map(|folder| folder.canonicalize().ok()).collect();
        Self { own, ..Self::default() }
    }

    /// Takes hidden folders and those called `target`.
    pub fn but_hidden(self) -> Self {
        Self { takes_hidden: true, ..self }
    }

    /// Leaves out what these patterns stand for.
    pub fn and_all(self, patterns: &[Pattern]) -> Self {
        Self { patterns: patterns.into(), ..self }
    }

    /// What was left out so far.
    pub fn left_out(&self) -> LeftOut {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        LeftOut { hidden: load(&self.counts.hidden), excluded: load(&self.counts.excluded) }
    }

    /// Whether this path is, or lies in, a folder that drip keeps for itself.
    pub(super) fn is_own(&self, path: &Path) -> bool {
        path.canonicalize().is_ok_and(|path| self.own.iter().any(|own| path.starts_with(own)))
    }

    /// Whether a walk goes round this entry.
    pub(super) fn avoids(&self, entry: &DirEntry) -> bool {
        // What was named by itself is taken.
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
        // A folder has its own name unless a link gave it another, so only these are worth a look at the disk.
        let may_be_own = entry.path_is_symlink() || self.own.iter().any(|own| own.file_name() == Some(name));
        may_be_own && self.is_own(entry.path())
    }
}

/// The path of an entry below the root of its walk.
fn below(entry: &DirEntry) -> PathBuf {
    let parts = entry.path().components();
    let above = parts.clone().count().saturating_sub(entry.depth());
    parts.skip(above).collect()
}
