//! Tests of directories as sources: every entry is found exactly once, whichever stage walks, and no error
//! ends the walk.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use flow::source::{Tree, WalkError};
use flow::{Flow, FlowError};

/// Returns the paths below the root that a walk with `stages` stages finds.
async fn found(root: &Path, stages: usize) -> Vec<PathBuf> {
    let below = root.to_owned();
    let walk = Flow::from_directory(Tree::new(root).one_file_system())
        .stages(stages)
        .map(move |entry| entry.unwrap().path.strip_prefix(&below).unwrap().to_owned());
    let mut paths: Vec<PathBuf> = walk.collect().await.unwrap();
    paths.sort();
    paths
}

#[tokio::test]
async fn every_entry_is_found_once_by_any_number_of_stages() {
    let root = tempfile::tempdir().unwrap();
    let mut expected = vec![PathBuf::new()];
    for (outer, inner) in (0..20).flat_map(|outer| (0..20).map(move |inner| (outer, inner))) {
        let path = PathBuf::from(format!("d{outer}/d{inner}"));
        fs::create_dir_all(root.path().join(&path)).unwrap();
        fs::write(root.path().join(&path).join("file"), "x").unwrap();
        expected.extend([path.join("file"), path]);
    }
    expected.extend((0..20).map(|outer| PathBuf::from(format!("d{outer}"))));
    expected.sort();
    for stages in [1, 2, 16] {
        assert_eq!(found(root.path(), stages).await, expected, "{stages} stages");
    }
}

#[tokio::test]
async fn links_are_entries_that_are_not_followed() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("a")).unwrap();
    symlink(root.path(), root.path().join("a/up")).unwrap();
    symlink("nowhere", root.path().join("a/broken")).unwrap();
    assert_eq!(found(root.path(), 4).await, ["", "a", "a/broken", "a/up"].map(PathBuf::from));
    assert_eq!(found(&root.path().join("a/up"), 2).await, [PathBuf::new()]);
}

#[tokio::test]
async fn a_file_or_an_empty_directory_is_a_tree() {
    let root = tempfile::tempdir().unwrap();
    assert_eq!(found(root.path(), 3).await, [PathBuf::new()]);
    let file = root.path().join("file");
    fs::write(&file, "x").unwrap();
    assert_eq!(found(&file, 3).await, [PathBuf::new()]);
}

#[tokio::test]
async fn a_missing_directory_is_an_error_of_the_run() {
    let FlowError::Stage { reason, .. } =
        Flow::from_directory("/no/such/directory").count().await.unwrap_err()
    else {
        panic!("the source fails");
    };
    assert!(reason.to_string().contains("`/no/such/directory` cannot be opened"), "{reason}");
}

#[tokio::test]
async fn an_unreadable_directory_is_an_error_among_the_entries() {
    let root = tempfile::tempdir().unwrap();
    // The maximum length of a path is 4096 bytes, so the innermost of these directories cannot be opened.
    for depth in 0..25 {
        let (outer, inner) = (root.path().join("outer"), root.path().join("inner"));
        fs::create_dir(&outer).unwrap();
        if depth > 0 {
            fs::rename(&inner, outer.join("x".repeat(200))).unwrap();
        }
        fs::rename(&outer, &inner).unwrap();
    }
    fs::write(root.path().join("file"), "x").unwrap();
    let walk = Flow::from_directory(root.path()).stages(2);
    let all: Vec<_> = walk.collect().await.unwrap();
    let errors: Vec<_> = all.iter().filter_map(|entry| entry.as_ref().err()).collect();
    let [WalkError::Directory { path, .. }] = &*errors else { panic!("{errors:?}") };
    assert!(path.starts_with(root.path()), "{}", path.display());
    assert!(all.iter().flatten().any(|entry| entry.path.ends_with("file")));
}

#[tokio::test]
async fn one_file_system_skips_mount_points() {
    let devices = |tree: Tree| async move {
        let walk = Flow::from_directory(tree).filter_map(Result::ok).map(|entry| entry.metadata.dev());
        walk.uniq().collect::<std::collections::BTreeSet<u64>>().await.unwrap()
    };
    let root = fs::symlink_metadata("/dev").unwrap().dev();
    assert!(devices(Tree::new("/dev").one_file_system()).await.into_iter().eq([root]));
    // Entries of a mounted file system are found unless they are excluded.
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    if mounts.lines().any(|line| line.split(' ').nth(1) == Some("/dev/pts")) {
        assert!(devices(Tree::new("/dev")).await.len() > 1);
    }
}
