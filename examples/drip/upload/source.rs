//! Opens the file of an upload, following only links that were followed when the file was found.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::beneath::Folder;
use crate::regular::open_regular;
use crate::repository::{Kind, Transfer};

/// Opens the regular file of `transfer`.
///
/// # Errors
/// The operating system's error, or an error if the file has become a link or leads out of its folder.
pub(super) fn open(transfer: &Transfer) -> io::Result<(File, Metadata)> {
    let (root, relative) = split(transfer);
    match (&transfer.media.attributes.kind, &transfer.media.root) {
        // A path named by the user may itself be a link.
        (Kind::Followed, None) => open_regular(&transfer.path),
        (Kind::Followed, Some(_)) => {
            let (root, real) = (root.canonicalize()?, transfer.path.canonicalize()?);
            match real.strip_prefix(&root) {
                Ok(relative) => open_below(&root, relative),
                Err(_) => Err(leads_out(&root)),
            }
        }
        (Kind::File | Kind::Symlink { .. }, _) => open_below(&root, &relative),
    }
}

/// Reads the symbolic link of `transfer`: its target, and the metadata of the link itself.
///
/// # Errors
/// The operating system's error, also if the path is no longer a link.
pub(super) fn read_link(transfer: &Transfer) -> io::Result<(PathBuf, Metadata)> {
    let (root, relative) = split(transfer);
    let name = relative.file_name().unwrap_or_default();
    // Links among the parent folders may have been followed.
    let parent = transfer.path.parent().unwrap_or(Path::new(".")).canonicalize()?;
    let root = root.canonicalize()?;
    let below = parent.strip_prefix(&root).map_err(|_| leads_out(&root))?;
    let target = Folder::open(&root)?.descend(below)?.read_link(name)?;
    Ok((target, fs::symlink_metadata(&transfer.path)?))
}

fn leads_out(root: &Path) -> io::Error {
    io::Error::other(format!("its link leads out of {}", root.display()))
}

fn open_below(root: &Path, relative: &Path) -> io::Result<(File, Metadata)> {
    let parent = relative.parent().unwrap_or(Path::new(""));
    Folder::open(root)?.descend(parent)?.open_regular(relative.file_name().unwrap_or_default())
}

/// Splits the path into the folder named by the user and the rest.
fn split(transfer: &Transfer) -> (PathBuf, PathBuf) {
    let (path, relative) = (&transfer.path, &transfer.media.relative_path);
    let root = if relative.is_relative() && path.ends_with(relative) {
        path.ancestors().nth(relative.components().count())
    } else {
        None
    };
    if let Some(root) = root {
        return (root.to_owned(), relative.clone());
    }
    let parent = path.parent().unwrap_or(Path::new("")).to_owned();
    (parent, path.file_name().unwrap_or_default().into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::repository::testing::transfer;

    fn found(root: &Path, relative: &str, kind: Kind) -> Transfer {
        let mut transfer = transfer(relative);
        transfer.path = root.join(relative);
        transfer.media.root = Some(root.to_owned());
        transfer.media.attributes.kind = kind;
        transfer
    }

    #[test]
    fn a_file_or_folder_replaced_by_a_link_after_the_walk_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::create_dir(folder.path().join("secret")).unwrap();
        fs::write(folder.path().join("secret/shadow"), "secret").unwrap();
        symlink("../secret/shadow", root.join("file")).unwrap();
        symlink("../secret", root.join("folder")).unwrap();
        for relative in ["file", "folder/shadow"] {
            let error = open(&found(&root, relative, Kind::File)).unwrap_err().to_string();
            assert!(error.contains("is a symbolic link, which is not followed"), "{relative}: {error}");
            let error = open(&found(&root, relative, Kind::Followed)).unwrap_err().to_string();
            assert!(error.contains("leads out of"), "{relative}: {error}");
        }
    }

    #[test]
    fn a_link_within_its_root_is_followed_and_a_link_is_read_as_such() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "abc").unwrap();
        symlink("file", folder.path().join("link")).unwrap();
        assert_eq!(open(&found(folder.path(), "link", Kind::Followed)).unwrap().1.len(), 3);
        let (target, metadata) = read_link(&found(folder.path(), "link", Kind::Followed)).unwrap();
        assert!(target == Path::new("file") && metadata.is_symlink());
        assert!(read_link(&found(folder.path(), "file", Kind::File)).is_err());
        fs::create_dir(folder.path().join("sub")).unwrap();
        symlink("sub", folder.path().join("again")).unwrap();
        symlink("..", folder.path().join("sub/up")).unwrap();
        assert_eq!(read_link(&found(folder.path(), "again/up", Kind::File)).unwrap().0, Path::new(".."));
    }
}
