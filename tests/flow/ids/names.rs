//! Which tests are there? Reads the sources of this suite.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The names of all tests of this suite; a program that must not compile is one too.
pub(super) fn test_names() -> Vec<String> {
    test_names_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("flow"))
}

/// The names of all functions below a folder that are tests and run, and of the programs in `fail`.
pub(super) fn test_names_below(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for file in files(folder) {
        if file.parent().is_some_and(|folder| folder.ends_with("fail")) {
            names.push(file.file_stem().expect("a name").to_string_lossy().into_owned());
        } else {
            names.extend(names_in(&fs::read_to_string(file).expect("a readable source")));
        }
    }
    assert!(!names.is_empty(), "no test below {}", folder.display());
    names
}

/// The names that begin with an id, by id: `f016_…`, `d01_…`, `flow_g01_…`.
pub(super) fn by_id() -> BTreeMap<String, Vec<String>> {
    let mut by_id: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for name in test_names() {
        if let Some(id) = id_of(&name) {
            by_id.entry(id).or_default().push(name);
        }
    }
    by_id
}

fn id_of(name: &str) -> Option<String> {
    let name = name.strip_prefix("flow_").unwrap_or(name);
    let (id, _) = name.split_once('_')?;
    let (kind, number) = id.split_at_checked(1)?;
    let digits = match kind {
        "f" => 3,
        "d" | "g" => 2,
        _ => return None,
    };
    let is_id = number.len() == digits && number.bytes().all(|digit| digit.is_ascii_digit());
    is_id.then(|| id.to_uppercase())
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

/// The functions of one source that follow a line `#[test]` or `#[tokio::test…]`, unless they are ignored.
fn names_in(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim_start) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if line.starts_with("#[ignore") {
            is_test = false;
        } else if let Some(rest) = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn "))
            && std::mem::take(&mut is_test)
        {
            names.push(rest.chars().take_while(|letter| *letter != '(').collect());
        }
    }
    names
}

#[test]
fn tests_are_found_and_helpers_and_ignored_ones_are_not() {
    let source = "#[test]\nfn one() {}\nfn helper() {}\n#[tokio::test(start_paused = true)]\nasync fn two() {}\n\
                  #[test]\n#[ignore = \"why\"]\nfn three() {}\n";
    assert_eq!(names_in(source), ["one", "two"]);
}

#[test]
fn an_id_is_what_a_name_begins_with() {
    let ids =
        ["f016_filter", "d01_join", "flow_g07_failure", "fixed_window", "flow_of_two", "g1_x"].map(id_of);
    assert_eq!(
        ids,
        [Some("F016".to_owned()), Some("D01".to_owned()), Some("G07".to_owned()), None, None, None]
    );
}
