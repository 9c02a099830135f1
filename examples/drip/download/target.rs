//! The file that a download writes: under a temporary name until it is whole, and never in the place of another.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::repository::TransferId;

/// The temporary name beside `target` while `transfer` writes it.
pub fn temporary_name(target: &Path, transfer: TransferId) -> PathBuf {
    target.with_file_name(format!(".drip-{}.part", transfer.0.simple()))
}

/// A file that is being written. Dropped unfinished, it is gone.
#[derive(Debug)]
pub struct Target {
    path: PathBuf,
    temporary: PathBuf,
    file: File,
    hasher: Box<blake3::Hasher>,
    size: u64,
}

impl Target {
    /// Begins to write `path` for `transfer`; folders that are missing are made.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn create(path: &Path, transfer: TransferId) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let temporary = temporary_name(path, transfer);
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&temporary)?;
        Ok(Self { path: path.to_owned(), temporary, file, hasher: Box::default(), size: 0 })
    }

    /// The next bytes.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Bytes written so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// BLAKE3 of what was written so far.
    pub fn checksum(&self) -> [u8; 32] {
        *self.hasher.finalize().as_bytes()
    }

    /// Gives the file its name, and says which. If another file has it, this one gets a name with `mark` in it; if the other
    /// one has the same content, that is the file.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn publish(self, mark: &str) -> io::Result<PathBuf> {
        let mut name = self.path.clone();
        for round in 0.. {
            match take_name(&self.temporary, &name) {
                Ok(()) => return Ok(name),
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                Err(_) if self.is_in(&name) => return Ok(name),
                Err(_) => name = marked(&self.path, mark, round),
            }
        }
        Ok(name)
    }

    /// Whether the file at `path` has the content that was written.
    fn is_in(&self, path: &Path) -> bool {
        let same_size =
            fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() == self.size);
        same_size && checksum_of(path).is_ok_and(|checksum| checksum == self.checksum())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // Gone already if it was renamed.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Moves a file to a name that no file has. Unlike a rename, a link never replaces anything.
fn take_name(temporary: &Path, name: &Path) -> io::Result<()> {
    match fs::hard_link(temporary, name) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists && temporary.exists() => {
            // A file system without links: take the name with an empty file, and put ours in its place.
            OpenOptions::new().write(true).create_new(true).open(name)?;
            fs::rename(temporary, name).inspect_err(|_| drop(fs::remove_file(name)))
        }
        linked => linked,
    }
}

/// `name~mark.ext`, and with a number from the second round on.
fn marked(path: &Path, mark: &str, round: u32) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("~{mark}"));
    if round > 0 {
        name.push(format!("-{round}"));
    }
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// BLAKE3 of a file.
///
/// # Errors
/// What the operating system says.
pub fn checksum_of(path: &Path) -> io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut bytes = vec![0; 64 * 1024];
    loop {
        match file.read(&mut bytes)? {
            0 => return Ok(*hasher.finalize().as_bytes()),
            read => hasher.update(&bytes[..read]),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, content: &[u8]) -> Target {
        let mut target = Target::create(path, TransferId::new()).unwrap();
        target.write(content).unwrap();
        target
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_under_its_name_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub/a.txt");
        let target = write(&path, b"content");
        assert!(!path.exists());
        assert_eq!(target.publish("id").unwrap(), path);
        assert_eq!(fs::read(&path).unwrap(), b"content");
        assert_eq!(names(&folder.path().join("sub")), ["a.txt"]);
    }

    #[test]
    fn an_unfinished_file_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        drop(write(&folder.path().join("a.txt"), b"half"));
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn another_file_keeps_its_name_and_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs::write(&path, "mine").unwrap();
        let first = write(&path, b"theirs").publish("id").unwrap();
        let second = write(&path, b"others").publish("id").unwrap();
        assert_eq!(names(folder.path()), ["a.txt", "a~id-1.txt", "a~id.txt"]);
        assert_eq!(fs::read(&path).unwrap(), b"mine");
        assert_eq!(
            (fs::read(first).unwrap(), fs::read(second).unwrap()),
            (b"theirs".to_vec(), b"others".to_vec())
        );
    }

    #[test]
    fn a_file_with_the_same_content_is_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs::write(&path, "same").unwrap();
        assert_eq!(write(&path, b"same").publish("id").unwrap(), path);
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn a_folder_in_the_way_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::create_dir(&path).unwrap();
        assert_eq!(write(&path, b"x").publish("id").unwrap(), folder.path().join("a~id"));
    }
}
