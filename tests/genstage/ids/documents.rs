//! Does every test that the documented differences name exist?

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::names::test_names_below;

/// The last column of every row: the names between backticks.
fn named_tests(document: &str) -> Vec<(String, Vec<String>)> {
    let rows = document.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| GenStage"));
    let named = |row: &str| {
        let last = row.trim_end_matches([' ', '|']).rsplit(" | ").next().unwrap_or("");
        last.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    rows.map(|row| (row.to_owned(), named(row))).collect()
}

#[test]
fn every_difference_names_tests_that_exist() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = ["tests/genstage", "stage-core/tests", "stage-core/src"];
    let tests: BTreeSet<_> =
        folders.iter().flat_map(|folder| test_names_below(&workspace.join(folder))).collect();
    let document = workspace.join("docs/design/differences-from-genstage.md");
    let rows = named_tests(&fs::read_to_string(document).expect("the document"));
    assert!(rows.len() > 40, "the tables were not found");
    let wrong: Vec<_> = rows
        .iter()
        .filter(|(_, named)| named.is_empty() || named.iter().any(|name| !tests.contains(name)))
        .collect();
    assert!(wrong.is_empty(), "rows without a test, or with one that is not there:\n{wrong:#?}");
}

#[test]
fn the_tests_of_a_row_are_found() {
    let document =
        "| GenStage | here | test |\n|---|---|---|\n| `a` | b | `one`, `two` |\n| a | b | none |\n";
    let named: Vec<_> = named_tests(document).into_iter().map(|(_, named)| named).collect();
    assert_eq!(named, [vec!["one".to_owned(), "two".to_owned()], vec![]]);
}
