//! Where the master key lives: a file of 32 bytes that only its owner may read.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::{MasterKey, SealError};
use crate::regular::open_regular;

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// There is no such file.
    #[error("the master key {} is missing", .0.display())]
    Missing(PathBuf),
    /// There is one, and it cannot be read.
    #[error("the master key {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The key file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It is not a key.
    #[error("the master key {} is wrong: it has {found} bytes instead of {}", path.display(), MasterKey::LEN)]
    Length {
        /// The key file.
        path: PathBuf,
        /// Bytes it has (one more than the limit stands for "more").
        found: usize,
    },
    /// A new one cannot be written.
    #[error("a new master key cannot be written to {}: {source}", path.display())]
    Unwritable {
        /// The key file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The operating system gave no random bytes.
    #[error("a new master key cannot be made: {0}")]
    Random(#[from] SealError),
}

/// Reads the master key in `path`.
///
/// # Errors
/// [`KeyFileError::Missing`], [`KeyFileError::Unreadable`] or [`KeyFileError::Length`], each naming the path.
pub fn read_key_file(path: &Path) -> Result<MasterKey, KeyFileError> {
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => KeyFileError::Missing(path.to_owned()),
        _ => KeyFileError::Unreadable { path: path.to_owned(), source },
    };
    let mut bytes = Vec::with_capacity(MasterKey::LEN + 1);
    let limit = MasterKey::LEN as u64 + 1;
    let (file, _) = open_regular(path).map_err(unreadable)?;
    file.take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
    let found = bytes.len();
    let secret = bytes.try_into().map_err(|_| KeyFileError::Length { path: path.to_owned(), found })?;
    Ok(MasterKey::new(secret))
}

/// Makes a master key and writes it to `path` (mode 0600), where no file may be yet.
///
/// # Errors
/// [`KeyFileError::Unwritable`] naming the path, also when the file exists; nothing half-written stays behind.
pub fn create_key_file(path: &Path) -> Result<MasterKey, KeyFileError> {
    let key = MasterKey::random()?;
    let written = private_file(path).and_then(|mut file| {
        let written = file.write_all(key.secret()).and_then(|()| file.sync_all());
        written.inspect_err(|_| drop(std::fs::remove_file(path)))
    });
    match written {
        Ok(()) => Ok(key),
        Err(source) => Err(KeyFileError::Unwritable { path: path.to_owned(), source }),
    }
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
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
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
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
    fn a_key_file_that_is_a_fifo_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let error = read_key_file(&path).unwrap_err();
        assert!(matches!(&error, KeyFileError::Unreadable { .. }), "{error}");
        assert!(error.to_string().contains("not a regular file"), "{error}");
    }

    #[test]
    fn a_missing_a_short_and_a_long_key_file_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        assert!(matches!(read_key_file(&path), Err(KeyFileError::Missing(_))));
        for found in [0, 31, 33] {
            std::fs::write(&path, vec![7; found]).unwrap();
            let error = read_key_file(&path).unwrap_err();
            assert!(matches!(error, KeyFileError::Length { found: f, .. } if f == found), "{error}");
        }
    }
}
