//! Tracks which downloads are hard links of one file, as their sources were.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::beneath::Folder;
use crate::repository::{Attributes, LinkGroup};

/// The first downloaded name of every group of hard links; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct HardLinks(Arc<Mutex<HashMap<Key, First>>>);

/// Identifies links of one inode with equal content and attributes: the inode may have held another file at
/// the time of another upload.
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

/// The location of the first name, and the identity of its file.
#[derive(Debug)]
pub(super) struct First {
    pub(super) root: PathBuf,
    pub(super) parent: PathBuf,
    pub(super) name: OsString,
    pub(super) file: (u64, u64),
}

impl First {
    /// Opens the folder of the first name, if that still refers to the same file.
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
