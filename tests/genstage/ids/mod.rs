//! Check that every case of the conformance table has exactly one test.

mod documents;
mod left_out;
mod table;

use std::collections::BTreeMap;

use table::{Class, TABLE};
use tests::suite::test_names_below;

/// Returns the names of the tests of this crate that begin with an id, by id.
fn tests_by_id() -> BTreeMap<String, Vec<String>> {
    let mut by_id: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for name in test_names_below("tests/genstage") {
        let id: String = name.chars().take_while(|letter| *letter != '_').collect();
        let number = id.strip_prefix('g').unwrap_or("");
        if number.len() == 3 && number.bytes().all(|digit| digit.is_ascii_digit()) {
            by_id.entry(id.to_uppercase()).or_default().push(name);
        }
    }
    by_id
}

#[test]
fn every_case_of_the_table_has_one_test_and_no_other_has_any() {
    let mut tests = tests_by_id();
    let mut wrong = Vec::new();
    for section in TABLE {
        for case in section.cases {
            let found = tests.remove(case.id).unwrap_or_default();
            let expected = usize::from(!matches!(case.class, Class::NotApplicable(_)));
            if found.len() != expected {
                wrong.push(format!("{} has {} tests, not {expected}: {found:?}", case.id, found.len()));
            }
        }
    }
    wrong.extend(tests.into_iter().map(|(id, names)| format!("{id} is not in the table: {names:?}")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_count_of_cases_is_that_of_the_table() {
    let mut counts = [0; 3];
    for section in TABLE {
        let of = |class: fn(&Class) -> bool| section.cases.iter().filter(|case| class(&case.class)).count();
        let own = [
            of(|class| matches!(class, Class::AsIs)),
            of(|class| matches!(class, Class::Adapts)),
            of(|class| matches!(class, Class::NotApplicable(_))),
        ];
        println!(
            "{:2}. {:<52} as is {:2}, adapts {:2}, n/a {:2}",
            section.number, section.title, own[0], own[1], own[2]
        );
        for case in section.cases {
            if let Class::NotApplicable(reason) = case.class {
                println!("      {} has no test: {reason}", case.id);
            }
        }
        counts.iter_mut().zip(own).for_each(|(count, own)| *count += own);
    }
    let [as_is, adapts, not_applicable] = counts;
    println!("    all: as is {as_is}, adapts {adapts}, n/a {not_applicable}");
    assert_eq!(counts, [101, 47, 22]);
    assert_eq!(tests_by_id().len(), as_is + adapts);
}

#[test]
fn the_ids_of_the_table_are_distinct() {
    let ids: Vec<_> = TABLE.iter().flat_map(|section| section.cases).map(|case| case.id).collect();
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len());
}
