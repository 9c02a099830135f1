//! Folder handles whose descendants are opened without following symbolic links, even links planted
//! meanwhile.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, Timestamps};

/// Flags that open a folder in order to descend from it; on Linux they do not need the right to list it.
#[cfg(target_os = "linux")]
const SEARCH: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const SEARCH: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// An open folder. Names are single components of a path.
#[derive(Debug)]
pub struct Folder {
    fd: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// Opens a folder. Links in `path` are followed, because the user named that path.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn open(path: &Path) -> io::Result<Self> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let fd = rustix::fs::open(path, SEARCH, Mode::empty())?;
        Ok(Self { fd, path: path.to_owned() })
    }

    /// Returns the folder at `relative` below this one.
    ///
    /// # Errors
    /// The operating system's error, or an error if a component of the path is a symbolic link.
    pub fn descend(self, relative: &Path) -> io::Result<Self> {
        names(relative).try_fold(self, |folder, name| folder.enter(name?))
    }

    /// Returns the folder at `relative` below this one, creating missing folders with the permission bits in
    /// `modes` where these are known. The owner may always enter and write them.
    ///
    /// # Errors
    /// As [`Folder::descend`].
    pub fn descend_or_make(self, relative: &Path, modes: &[Option<u32>]) -> io::Result<Self> {
        let modes = modes.iter().copied().chain(std::iter::repeat(None));
        names(relative).zip(modes).try_fold(self, |folder, (name, mode)| folder.enter_or_make(name?, mode))
    }

    fn enter(&self, name: &OsStr) -> io::Result<Self> {
        let opened = rustix::fs::openat(&self.fd, name, SEARCH | OFlags::NOFOLLOW, Mode::empty());
        match opened {
            Ok(fd) => Ok(Self { fd, path: self.path.join(name) }),
            Err(error) => Err(self.why_not(name, error.into())),
        }
    }

    fn enter_or_make(&self, name: &OsStr, mode: Option<u32>) -> io::Result<Self> {
        match self.enter(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match rustix::fs::mkdirat(&self.fd, name, Mode::from_raw_mode(mode.map_or(0o777, |_| 0o700)))
                {
                    // Another copy of the stage created it first.
                    Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
                if let Some(mode) = mode {
                    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    let folder = rustix::fs::openat(&self.fd, name, flags, Mode::empty())?;
                    rustix::fs::fchmod(folder, Mode::from_raw_mode(mode & 0o777 | 0o700))?;
                }
                self.enter(name)
            }
            entered => entered,
        }
    }

    /// Opens a regular file for reading. Neither opening nor reading blocks.
    ///
    /// # Errors
    /// The operating system's error, or an error if it is not a regular file.
    pub fn open_regular(&self, name: &OsStr) -> io::Result<(File, Metadata)> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&self.fd, name, flags, Mode::empty());
        let file = File::from(opened.map_err(|error| self.why_not(name, error.into()))?);
        let metadata = file.metadata()?;
        if metadata.is_file() {
            Ok((file, metadata))
        } else {
            Err(io::Error::other("it is not a regular file"))
        }
    }

    /// Creates a file that only its owner may read; fails if the name is taken.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn create(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.fd, name, flags, Mode::from_raw_mode(0o600))?.into())
    }

    /// Hard-links the file `name` of this folder to `new` in `folder`; replaces nothing.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn link(&self, name: &OsStr, folder: &Self, new: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::linkat(&self.fd, name, &folder.fd, new, AtFlags::empty())?)
    }

    /// Creates a symbolic link; replaces nothing.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn symlink(&self, target: &Path, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(target, &self.fd, name)?)
    }

    /// Sets the timestamps of a link itself.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn set_times(&self, name: &OsStr, times: &Timestamps) -> io::Result<()> {
        Ok(rustix::fs::utimensat(&self.fd, name, times, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Returns the target of a symbolic link.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn read_link(&self, name: &OsStr) -> io::Result<PathBuf> {
        let target = rustix::fs::readlinkat(&self.fd, name, Vec::new())?;
        Ok(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(target.into_bytes()).into())
    }

    /// Renames a file within this folder, replacing a file that already has the new name.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn rename(&self, name: &OsStr, new: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.fd, name, &self.fd, new)?)
    }

    /// Removes a name.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.fd, name, AtFlags::empty())?)
    }

    /// Returns the metadata of `name`; for a link, of the link itself.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn stat(&self, name: &OsStr) -> io::Result<Stat> {
        Ok(rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    fn why_not(&self, name: &OsStr, error: io::Error) -> io::Error {
        match self.stat(name) {
            Ok(found) if FileType::from_raw_mode(found.st_mode) == FileType::Symlink => {
                let path = self.path.join(name);
                io::Error::other(format!("{} is a symbolic link, which is not followed", path.display()))
            }
            _ => error,
        }
    }
}

/// Iterates over the components of a path; yields an error for a component that does not lead further down.
fn names(path: &Path) -> impl Iterator<Item = io::Result<&OsStr>> {
    path.components().filter(|part| *part != Component::CurDir).map(|part| match part {
        Component::Normal(name) => Ok(name),
        _ => Err(io::Error::other("its path leads out of its folder")),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn folders_are_created_with_their_permissions_and_a_link_in_the_path_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let root = || Folder::open(folder.path()).unwrap();
        let made = root().descend_or_make(Path::new("a/b"), &[Some(0o750), Some(0o500)]).unwrap();
        made.create(OsStr::new("file")).unwrap();
        assert!(made.create(OsStr::new("file")).is_err(), "never replaced");
        let bits = |path: &str| folder.path().join(path).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!([bits("a"), bits("a/b"), bits("a/b/file")], [0o750, 0o700, 0o600]);

        symlink("a", folder.path().join("planted")).unwrap();
        for relative in ["planted", "planted/b", "planted/new"] {
            let error = root().descend_or_make(Path::new(relative), &[]).unwrap_err().to_string();
            assert!(error.contains("planted is a symbolic link"), "{relative}: {error}");
        }
        assert!(!folder.path().join("a/new").exists());
        assert!(root().descend(Path::new("../a")).is_err());
    }

    #[test]
    fn only_regular_files_are_opened_and_no_link_to_one() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "abc").unwrap();
        symlink("file", folder.path().join("link")).unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        let root = Folder::open(folder.path()).unwrap();
        assert_eq!(root.open_regular(OsStr::new("file")).unwrap().1.len(), 3);
        for name in ["link", "sub", "none"] {
            assert!(root.open_regular(OsStr::new(name)).is_err(), "{name}");
        }
        assert_eq!(root.read_link(OsStr::new("link")).unwrap(), Path::new("file"));
    }
}
