//! The file of the master key: 32 bytes that only its owner may read.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{MasterKey, SealError};
use crate::beneath::Folder;
use crate::durable::sync_folder;

/// Why the master key is unavailable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file does not exist.
    #[error("the master key {} is missing", .0.display())]
    Missing(PathBuf),
    /// The file cannot be read.
    #[error("the master key {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The key file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// Other users may read the file.
    #[error(
        "the master key {} is readable by others (mode {mode:04o}), so it is not used: run `chmod 600` on it, and consider who may have read it",
        path.display()
    )]
    Exposed {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The content is not a key.
    #[error("the master key {} is wrong: it has {found} bytes instead of {}", path.display(), MasterKey::LEN)]
    Length {
        /// The key file.
        path: PathBuf,
        /// Number of bytes in the file (one more than the limit stands for "more").
        found: usize,
    },
    /// A new key file cannot be written.
    #[error("a new master key cannot be written to {}: {source}", path.display())]
    Unwritable {
        /// The key file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The operating system supplied no random bytes.
    #[error("a new master key cannot be generated: {0}")]
    Random(#[from] SealError),
}

/// Reads the master key in `path`.
///
/// # Errors
/// [`KeyFileError::Missing`], [`KeyFileError::Unreadable`], [`KeyFileError::Exposed`] or
/// [`KeyFileError::Length`], each naming the path. A symbolic link counts as unreadable, because another user
/// may control its target.
pub fn read_key_file(path: &Path) -> Result<MasterKey, KeyFileError> {
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => KeyFileError::Missing(path.to_owned()),
        _ => KeyFileError::Unreadable { path: path.to_owned(), source },
    };
    // Allocated at full size, because a growing buffer leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MasterKey::LEN + 1));
    let limit = MasterKey::LEN as u64 + 1;
    let name = path.file_name().unwrap_or_default();
    let opened =
        Folder::open(path.parent().unwrap_or(Path::new(""))).and_then(|folder| folder.open_regular(name));
    let (file, metadata) = opened.map_err(unreadable)?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Exposed { path: path.to_owned(), mode });
    }
    file.take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
    let found = bytes.len();
    let mut secret = Zeroizing::new([0; MasterKey::LEN]);
    if found != secret.len() {
        return Err(KeyFileError::Length { path: path.to_owned(), found });
    }
    secret.copy_from_slice(&bytes);
    Ok(MasterKey::new(secret))
}

/// Creates a master key and writes it to `path` (mode 0600), which must not exist yet.
///
/// # Errors
/// [`KeyFileError::Unwritable`] naming the path, also if the file exists; no partial file is left behind.
pub fn create_key_file(path: &Path) -> Result<MasterKey, KeyFileError> {
    let key = MasterKey::random()?;
    let written = private_file(path).and_then(|mut file| {
        let written = file
            .write_all(key.secret())
            .and_then(|()| file.sync_all())
            // Sync the name as well: a power cut must not remove a key under which files are sealed.
            .and_then(|()| sync_folder(path.parent().unwrap_or(Path::new(""))));
        written.inspect_err(|_| drop(std::fs::remove_file(path)))
    });
    match written {
        Ok(()) => Ok(key),
        Err(source) => Err(KeyFileError::Unwritable { path: path.to_owned(), source }),
    }
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_file_is_private_and_reads_back_as_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let made = create_key_file(&path).unwrap();
        assert_eq!(read_key_file(&path).unwrap().id(), made.id());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn an_existing_key_file_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let first = create_key_file(&path).unwrap();
        assert!(matches!(create_key_file(&path), Err(KeyFileError::Unwritable { .. })));
        assert_eq!(read_key_file(&path).unwrap().id(), first.id());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_key_file_that_is_a_fifo_is_refused_and_not_awaited() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let error = read_key_file(&path).unwrap_err();
        assert!(matches!(&error, KeyFileError::Unreadable { .. }), "{error}");
        assert!(error.to_string().contains("not a regular file"), "{error}");
    }

    fn write(path: &Path, content: &[u8], mode: u32) {
        std::fs::write(path, content).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_key_that_others_can_read_and_a_link_to_a_key_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        for mode in [0o604, 0o640, 0o666] {
            write(&path, &[7; MasterKey::LEN], mode);
            let error = read_key_file(&path).unwrap_err().to_string();
            assert!(error.contains(&format!("{mode:04o}")) && error.contains("chmod 600"), "{error}");
        }
        write(&path, &[7; MasterKey::LEN], 0o400);
        read_key_file(&path).unwrap();
        let link = folder.path().join("link.key");
        std::os::unix::fs::symlink("master.key", &link).unwrap();
        let error = read_key_file(&link).unwrap_err().to_string();
        assert!(error.contains("link.key") && error.contains("symbolic link"), "{error}");
    }

    #[test]
    fn a_missing_a_short_and_a_long_key_file_have_their_own_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        assert!(matches!(read_key_file(&path), Err(KeyFileError::Missing(_))));
        for found in [0, 31, 33] {
            write(&path, &vec![7; found], 0o600);
            let error = read_key_file(&path).unwrap_err();
            assert!(matches!(error, KeyFileError::Length { found: f, .. } if f == found), "{error}");
        }
    }
}
