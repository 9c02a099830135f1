//! The data folder, and the lock that excludes a second drip from it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::SessionError;
use crate::durable::sync_folder;

/// Number of attempts to read the holder's id from the lock file, and the time between them.
const ASKED: u32 = 20;
const BETWEEN: Duration = Duration::from_millis(25);

/// An exclusively locked data folder; this value holds the lock. The operating system releases the lock when
/// the process ends, however that happens.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    lock: File,
}

impl DataFolder {
    /// Enters a data folder; a missing one is created with access for its owner only.
    ///
    /// # Errors
    /// [`SessionError::InUse`] while another drip holds it; [`SessionError::Folder`] if it cannot be created
    /// or written.
    pub fn enter(path: &Path) -> Result<Self, SessionError> {
        let unusable = |source| SessionError::Folder { path: path.to_owned(), source };
        if fs::metadata(path).is_ok_and(|found| !found.is_dir()) {
            return Err(unusable(io::Error::other("it is not a folder")));
        }
        make(path).map_err(unusable)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut lock = options.open(path.join("drip.lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(path, lock)),
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        // The content of the file only serves the error message of another drip, so a full disk is no reason
        // to fail.
        let told = lock
            .set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| write!(lock, "{}", std::process::id()));
        if let Err(error) = told {
            tracing::warn!(%error, "could not write the process id into the lock file");
        }
        Ok(Self { path: path.to_owned(), lock })
    }

    /// The path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the entered folder still exists under its name.
    pub fn is_still_there(&self) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let same = |ours: &fs::Metadata, theirs: &fs::Metadata| {
                (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino())
            };
            let found = fs::metadata(self.path.join("drip.lock"));
            found.is_ok_and(|found| self.lock.metadata().is_ok_and(|ours| same(&ours, &found)))
        }
        #[cfg(not(unix))]
        self.path.join("drip.lock").exists()
    }

    /// The default path of the database.
    pub fn database(&self) -> PathBuf {
        self.path.join("drip.db")
    }

    /// The default path of the objects.
    pub fn objects(&self) -> PathBuf {
        self.path.join("objects")
    }

    /// The folder that records multipart uploads to a bucket.
    pub fn unfinished(&self) -> PathBuf {
        self.path.join("unfinished")
    }

    /// The path of the master key.
    pub fn master_key(&self) -> PathBuf {
        self.path.join("master.key")
    }
}

impl Drop for DataFolder {
    /// Erases the process id, so that a later drip does not report this one as the holder.
    fn drop(&mut self) {
        let _ = self.lock.set_len(0);
    }
}

/// Creates the folder and syncs its name, so that it survives a power cut.
fn make(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    sync_folder(path.parent().unwrap_or(Path::new("")))
}

fn in_use(path: &Path, mut lock: File) -> SessionError {
    let mut pid = String::new();
    for _ in 0..ASKED {
        // A process that has just taken the lock is about to write its id.
        if lock.rewind().and_then(|()| lock.read_to_string(&mut pid)).is_ok_and(|read| read > 0) {
            break;
        }
        std::thread::sleep(BETWEEN);
    }
    let pid = if pid.is_empty() { "unknown".to_owned() } else { pid };
    SessionError::InUse { path: path.to_owned(), pid }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_drip_is_refused_with_the_pid_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/data");
        let first = DataFolder::enter(&path).unwrap();
        let refused = DataFolder::enter(&path).unwrap_err().to_string();
        assert!(refused.contains(&std::process::id().to_string()), "{refused}");
        drop(first);
        DataFolder::enter(&path).unwrap();
    }

    #[test]
    fn a_removed_or_recreated_data_folder_is_not_the_entered_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let entered = DataFolder::enter(&path).unwrap();
        assert!(entered.is_still_there());
        fs::remove_dir_all(&path).unwrap();
        assert!(!entered.is_still_there());
        let _anew = DataFolder::enter(&path).unwrap();
        assert!(!entered.is_still_there());
    }

    #[test]
    fn a_file_instead_of_the_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        fs::write(&path, "").unwrap();
        let error = DataFolder::enter(&path).unwrap_err().to_string();
        assert!(error.contains("data cannot be used"), "{error}");
    }
}
