//! A completely written download, and how it gets its final name without replacing another file.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::Timestamps;

use super::hard_links::{First, HardLinks, Key};
use super::marked;
use super::place::Place;
use super::target::checksum_of_file;
use crate::beneath::Folder;
use crate::repository::{Attributes, from_bytes};

/// A completely written file; removed if dropped.
#[derive(Debug)]
pub struct Complete {
    pub(super) place: Place,
    pub(super) attributes: Attributes,
    pub(super) content: Content,
    pub(super) size: u64,
    pub(super) checksum: [u8; 32],
}

#[derive(Debug)]
pub(super) enum Content {
    /// Stored under the temporary name.
    File,
    /// Created directly under its final name.
    Link { target: Vec<u8>, times: Option<Timestamps> },
}

impl Complete {
    /// Size of the content in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Path of the file to sync before it gets its name; `None` for a link.
    pub fn unnamed(&self) -> Option<PathBuf> {
        matches!(self.content, Content::File).then(|| self.place.temporary_path())
    }

    /// The requested folder.
    pub fn root(&self) -> &Path {
        &self.place.root
    }

    /// Gives the file its final name and returns its path. If another file has the name, `mark` is inserted
    /// into it; if that file has the same content, it is used instead. Hard links are linked to the first
    /// file of their group.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn publish(self, mark: &str, links: &HardLinks) -> io::Result<PathBuf> {
        let parent = self.place.open_parent()?;
        let name = match Key::new(&self.attributes, self.checksum) {
            Some(key) => self.publish_linked(&parent, mark, key, links)?,
            None => {
                self.take_a_name(&parent, mark, |name| take_name(&parent, self.place.temporary(), name))?
            }
        };
        Ok(self.place.path_of(&name))
    }

    fn publish_linked(
        &self,
        parent: &Folder,
        mark: &str,
        key: Key,
        links: &HardLinks,
    ) -> io::Result<OsString> {
        let mut known = links.lock();
        if let Some(first) = known.get(&key)
            && let Some(folder) = first.folder()
        {
            let linked = self.take_a_name(parent, mark, |name| folder.link(&first.name, parent, name));
            match linked {
                // The first name is on another file system or has too many links: make a separate file.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::CrossesDevices | io::ErrorKind::TooManyLinks
                    ) => {}
                linked => return linked,
            }
        }
        let name = self.take_a_name(parent, mark, |name| take_name(parent, self.place.temporary(), name))?;
        let found = parent.stat(&name)?;
        let (root, parent) = (self.place.root.clone(), self.place.parent.clone());
        known.insert(key, First { root, parent, name: name.clone(), file: (found.st_dev, found.st_ino) });
        Ok(name)
    }

    /// Tries names until one is free or its file has the same content.
    fn take_a_name(
        &self,
        parent: &Folder,
        mark: &str,
        take: impl Fn(&OsStr) -> io::Result<()>,
    ) -> io::Result<OsString> {
        let mut name = self.place.name.clone();
        for round in 0_u32.. {
            let taken = match &self.content {
                Content::File => take(&name),
                Content::Link { target, times } => make_link(parent, target, times.as_ref(), &name),
            };
            match taken {
                Ok(()) => break,
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                Err(_) if self.is_in(parent, &name) => break,
                Err(_) => {
                    let mark = if round == 0 { mark.to_owned() } else { format!("{mark}-{round}") };
                    name = marked(Path::new(&self.place.name), &mark).into_os_string();
                }
            }
        }
        Ok(name)
    }

    /// Whether the file with this name has the content that was written.
    fn is_in(&self, parent: &Folder, name: &OsStr) -> bool {
        match &self.content {
            Content::Link { target, .. } => {
                parent.read_link(name).is_ok_and(|found| found == from_bytes(target.clone()))
            }
            Content::File => parent.open_regular(name).is_ok_and(|(file, metadata)| {
                metadata.size() == self.size
                    && checksum_of_file(file).is_ok_and(|found| found == self.checksum)
            }),
        }
    }
}

