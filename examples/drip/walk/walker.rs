//! Walks a root path: its kind decides how the walk proceeds, and no problem stops the walk.

use std::fs::{self, Metadata};
use std::io;
use std::iter::once;
use std::path::{Path, PathBuf};

use super::attributes::attributes;
use super::descent::Descent;
use super::{Avoid, Found, Links};
use crate::report::shown;
use crate::repository::{Kind, NewUpload};

/// Walks all entries that uploading `root` includes, in a stable order. `root` itself may be a link, since
/// the user named it.
pub fn walk(root: &Path, avoid: Avoid, links: Links) -> Box<dyn Iterator<Item = Found> + Send> {
    let full_root = match std::path::absolute(root) {
        Ok(path) => path,
        Err(error) => return Box::new(once(Found::failed(root, error.to_string()))),
    };
    let metadata = match fs::metadata(root) {
        Ok(metadata) => metadata,
        Err(error) => return Box::new(once(unreachable(root, &error))),
    };
    if avoid.is_own(root) {
        return Box::new(once(Found::failed(root, "is drip's own folder, which is never uploaded")));
    }
    if !metadata.is_dir() {
        return Box::new(once(root_file(root, full_root, &metadata)));
    }
    Box::new(Descent::new(root, full_root, avoid, links))
}

fn root_file(root: &Path, full_path: PathBuf, metadata: &Metadata) -> Found {
    match (metadata.is_file(), full_path.file_name()) {
        (true, Some(name)) => {
            let relative_path = name.into();
            let attributes = attributes(kind_of(root), metadata, &[]);
            Found::File(NewUpload { full_path, relative_path, root: None, size: metadata.len(), attributes })
        }
        _ => Found::failed(root, "is neither a regular file nor a folder"),
    }
}

fn kind_of(path: &Path) -> Kind {
    let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    if is_link { Kind::Followed } else { Kind::File }
}

pub(super) fn obstacle(root: &Path, error: &walkdir::Error) -> Found {
    let path = error.path().unwrap_or(root);
    match (error.loop_ancestor(), error.io_error()) {
        (Some(ancestor), _) => {
            Found::skipped(path, format!("is a symlink loop: it leads back to {}", shown(ancestor)))
        }
        (None, Some(error)) => unreachable(path, error),
        (None, None) => Found::failed(path, error.to_string()),
    }
}

fn unreachable(path: &Path, error: &io::Error) -> Found {
    let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    if is_link && leads_nowhere(path) {
        return Found::skipped(path, "is a symlink loop: it leads back to itself");
    }
    match error.kind() {
        io::ErrorKind::NotFound if is_link => {
            Found::failed(path, "is a broken symlink: its target does not exist")
        }
        io::ErrorKind::NotFound => Found::failed(path, "does not exist"),
        _ => Found::failed(path, format!("cannot be read: {error}")),
    }
}

