//! Check that every test exists that the documented differences name.

use std::collections::BTreeSet;
use std::fs;

use tests::source::workspace_root;
use tests::suite::{rows_with_tests, test_names_below};

use super::names::test_names;

fn differences() -> Vec<(String, Vec<String>)> {
    let document = workspace_root().join("docs/design/differences-from-flow.md");
    rows_with_tests(&fs::read_to_string(document).expect("the document"), "| Flow |")
}

#[test]
fn every_difference_names_tests_that_exist() {
    let folders = ["flow/tests", "flow/src"];
    let tests: BTreeSet<_> = folders.into_iter().flat_map(test_names_below).chain(test_names()).collect();
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
