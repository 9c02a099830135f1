//! Where a download goes: a name below the folder that was asked for, and a temporary name beside it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::target::temporary_file_name;
use crate::beneath::Folder;
use crate::repository::Transfer;

/// A place for one file. Dropped, it removes the temporary name.
#[derive(Debug)]
pub(super) struct Place {
    /// The folder that was asked for.
    pub(super) root: PathBuf,
    /// The folder of the file, from there.
    pub(super) parent: PathBuf,
    /// The name that was asked for.
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

    /// The folder of the file, made with these permission bits where it is missing: `modes` are those of the last folders.
    pub(super) fn make_parent(&self, modes: &[u32]) -> io::Result<Folder> {
        std::fs::create_dir_all(&self.root)?;
        let folders = self.parent.components().count();
        let known = &modes[modes.len().saturating_sub(folders)..];
        let unknown = folders - known.len();
        let modes: Vec<_> =
            std::iter::repeat_n(None, unknown).chain(known.iter().copied().map(Some)).collect();
        Folder::open(&self.root)?.descend_or_make(&self.parent, &modes)
    }

    /// The folder of the file.
    pub(super) fn open_parent(&self) -> io::Result<Folder> {
        Folder::open(&self.root)?.descend(&self.parent)
    }

    /// A new file under the temporary name.
    pub(super) fn create_temporary(&self, parent: &Folder) -> io::Result<File> {
        match parent.create(&self.temporary) {
            // Left by a run that was killed, or planted: a link is removed, and what it leads to stays.
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

    /// The path of a name beside the file.
    pub(super) fn path_of(&self, name: &OsStr) -> PathBuf {
        self.root.join(&self.parent).join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Gone already if it was renamed.
        let _ = self.open_parent().and_then(|parent| parent.remove(&self.temporary));
    }
}
