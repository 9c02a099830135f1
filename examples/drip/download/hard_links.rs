//! Which downloads are names of one file, as their sources were.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::beneath::Folder;
use crate::repository::{Attributes, LinkGroup};

/// The first name of every group of hard links that was downloaded; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct HardLinks(Arc<Mutex<HashMap<Key, First>>>);

/// Links of one inode whose content and attributes are the same: an inode may have been another file when another was uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    group: LinkGroup,
    checksum: [u8; 32],
    mode: Option<u32>,
    modified: Option<i64>,
}

impl Key {
    pub(super) fn new(attributes: &Attributes, checksum: [u8; 32]) -> Option<Self> {
        let Attributes { mode, modified, .. } = *attributes;
        attributes.link_group.map(|group| Self { group, checksum, mode, modified })
    }
}

/// Where the first name is, and which file it was then.
#[derive(Debug)]
pub(super) struct First {
    pub(super) root: PathBuf,
    pub(super) parent: PathBuf,
    pub(super) name: OsString,
    pub(super) file: (u64, u64),
}

impl First {
    /// The folder of the first name, if that is still the same file.
    pub(super) fn folder(&self) -> Option<Folder> {
        let folder = Folder::open(&self.root).and_then(|root| root.descend(&self.parent)).ok()?;
        let found = folder.stat(&self.name).ok()?;
        ((found.st_dev, found.st_ino) == self.file).then_some(folder)
    }
}

impl HardLinks {
    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<Key, First>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