fn make_link(parent: &Folder, target: &[u8], times: Option<&Timestamps>, name: &OsStr) -> io::Result<()> {
    parent.symlink(&from_bytes(target.to_vec()), name)?;
    match times.map(|times| parent.set_times(name, times)) {
        // Not every file system stores times of links; the link itself was requested.
        Some(Err(error)) => {
            tracing::debug!(%error, "cannot set the time of a symbolic link");
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Moves a file to an unused name. Unlike a rename, a hard link never replaces a file. Dropping the place
/// removes the temporary name.
fn take_name(parent: &Folder, temporary: &OsStr, name: &OsStr) -> io::Result<()> {
    match parent.link(temporary, parent, name) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists && parent.stat(temporary).is_ok() => {
            // The file system has no hard links: reserve the name with an empty file and rename ours over it.
            drop(parent.create(name)?);
            parent.rename(temporary, name).inspect_err(|_| drop(parent.remove(name)))
        }
        linked => linked,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::super::Target;
    use super::*;
    use crate::repository::testing::transfer;
    use crate::repository::{Kind, LinkGroup, Transfer};

    fn download(folder: &Path, relative: &str) -> Transfer {
        let mut transfer = transfer(relative);
        transfer.path = folder.join(relative);
        transfer.folder = Some(folder.to_owned());
        transfer
    }

    fn write(transfer: &Transfer, content: &[u8]) -> Complete {
        let mut target = Target::create(transfer).unwrap();
        target.write(content).unwrap();
        target.complete().unwrap()
    }

    fn publish(transfer: &Transfer, content: &[u8]) -> PathBuf {
        write(transfer, content).publish("id", &HardLinks::default()).unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_under_its_name_only_when_complete() {
        let folder = tempfile::tempdir().unwrap();
        let download = download(folder.path(), "sub/a.txt");
        let complete = write(&download, b"content");
        assert!(!download.path.exists());
        assert_eq!(complete.publish("id", &HardLinks::default()).unwrap(), download.path);
        assert_eq!(fs::read(&download.path).unwrap(), b"content");
        assert_eq!(names(&folder.path().join("sub")), ["a.txt"]);
    }

    #[test]
    fn an_unfinished_file_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::create(&download(folder.path(), "a.txt")).unwrap();
        assert_eq!(names(folder.path()).len(), 1);
        drop(target);
        drop(write(&download(folder.path(), "b.txt"), b"whole, without a name"));
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn another_file_keeps_its_name_and_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs::write(&path, "mine").unwrap();
        let first = publish(&download(folder.path(), "a.txt"), b"theirs");
        let second = publish(&download(folder.path(), "a.txt"), b"others");
        assert_eq!(names(folder.path()), ["a.txt", "a~id-1.txt", "a~id.txt"]);
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        assert_eq!([read(&path), read(&first), read(&second)], ["mine", "theirs", "others"]);
    }

    #[test]
    fn a_name_of_255_bytes_that_is_taken_is_cut_to_make_room_for_the_mark() {
        let folder = tempfile::tempdir().unwrap();
        let name = "x".repeat(255);
        publish(&download(folder.path(), &name), b"first");
        let second = publish(&download(folder.path(), &name), b"second");
        assert_eq!(fs::read(second).unwrap(), b"second");
        assert_eq!(names(folder.path()).len(), 2);
    }

    #[test]
    fn a_file_with_the_same_content_is_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs::write(&path, "same").unwrap();
        assert_eq!(publish(&download(folder.path(), "a.txt"), b"same"), path);
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn an_existing_folder_is_left_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        assert_eq!(publish(&download(folder.path(), "a"), b"x"), folder.path().join("a~id"));
    }

    #[test]
    fn permissions_and_time_are_restored_and_unknown_permissions_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let mut known = download(folder.path(), "sub/deep/known");
        known.media.attributes.mode = Some(0o4751);
        known.media.attributes.modified = Some(-1_500_000_000);
        known.media.attributes.folder_modes = vec![0o711];
        let target = Target::create(&known).unwrap();
        let part = folder.path().join("sub/deep").join(&names(&folder.path().join("sub/deep"))[0]);
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(&part), 0o600, "while it is written");
        let path = target.complete().unwrap().publish("id", &HardLinks::default()).unwrap();
        assert_eq!(mode(&path), 0o751);
        let metadata = path.metadata().unwrap();
        assert_eq!((metadata.mtime(), metadata.mtime_nsec()), (-2, 500_000_000));
        assert_eq!(mode(&folder.path().join("sub/deep")), 0o711);
        assert_eq!(mode(&publish(&download(folder.path(), "unknown"), b"x")), 0o600);
    }

    #[test]
    fn holes_come_back_as_holes() {
        let folder = tempfile::tempdir().unwrap();
        let mut sparse = download(folder.path(), "sparse");
        sparse.media.attributes.sparse = true;
        let mut content = vec![0; 3 << 20];
        content[(1 << 20) + 5] = 7;
        let path = publish(&sparse, &content);
        assert!(fs::read(&path).unwrap() == content);
        assert!(path.metadata().unwrap().blocks() * 512 < 1 << 20);
    }

    #[test]
    fn a_link_comes_back_as_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let mut link = download(folder.path(), "link");
        link.media.attributes.kind = Kind::Symlink { target: "no/where".into() };
        link.media.attributes.modified = Some(5_000_000_000);
        let path = publish(&link, b"no/where");
        assert_eq!(fs::read_link(&path).unwrap(), Path::new("no/where"));
        assert_eq!(path.symlink_metadata().unwrap().mtime(), 5);
        assert_eq!(publish(&link, b"no/where"), path, "it is there already");
        assert_ne!(publish(&link, b"else/where"), path);
    }

    #[test]
    fn hard_links_of_one_file_come_back_as_such_and_another_file_of_the_inode_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let links = HardLinks::default();
        let publish = |name: &str, content: &[u8]| {
            let mut download = download(folder.path(), name);
            download.media.attributes.link_group = Some(LinkGroup { device: 1, inode: 2 });
            write(&download, content).publish("id", &links).unwrap().metadata().unwrap().ino()
        };
        let first = publish("a", b"content");
        assert_eq!(publish("sub/b", b"content"), first);
        assert_ne!(publish("c", b"other content"), first);
        fs::remove_file(folder.path().join("a")).unwrap();
        assert_ne!(publish("d", b"content"), first, "the first name is gone");
        assert_eq!(names(folder.path()), ["c", "d", "sub"]);
    }

    #[test]
    fn a_planted_link_is_followed_neither_as_folder_nor_as_file() {
        let folder = tempfile::tempdir().unwrap();
        let (out, evil) = (folder.path().join("out"), folder.path().join("evil"));
        fs::create_dir_all(&out).unwrap();
        fs::create_dir(&evil).unwrap();
        symlink("../evil", out.join("sub")).unwrap();
        let error = Target::create(&download(&out, "sub/a")).unwrap_err().to_string();
        assert!(error.contains("sub is a symbolic link"), "{error}");

        fs::write(evil.join("victim"), "victim").unwrap();
        symlink("../evil/victim", out.join("b")).unwrap();
        let planted = download(&out, "b");
        let part = super::super::temporary_name(&planted.path, planted.id);
        symlink("../evil/victim", part).unwrap();
        assert_eq!(publish(&planted, b"content"), out.join("b~id"));
        assert_eq!(fs::read(evil.join("victim")).unwrap(), b"victim");
        assert_eq!(names(&evil), ["victim"]);
    }
}
