//! `disk_usage` agrees with `du` to the byte, and reports clearly what it could not read.
#![forbid(unsafe_code)]
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn disk_usage(args: &[&str], directory: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_disk_usage")).args(args).arg(directory).output().unwrap()
}

/// Runs `disk_usage` on a completely readable tree and returns its JSON output.
fn json(directory: &Path, args: &[&str]) -> Value {
    let output = disk_usage(&[&["--json"], args].concat(), directory);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Runs `du` and returns its result in bytes.
fn du(directory: &Path, args: &[&str]) -> u64 {
    let output = Command::new("du").args(["-s", "-x", "--block-size=1"]).args(args).arg(directory).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    text.split('\t').next().unwrap().parse().unwrap()
}

/// Since 9.2, `du --apparent-size` counts no size for directories.
fn du_counts_directories() -> bool {
    let output = Command::new("du").arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let version = text.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned();
    let (major, minor) = version.split_once('.').unwrap();
    (major.parse::<u32>().unwrap(), minor.parse::<u32>().unwrap_or_default()) < (9, 2)
}

/// Creates a tree with all kinds of entries that are easily miscounted.
fn odd_tree() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let at = |path: &str| root.path().join(path);
    fs::create_dir_all(at("a/deep/er/empty")).unwrap();
    fs::create_dir(at("b")).unwrap();
    fs::write(at("a/one.txt"), "x".repeat(10_000)).unwrap();
    fs::write(at("b/nothing.txt"), "").unwrap();
    for number in 0..50 {
        fs::write(at(&format!("b/{number}.rs")), "y".repeat(number * 100)).unwrap();
    }
    // Two more names of the same file, in another directory and in the same one.
    fs::hard_link(at("a/one.txt"), at("b/again.txt")).unwrap();
    fs::hard_link(at("a/one.txt"), at("a/again.bak")).unwrap();
    File::create(at("b/sparse.img")).unwrap().set_len(50_000_000).unwrap();
    symlink(root.path(), at("a/up")).unwrap();
    symlink("one.txt", at("a/link")).unwrap();
    symlink("nowhere/at/all", at("broken")).unwrap();
    // Too long to be stored in the inode on most file systems.
    symlink("x/".repeat(500), at("long")).unwrap();
    root
}

#[test]
fn it_agrees_with_du_to_the_byte() {
    let tree = odd_tree();
    let (allocated, apparent) = (du(tree.path(), &[]), du(tree.path(), &["--apparent-size"]));
    for stages in ["1", "2", "9"] {
        let usage = json(tree.path(), &["--stages", stages]);
        let directories =
            if du_counts_directories() { 0 } else { usage["directories"]["apparent"].as_u64().unwrap() };
        assert_eq!(usage["allocated"].as_u64().unwrap(), allocated, "{stages} stages");
        assert_eq!(usage["apparent"].as_u64().unwrap() - directories, apparent, "{stages} stages");
    }
    // The same for the source tree of this crate.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert_eq!(json(here, &[])["allocated"].as_u64().unwrap(), du(here, &[]));
}

#[test]
fn the_rows_of_a_ranking_add_up_to_the_whole() {
    let tree = odd_tree();
    let usage = json(tree.path(), &[]);
    for by in ["owners", "extensions", "ages"] {
        for what in ["entries", "allocated", "apparent"] {
            let sum: u64 = usage[by].as_array().unwrap().iter().map(|row| row[what].as_u64().unwrap()).sum();
            assert_eq!(sum, usage[what].as_u64().unwrap(), "{what} by {by}");
        }
    }
    // 50 sources, one file with three names, an empty one, a sparse one; 4 links; 6 directories.
    assert_eq!(usage["entries"], 53 + 4 + 6);
    assert_eq!(usage["directories"]["entries"], 6);
    let entries = |name: &str| {
        let rows = usage["extensions"].as_array().unwrap();
        rows.iter().find(|row| row["name"] == name).map(|row| row["entries"].clone())
    };
    assert_eq!(entries(".rs").unwrap(), 50);
    // The file with three names counts once, under the first of its extensions.
    assert_eq!((entries(".bak").unwrap(), entries(".txt").unwrap()), (1.into(), 1.into()));
    assert_eq!(usage["ages"][0]["entries"], usage["entries"]);
}

#[test]
fn owners_have_their_names() {
    let tree = odd_tree();
    let usage = json(tree.path(), &[]);
    let name = Command::new("id").arg("-un").output().unwrap();
    let name = String::from_utf8(name.stdout).unwrap();
    assert_eq!(usage["owners"].as_array().unwrap().len(), 1);
    assert_eq!(usage["owners"][0]["user"], name.trim());
}

#[test]
fn tables_are_for_people_and_end_with_the_sum() {
    let tree = odd_tree();
    let output = disk_usage(&["--by", "count", "--top", "2"], tree.path());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    let titles: Vec<_> = text.lines().filter(|line| line.contains("ALLOCATED")).collect();
    assert_eq!(titles.len(), 3, "{text}");
    assert!(text.contains(" others"), "{text}");
    assert!(text.contains("██"), "{text}");
    assert!(text.lines().last().unwrap().contains("63 entries (6 directories)"), "{text}");
}

#[test]
fn a_missing_directory_fails_by_name() {
    let output = disk_usage(&[], Path::new("/no/such/directory"));
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        said,
        "disk_usage: `/no/such/directory` cannot be opened: No such file or directory (os error 2)\n"
    );
    assert_eq!(output.stdout, b"");
    let bad = Command::new(env!("CARGO_BIN_EXE_disk_usage")).output().unwrap();
    assert_eq!(bad.status.code(), Some(2));
}

#[test]
fn unreadable_directories_are_reported_and_the_rest_is_shown() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("file"), "x").unwrap();
    // The innermost directory exceeds the maximum path length of 4096 bytes, so it cannot be opened.
    for depth in 0..25 {
        let (outer, inner) = (root.path().join("outer"), root.path().join("inner"));
        fs::create_dir(&outer).unwrap();
        if depth > 0 {
            fs::rename(&inner, outer.join("x".repeat(200))).unwrap();
        }
        fs::rename(&outer, &inner).unwrap();
    }
    let output = disk_usage(&["--json"], root.path());
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("disk_usage: the directory `") && said.contains("cannot be read: "), "{said}");
    let usage: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(usage["problems"], 1);
    assert!(usage["entries"].as_u64().unwrap() > 20);
}
