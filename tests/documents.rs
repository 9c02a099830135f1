//! Do the notes tell the truth about what is tested? Every test that they name has to be there.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::fs;

use tests::source::workspace_root;
use tests::suite::test_names_below;

/// Where tests are.
const FOLDERS: [&str; 6] =
    ["stage-core/src", "stage-core/tests", "tests", "examples/tests", "flow/tests", "stage-macros/src"];

/// The names of all tests.
fn tests() -> BTreeSet<String> {
    FOLDERS.into_iter().flat_map(test_names_below).collect()
}

/// The rows of the tables of a note, each with the names between backticks that could be those of tests.
fn rows(note: &str) -> Vec<(String, Vec<String>)> {
    let path = workspace_root().join("docs/design").join(note);
    let text = fs::read_to_string(path).expect("a note");
    let rows = text.lines().filter(|line| line.starts_with("| "));
    rows.map(|row| (row.to_owned(), named(row))).collect()
}

/// Names of at least four words.
fn named(text: &str) -> Vec<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter(|name| name.matches('_').count() >= 3 && !name.contains([' ', ':']))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_test_that_the_notes_on_lives_and_on_broadway_name_is_there() {
    let tests = tests();
    assert!(tests.len() > 500, "only {} tests were found", tests.len());
    for note in ["lifecycle.md", "broadway.md"] {
        let named: Vec<_> = rows(note).into_iter().flat_map(|(_, named)| named).collect();
        assert!(named.len() > 15, "{note}: the table was not found");
        let missing: Vec<_> = named.iter().filter(|name| !tests.contains(*name)).collect();
        assert!(missing.is_empty(), "{note} names tests that are not there: {missing:#?}");
    }
}

#[test]
fn every_feature_of_broadway_has_a_row_with_a_test_or_a_reason() {
    let rows = rows("broadway.md");
    for feature in 1..=38 {
        let begin = format!("| B{feature:02} |");
        let row = rows.iter().find(|(row, _)| row.starts_with(&begin));
        let (row, named) = row.unwrap_or_else(|| panic!("B{feature:02} has no row"));
        assert!(!named.is_empty() || row.contains("not needed"), "neither a test nor a reason: {row}");
    }
}

#[test]
fn every_fault_has_a_row_with_a_test() {
    let rows = rows("lifecycle.md");
    let faults: Vec<_> = rows.iter().skip_while(|(row, _)| !row.starts_with("| fault |")).skip(1).collect();
    assert!(faults.len() > 15, "the table was not found");
    for (row, named) in faults {
        assert!(!named.is_empty(), "no test: {row}");
    }
}
