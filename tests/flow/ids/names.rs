//! Mapping from the tests of this suite to the cases.

use std::collections::BTreeMap;

use tests::source::read_sources;
use tests::suite::test_names_below;

const SUITE: &str = "tests/flow";

/// Returns the names of all tests of this suite, including programs that must not compile.
pub(super) fn test_names() -> Vec<String> {
    let mut names = test_names_below(SUITE);
    let programs = read_sources(&format!("{SUITE}/fail")).expect("readable sources");
    names.extend(programs.iter().map(|program| program.name().trim_end_matches(".rs").to_owned()));
    names
}

/// Returns the names that begin with an id, by id: `f016_…`, `d01_…`, `flow_g01_…`.
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

#[test]
fn a_test_name_begins_with_its_id() {
    let ids =
        ["f016_filter", "d01_join", "flow_g07_failure", "fixed_window", "flow_of_two", "g1_x"].map(id_of);
    assert_eq!(
        ids,
        [Some("F016".to_owned()), Some("D01".to_owned()), Some("G07".to_owned()), None, None, None]
    );
}
