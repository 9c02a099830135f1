//! The location of a downloaded file: its name below the requested folder, and a temporary name beside it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::target::temporary_file_name;
use crate::beneath::Folder;
use crate::repository::Transfer;

/// The location of one file. Dropping it removes the temporary name.
#[derive(Debug)]
pub(super) struct Place {
    /// The requested folder.
    pub(super) root: PathBuf,
    /// The folder of the file, relative to `root`.
    pub(super) parent: PathBuf,
    /// The requested name.
    pub(super) name: OsString,
    temporary: OsString,
}

impl Place {
    pub(super) fn new(transfer: &Transfer) -> Self {
        let path = &transfer.path;
        let above = path.parent().unwrap_or(Path::new(""));
        let folder = transfer.folder.as_deref().filter(|folder| above.starts_with(folder));
        let root = folder.unwrap_or(above);
        Self {
            root: root.to_owned(),
            parent: above.strip_prefix(root).unwrap_or(Path::new("")).to_owned(),
            name: path.file_name().unwrap_or_default().to_owned(),
            temporary: temporary_file_name(transfer.id),
        }
    }

    /// Opens the folder of the file, creating missing folders with these permission bits: `modes` belong to
    /// the last folders.
    pub(super) fn make_parent(&self, modes: &[u32]) -> io::Result<Folder> {
        std::fs::create_dir_all(&self.root)?;
        let folders = self.parent.components().count();
        let known = &modes[modes.len().saturating_sub(folders)..];
        let unknown = folders - known.len();
        let modes: Vec<_> =
            std::iter::repeat_n(None, unknown).chain(known.iter().copied().map(Some)).collect();
        Folder::open(&self.root)?.descend_or_make(&self.parent, &modes)
    }

    /// Opens the folder of the file.
    pub(super) fn open_parent(&self) -> io::Result<Folder> {
        Folder::open(&self.root)?.descend(&self.parent)
    }

    /// Creates a new file under the temporary name.
    pub(super) fn create_temporary(&self, parent: &Folder) -> io::Result<File> {
        match parent.create(&self.temporary) {
            // A killed run left it, or it was planted. A link is removed; its target stays.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                parent.remove(&self.temporary)?;
                parent.create(&self.temporary)
            }
            created => created,
        }
    }

    /// The temporary name.
    pub(super) fn temporary(&self) -> &OsStr {
        &self.temporary
    }

    /// The path of the temporary file.
    pub(super) fn temporary_path(&self) -> PathBuf {
        self.path_of(&self.temporary)
    }

    /// The path of a sibling of the file with this name.
    pub(super) fn path_of(&self, name: &OsStr) -> PathBuf {
        self.root.join(&self.parent).join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Fails if the file was renamed already.
        let _ = self.open_parent().and_then(|parent| parent.remove(&self.temporary));
    }
}
