//! The walk itself: links are followed, each file is found once per way to it, and nothing stops the rest.

use std::fs::{self, Metadata};
use std::io;
use std::iter::once;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::attributes::attributes;
use super::{Avoid, Found};
use crate::report::shown;
use crate::repository::{Kind, NewUpload};

/// Everything that uploading `root` means, in a stable order.
pub fn walk(root: &Path, avoid: Avoid) -> Box<dyn Iterator<Item = Found> + Send> {
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
    let root = root.to_owned();
    let entries = WalkDir::new(&root).follow_links(true).sort_by_file_name().into_iter();
    let entries = entries.filter_entry(move |entry| !avoid.avoids(entry));
    Box::new(entries.filter_map(move |entry| match entry {
        Ok(entry) => below(&root, &full_root, &entry),
        Err(error) => Some(obstacle(&root, &error)),
    }))
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

fn below(root: &Path, full_root: &Path, entry: &DirEntry) -> Option<Found> {
    if entry.file_type().is_dir() {
        return None;
    }
    if !entry.file_type().is_file() {
        return Some(Found::skipped(entry.path(), "is not a regular file"));
    }
    let relative_path = entry.path().strip_prefix(root).unwrap_or(entry.path()).to_owned();
    Some(match entry.metadata() {
        Ok(metadata) => {
            let full_path = full_root.join(&relative_path);
            let attributes = attributes(kind_of(entry.path()), &metadata, &[]);
            let root = Some(full_root.to_owned());
            Found::File(NewUpload { full_path, relative_path, root, size: metadata.len(), attributes })
        }
        Err(error) => obstacle(root, &error),
    })
}

fn kind_of(path: &Path) -> Kind {
    let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    if is_link { Kind::Followed } else { Kind::File }
}

fn obstacle(root: &Path, error: &walkdir::Error) -> Found {
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
            Found::failed(path, "is a broken symlink: what it points to does not exist")
        }
        io::ErrorKind::NotFound => Found::failed(path, "does not exist"),
        _ => Found::failed(path, format!("cannot be read: {error}")),
    }
}

/// Whether following the links from here never ends. The standard library has no stable name for that error.
fn leads_nowhere(path: &Path) -> bool {
    /// What Linux, macOS and the BSDs give up after, at most.
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
        let files = walk(root, avoid).filter_map(|found| match found {
            Found::File(file) => Some(file.relative_path.to_string_lossy().into_owned()),
            Found::Problem { .. } => None,
        });
        files.collect()
    }

    fn problems(root: &Path) -> Vec<(String, Problem)> {
        let problems = walk(root, Avoid::default()).filter_map(|found| match found {
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
    fn what_is_left_out_is_counted_and_hidden_folders_are_taken_where_they_are_asked_for() {
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
    fn drips_own_folder_is_never_taken_by_whatever_name() {
        let tree = tree(&["a", "sub/drip-data/objects/b", "other/drip-data/c"]);
        let own = tree.path().join("sub/drip-data");
        #[cfg(unix)]
        std::os::unix::fs::symlink(own.join("objects"), tree.path().join("link")).unwrap();
        let avoid = Avoid::new([own.as_path()]);
        assert_eq!(taken(tree.path(), avoid.clone()), set(&["a", "other/drip-data/c"]));
        for inside in [own.clone(), own.join("objects"), own.join("objects/b")] {
            assert_eq!(taken(&inside, avoid.clone()), set(&[]), "{}", inside.display());
        }
    }

    #[test]
    fn a_file_given_by_itself_is_taken_under_its_own_name() {
        let tree = tree(&["sub/a.txt"]);
        assert_eq!(taken(&tree.path().join("sub/a.txt"), Avoid::default()), set(&["a.txt"]));
    }

    #[test]
    fn a_missing_path_is_one_failure() {
        let found = problems(Path::new("no/such/thing"));
        assert_eq!(found, [("thing does not exist".to_owned(), Problem::Failed)]);
    }

    #[cfg(unix)]
    #[test]
    fn a_loop_of_links_is_told_and_every_file_is_taken_once() {
        use std::os::unix::fs::symlink;
        let tree = tree(&["sub/a"]);
        symlink("..", tree.path().join("sub/up")).unwrap();
        symlink("self", tree.path().join("self")).unwrap();
        assert_eq!(taken(tree.path(), Avoid::default()), set(&["sub/a"]));
        let found = problems(tree.path());
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found.iter().all(|(line, problem)| line.contains("symlink loop") && *problem == Problem::Skipped)
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_broken_link_is_a_failure_and_a_working_one_a_file() {
        use std::os::unix::fs::symlink;
        let tree = tree(&["a"]);
        symlink("nowhere", tree.path().join("broken")).unwrap();
        symlink("a", tree.path().join("link")).unwrap();
        assert_eq!(taken(tree.path(), Avoid::default()), set(&["a", "link"]));
        let found = problems(tree.path());
        assert_eq!(found.len(), 1);
        assert!(found[0].0.contains("broken symlink") && found[0].1 == Problem::Failed, "{found:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_in_a_folder_is_skipped() {
        let tree = tree(&["a"]);
        let _socket = std::os::unix::net::UnixListener::bind(tree.path().join("socket")).unwrap();
        assert_eq!(problems(tree.path()), [("socket is not a regular file".to_owned(), Problem::Skipped)]);
    }
}
