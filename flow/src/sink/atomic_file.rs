//! A file that appears under its name when it is complete.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
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
    /// Creates the temporary file in the folder of `path`. A symbolic link at `path` is replaced, not followed.
    ///
    /// # Errors
    ///
    /// Returns an error if `path` is a folder or names no file, or if nothing can be created in its folder.
    pub fn create(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let Some(name) = path.file_name() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it names no file"));
        };
        if path.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
        }
        loop {
            let mut partial = OsString::from(".");
            partial.push(name);
            partial.push(format!(".{}-{}.partial", process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
            let partial = path.with_file_name(partial);
            match OpenOptions::new().write(true).create_new(true).open(&partial) {
                Ok(file) => return Ok(Self { file: Some(file), partial, path }),
                // A killed process with the same id left it behind.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns the name that the file will have.
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
