//! Descends into a folder. The descent ends: links enter no folder twice, and none leads out of the folder
//! named by the user.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::{DirEntry, WalkDir};

use super::attributes::{attributes, mode};
use super::walker::obstacle;
use super::{Avoid, Found, Links};
use crate::repository::{Kind, NewUpload, to_bytes};

type Entries = Box<dyn Iterator<Item = walkdir::Result<DirEntry>> + Send>;

/// Finds everything below a folder, in a stable order.
pub(super) struct Descent {
    root: PathBuf,
    full_root: PathBuf,
    /// The folder that links must not lead out of, if links are followed.
    within: Option<PathBuf>,
    avoid: Arc<Avoid>,
    /// The root, and the folders entered through links on the way to the current position.
    levels: Vec<Level>,
    /// Device and inode of every entered folder.
    entered: HashSet<(u64, u64)>,
}

struct Level {
    entries: Entries,
    /// Number of entries of `modes` that belong to folders above or at the start of this level.
    base: usize,
    /// Permission bits of the folders from below the root to the current position.
    modes: Vec<u32>,
    kind: Kind,
}

impl Descent {
    pub(super) fn new(root: &Path, full_root: PathBuf, avoid: Avoid, links: Links) -> Self {
        let within = match links {
            Links::Keep => None,
            Links::Follow => root.canonicalize().ok(),
        };
        let mut descent = Self {
            root: root.to_owned(),
            full_root,
            within,
            avoid: Arc::new(avoid),
            levels: Vec::new(),
            entered: HashSet::new(),
        };
        descent.enter(root, Vec::new(), Kind::File);
        descent
    }

    fn enter(&mut self, folder: &Path, modes: Vec<u32>, kind: Kind) {
        let avoid = Arc::clone(&self.avoid);
        let entries = WalkDir::new(folder).sort_by_file_name().into_iter();
        let entries = Box::new(entries.filter_entry(move |entry| !avoid.avoids(entry)));
        self.levels.push(Level { entries, base: modes.len(), modes, kind });
    }

    fn visit(&mut self, entry: &DirEntry) -> Option<Found> {
        let kind = entry.file_type();
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(error) => return Some(obstacle(&self.root, &error)),
        };
        if entry.depth() == 0 {
            // The folder itself, or the link that leads to it.
            self.entered.extend(fs::metadata(entry.path()).map(|folder| (folder.dev(), folder.ino())));
            return None;
        }
        if let Some(level) = self.levels.last_mut() {
            level.modes.truncate(level.base + entry.depth() - 1);
        }
        if kind.is_dir() {
            self.entered.insert((metadata.dev(), metadata.ino()));
            if let Some(level) = self.levels.last_mut() {
                level.modes.push(mode(&metadata));
            }
            return None;
        }
        if kind.is_symlink() {
            return self.visit_link(entry.path(), &metadata);
        }
        if !kind.is_file() {
            return Some(Found::skipped(entry.path(), "is not a regular file"));
        }
        let kind = self.levels.last().map_or(Kind::File, |level| level.kind.clone());
        Some(self.found(entry.path(), kind, &metadata, metadata.len()))
    }

    /// Follows a link if requested and possible without a cycle; otherwise includes the link itself.
    fn visit_link(&mut self, path: &Path, link: &Metadata) -> Option<Found> {
        let leads_within = self
            .within
            .as_ref()
            .is_some_and(|within| path.canonicalize().is_ok_and(|real| real.starts_with(within)));
        if leads_within
            && !self.avoid.is_own(path)
            && let Ok(metadata) = fs::metadata(path)
        {
            if metadata.is_file() {
                return Some(self.found(path, Kind::Followed, &metadata, metadata.len()));
            }
            if metadata.is_dir() && self.entered.insert((metadata.dev(), metadata.ino())) {
                let mut modes = self.modes();
                modes.push(mode(&metadata));
                self.enter(path, modes, Kind::Followed);
                return None;
            }
        }
        Some(match fs::read_link(path) {
            Ok(target) => {
                let size = to_bytes(&target).len() as u64;
                self.found(path, Kind::Symlink { target }, link, size)
            }
            Err(error) => Found::failed(path, format!("cannot be read: {error}")),
        })
    }

    fn found(&self, path: &Path, kind: Kind, metadata: &Metadata, size: u64) -> Found {
        let relative_path = path.strip_prefix(&self.root).unwrap_or(path).to_owned();
        Found::File(NewUpload {
            full_path: self.full_root.join(&relative_path),
            relative_path,
            root: Some(self.full_root.clone()),
            size,
            attributes: attributes(kind, metadata, &self.modes()),
        })
    }

    fn modes(&self) -> Vec<u32> {
        self.levels.last().map(|level| level.modes.clone()).unwrap_or_default()
    }
}

impl Iterator for Descent {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            match self.levels.last_mut()?.entries.next() {
                None => drop(self.levels.pop()),
                Some(Err(error)) => return Some(obstacle(&self.root, &error)),
                Some(Ok(entry)) => {
                    if let Some(found) = self.visit(&entry) {
                        return Some(found);
                    }
                }
            }
        }
    }
}
