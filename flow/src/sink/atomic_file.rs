//! A file that appears under its name when it is complete.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells the files of this process apart.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A file that appears under its name with [`commit`](Self::commit), complete and on the disk. Until then its content is in a
/// temporary file beside it, and a file that had the name before stays as it was.
///
/// Dropping it removes the temporary file. A killed process leaves it behind, under a name such as `.sales.csv.4711-0.partial`.
///
/// ```
/// use std::io::Write;
///
/// use flow::sink::AtomicFile;
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("report.txt");
/// let mut file = AtomicFile::create(&path)?;
/// writeln!(file, "complete")?;
/// assert!(!path.exists());
/// file.commit()?;
/// assert_eq!(std::fs::read_to_string(&path)?, "complete\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a file that is not committed is removed"]
pub struct AtomicFile {
    /// `None` once it is committed.
    file: Option<File>,
    partial: PathBuf,
    path: PathBuf,
}

impl AtomicFile {
    /// Creates the temporary file in the folder of `path`. Of a symbolic link, the file that it leads to is replaced. The
    /// new file has the permissions of the file that it replaces.
    ///
    /// # Errors
    ///
    /// Returns an error if `path` is a folder, a device, a pipe or a socket, which cannot be replaced, if it is a symbolic link
    /// to nothing or names no file, or if nothing can be created in its folder.
    pub fn create(path: impl Into<PathBuf>) -> io::Result<Self> {
        let invalid = |what| Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        let mut path = path.into();
        let mut found = present(fs::symlink_metadata(&path))?;
        if found.as_ref().is_some_and(Metadata::is_symlink) {
            path = match present(fs::canonicalize(&path))? {
                Some(file) => file,
                None => return invalid("it is a symbolic link to a file that does not exist"),
            };
            found = present(fs::metadata(&path))?;
        }
        let earlier = match found {
            Some(found) if found.is_dir() => {
                return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
            }
            Some(found) if !found.is_file() => {
                return invalid("it is a device, a pipe or a socket, and only files can be replaced");
            }
            found => found.map(|found| found.permissions()),
        };
        let Some(name) = path.file_name() else { return invalid("it names no file") };
        loop {
            let mut partial = OsString::from(".");
            partial.push(name);
            partial.push(format!(".{}-{}.partial", process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
            let partial = path.with_file_name(partial);
            match OpenOptions::new().write(true).create_new(true).open(&partial) {
                Ok(file) => {
                    let this = Self { file: Some(file), partial, path };
                    if let Some(permissions) = earlier {
                        fs::set_permissions(&this.partial, permissions)?;
                    }
                    return Ok(this);
                }
                // A killed process with the same id left it behind.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns the name that the file will have: behind a symbolic link, that of the file that it leads to.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the content to the disk and gives the file its name, in place of a file that has it now.
    ///
    /// # Errors
    ///
    /// Returns an error if the disk fails; the name then belongs to the earlier file, or to none, unless only the folder could
    /// not be written to the disk.
    pub fn commit(mut self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        file.sync_all()?;
        fs::rename(&self.partial, &self.path)?;
        self.file = None;
        sync_folder(&self.path)
    }

    fn open(&mut self) -> io::Result<&mut File> {
        self.file.as_mut().ok_or_else(|| io::Error::other("the file is committed"))
    }
}

/// Returns `None` if there is no such file.
fn present<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes the new name to the disk.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Elsewhere, folders cannot be opened as files.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

impl Write for AtomicFile {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.open()?.write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.open()?.flush()
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // Nothing can be done about a failure here.
            let _ = fs::remove_file(&self.partial);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn only_files_are_replaced_behind_links_too_and_permissions_stay() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("private"), "old").unwrap();
        fs::set_permissions(at("private"), fs::Permissions::from_mode(0o600)).unwrap();
        symlink("private", at("link")).unwrap();
        let mut file = AtomicFile::create(at("link")).unwrap();
        file.write_all(b"new").unwrap();
        file.commit().unwrap();
        assert!(fs::symlink_metadata(at("link")).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(at("private")).unwrap(), "new");
        assert_eq!(fs::metadata(at("private")).unwrap().permissions().mode() & 0o777, 0o600);

        let _socket = UnixListener::bind(at("socket")).unwrap();
        symlink("socket", at("to-socket")).unwrap();
        symlink("nothing", at("to-nothing")).unwrap();
        for (name, expected) in [
            ("socket", "it is a device, a pipe or a socket, and only files can be replaced"),
            ("to-socket", "it is a device, a pipe or a socket, and only files can be replaced"),
            ("to-nothing", "it is a symbolic link to a file that does not exist"),
            (".", "it is a folder"),
        ] {
            assert_eq!(AtomicFile::create(at(name)).unwrap_err().to_string(), expected, "{name}");
        }
        assert!(fs::metadata(at("socket")).unwrap().file_type().is_socket());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 5, "no temporary file is left");
    }
}
