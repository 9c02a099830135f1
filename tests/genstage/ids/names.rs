//! Which tests are there? Reads the sources of this crate.

use std::fs;
use std::path::{Path, PathBuf};

/// The names of all tests of this crate.
pub(super) fn test_names() -> Vec<String> {
    test_names_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("genstage"))
}

/// The names of all functions below a folder that are tests.
pub(super) fn test_names_below(folder: &Path) -> Vec<String> {
    let names: Vec<_> = files(folder)
        .iter()
        .flat_map(|file| names_in(&fs::read_to_string(file).expect("a readable source")))
        .collect();
    assert!(!names.is_empty(), "no test below {}", folder.display());
    names
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of sources");
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The functions of one source that follow a line `#[test]` or `#[tokio::test…]`.
fn names_in(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim_start) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(rest) = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn "))
            && std::mem::take(&mut is_test)
        {
            names.push(rest.chars().take_while(|letter| *letter != '(').collect());
        }
    }
    names
}

#[test]
fn tests_are_found_and_helpers_are_not() {
    let source =
        "#[test]\nfn one() {}\nfn helper() {}\n#[tokio::test(start_paused = true)]\nasync fn two() {}\n";
    assert_eq!(names_in(source), ["one", "two"]);
}
