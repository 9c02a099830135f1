//! Does every test that the documented differences name exist?

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::names::test_names_below;

/// The last column of every row: the names between backticks.
fn named_tests(document: &str) -> Vec<(String, Vec<String>)> {
    let rows = document.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Flow |"));
    let named = |row: &str| {
        let last = row.trim_end_matches([' ', '|']).rsplit(" | ").next().unwrap_or("");
        last.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    rows.map(|row| (row.to_owned(), named(row))).collect()
}

fn differences() -> Vec<(String, Vec<String>)> {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/design/differences-from-flow.md");
    named_tests(&fs::read_to_string(document).expect("the document"))
}

#[test]
fn every_difference_names_tests_that_exist() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = ["tests/flow", "flow/tests", "flow/src"];
    let tests: BTreeSet<_> =
        folders.iter().flat_map(|folder| test_names_below(&workspace.join(folder))).collect();
    let wrong: Vec<_> = differences()
        .into_iter()
        .filter(|(_, named)| named.is_empty() || named.iter().any(|name| !tests.contains(name)))
        .collect();
    assert!(wrong.is_empty(), "rows without a test, or with one that is not there:\n{wrong:#?}");
}

#[test]
fn every_defect_and_every_disagreement_has_a_row() {
    let rows = differences();
    let has = |beginning: String| rows.iter().any(|(row, _)| row.starts_with(&beginning));
    for defect in 1..=16 {
        assert!(has(format!("| **D{defect}** ")), "defect {defect} has no row");
    }
    for disagreement in 1..=6 {
        assert!(has(format!("| {disagreement}. ")), "disagreement {disagreement} has no row");
    }
}