/// Whether following the links from here never ends. The standard library has no stable kind for that error.
fn leads_nowhere(path: &Path) -> bool {
    /// The largest number of links that Linux, macOS and the BSDs follow.
    const LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..=LINKS {
        match fs::read_link(&path) {
            Ok(next) => path = path.parent().unwrap_or(Path::new("")).join(next),
            Err(_) => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::super::{LeftOut, Problem};
    use super::*;

    fn tree(paths: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for path in paths {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        folder
    }

    fn taken(root: &Path, avoid: Avoid) -> BTreeSet<String> {
        let files = walk(root, avoid, Links::Keep).filter_map(|found| match found {
            Found::File(file) => Some(file.relative_path.to_string_lossy().into_owned()),
            Found::Problem { .. } => None,
        });
        files.collect()
    }

    fn problems(root: &Path) -> Vec<(String, Problem)> {
        let problems = walk(root, Avoid::default(), Links::Keep).filter_map(|found| match found {
            Found::File(_) => None,
            Found::Problem { path, cause, problem } => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                Some((format!("{name} {cause}"), problem))
            }
        });
        problems.collect()
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn hidden_folders_and_target_are_never_taken_but_hidden_files_are() {
        let tree =
            tree(&["a", "sub/b", ".git/c", "sub/target/d", "sub/.hidden/e", ".gitignore", "targets/f"]);
        let expected = set(&["a", "sub/b", ".gitignore", "targets/f"]);
        assert_eq!(taken(tree.path(), Avoid::default()), expected);
    }

    #[test]
    fn skipped_folders_are_counted_and_hidden_ones_are_taken_on_request() {
        let tree = tree(&["a", "a.o", ".git/c", "sub/target/d", "sub/b.o", "docs/a.pdf", "sub/docs/b.pdf"]);
        let patterns = ["*.o", "docs/*.pdf"].map(|pattern| pattern.parse().unwrap());
        let avoid = Avoid::default().and_all(&patterns);
        assert_eq!(taken(tree.path(), avoid.clone()), set(&["a", "sub/docs/b.pdf"]));
        assert_eq!(avoid.left_out(), LeftOut { hidden: 2, excluded: 3 });
        let all = Avoid::default().but_hidden();
        assert_eq!(taken(tree.path(), all.clone()).len(), 7);
        assert_eq!(all.left_out(), LeftOut::default());
    }

    #[test]
    fn drips_own_folder_is_never_taken_under_any_name() {
        let tree = tree(&["a", "sub/drip-data/objects/b", "other/drip-data/c"]);
        let own = tree.path().join("sub/drip-data");
        symlink(own.join("objects"), tree.path().join("link")).unwrap();
        let avoid = Avoid::new([own.as_path()]);
        let expected = set(&["a", "other/drip-data/c", "link"]);
        assert_eq!(taken(tree.path(), avoid.clone()), expected, "the link as a link");
        assert!(walk(tree.path(), avoid.clone(), Links::Follow).count() == 3, "and not followed");
        for inside in [own.clone(), own.join("objects"), own.join("objects/b")] {
            assert_eq!(taken(&inside, avoid.clone()), set(&[]), "{}", inside.display());
        }
    }

    #[test]
    fn a_single_file_keeps_its_own_name() {
        let tree = tree(&["sub/a.txt"]);
        assert_eq!(taken(&tree.path().join("sub/a.txt"), Avoid::default()), set(&["a.txt"]));
    }

    #[test]
    fn a_missing_path_is_one_failure() {
        let found = problems(Path::new("no/such/thing"));
        assert_eq!(found, [("thing does not exist".to_owned(), Problem::Failed)]);
    }

    fn links(root: &Path, links: Links) -> BTreeSet<String> {
        let links = walk(root, Avoid::default(), links).filter_map(|found| match found {
            Found::File(NewUpload { relative_path, attributes, .. }) => match attributes.kind {
                Kind::Symlink { target } => {
                    Some(format!("{} -> {}", relative_path.display(), target.display()))
                }
                Kind::Followed => Some(format!("{} followed", relative_path.display())),
                Kind::File => None,
            },
            Found::Problem { .. } => None,
        });
        links.collect()
    }

    #[test]
    fn links_are_taken_as_links_wherever_they_lead() {
        let tree = tree(&["sub/a"]);
        for (target, link) in [("..", "sub/up"), ("self", "self"), ("nowhere", "broken"), ("/etc", "out")] {
            symlink(target, tree.path().join(link)).unwrap();
        }
        let expected = set(&["sub/up -> ..", "self -> self", "broken -> nowhere", "out -> /etc"]);
        assert_eq!(links(tree.path(), Links::Keep), expected);
        assert_eq!(taken(tree.path(), Avoid::default()), set(&["sub/a", "sub/up", "self", "broken", "out"]));
        assert_eq!(problems(tree.path()), []);
    }

    #[test]
    fn followed_links_never_leave_the_folder_that_was_named_and_lead_to_a_folder_once() {
        let tree = tree(&["root/sub/a", "outside/b"]);
        let root = tree.path().join("root");
        for (target, link) in [
            ("sub/a", "file"),
            ("sub", "again"),
            ("sub", "once_more"),
            ("../outside", "out"),
            ("..", "sub/up"),
            ("self", "self"),
        ] {
            symlink(target, root.join(link)).unwrap();
        }
        let expected = [
            "file followed",
            "again/a followed",
            "again/up -> ..",
            "once_more -> sub",
            "out -> ../outside",
            "sub/up -> ..",
            "self -> self",
        ];
        assert_eq!(links(&root, Links::Follow), set(&expected));
    }

    #[test]
    fn a_farm_of_links_is_walked_in_time_linear_in_its_links() {
        let tree = tree(&["14/file"]);
        for level in 0..14 {
            fs::create_dir(tree.path().join(format!("{level:02}"))).unwrap();
            for link in ["one", "two"] {
                symlink(format!("../{:02}", level + 1), tree.path().join(format!("{level:02}/{link}")))
                    .unwrap();
            }
        }
        let found = walk(tree.path(), Avoid::default(), Links::Follow).count();
        assert!(found < 100, "{found} of 2^14 ways");
    }

    #[test]
    fn a_file_is_kept_with_its_permissions_its_time_and_the_permissions_of_the_folders_above() {
        let tree = tree(&["sub/deep/a"]);
        let path = tree.path().join("sub/deep/a");
        for (path, mode) in
            [(&path, 0o640), (&tree.path().join("sub"), 0o750), (&tree.path().join("sub/deep"), 0o700)]
        {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::hard_link(&path, tree.path().join("sub/b")).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_len(1 << 20).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_nanos(1_500_000_001)).unwrap();
        let found: Vec<_> = walk(tree.path(), Avoid::default(), Links::Keep).collect();
        let [Found::File(b), Found::File(a)] = &found[..] else { panic!("{found:?}") };
        assert_eq!((a.attributes.mode, a.attributes.modified), (Some(0o640), Some(1_500_000_001)));
        assert_eq!(a.attributes.folder_modes, [0o750, 0o700]);
        assert_eq!(b.attributes.folder_modes, [0o750]);
        assert!(a.attributes.sparse && a.attributes.link_group.is_some());
        assert_eq!(a.attributes.link_group, b.attributes.link_group);
        assert_eq!(a.root.as_deref(), Some(tree.path()));
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_in_a_folder_is_skipped() {
        let tree = tree(&["a"]);
        let _socket = std::os::unix::net::UnixListener::bind(tree.path().join("socket")).unwrap();
        assert_eq!(problems(tree.path()), [("socket is not a regular file".to_owned(), Problem::Skipped)]);
    }
}
