//! Check that every test exists that the documented differences name.

use std::collections::BTreeSet;
use std::fs;

use tests::source::workspace_root;
use tests::suite::{rows_with_tests, test_names_below};

#[test]
fn every_difference_names_tests_that_exist() {
    let folders = ["tests/genstage", "stage-core/tests", "stage-core/src"];
    let tests: BTreeSet<_> = folders.into_iter().flat_map(test_names_below).collect();
    let document = workspace_root().join("docs/design/differences-from-genstage.md");
    let rows = rows_with_tests(&fs::read_to_string(document).expect("the document"), "| GenStage");
    assert!(rows.len() > 40, "the tables were not found");
    let wrong: Vec<_> = rows
        .iter()
        .filter(|(_, named)| named.is_empty() || named.iter().any(|name| !tests.contains(name)))
        .collect();
    assert!(wrong.is_empty(), "rows without a test, or with one that is not there:\n{wrong:#?}");
}
