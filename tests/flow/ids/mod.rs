//! Check that every case of the conformance table has exactly one test.

mod documents;
mod names;
mod table;

use names::by_id;
use table::{Class, EXAMPLES, LEFT_OUT, TABLE};

#[test]
fn every_case_of_the_table_has_one_test_and_no_other_has_any() {
    let mut tests = by_id();
    let mut wrong = Vec::new();
    for case in TABLE.iter().flat_map(|section| section.cases) {
        let found = tests.remove(case.id).unwrap_or_default();
        let expected = match case.class {
            Class::NotApplicable(_) => 0,
            Class::AsIs | Class::Adapts => 1,
        };
        if found.len() != expected {
            wrong.push(format!("{} has {} tests, not {expected}: {found:?}", case.id, found.len()));
        }
    }
    let others =
        EXAMPLES.map(|number| format!("D{number:02}")).chain(LEFT_OUT.map(|number| format!("G{number:02}")));
    for id in others {
        let found = tests.remove(&id).unwrap_or_default();
        if found.is_empty() {
            wrong.push(format!("{id} has no test"));
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
        println!("{:<40} as is {:2}, adapts {:2}, n/a {:2}", section.title, own[0], own[1], own[2]);
        for case in section.cases {
            if let Class::NotApplicable(reason) = case.class {
                println!("      {} has no test: {reason}", case.id);
            }
        }
        counts.iter_mut().zip(own).for_each(|(count, own)| *count += own);
    }
    let [as_is, adapts, not_applicable] = counts;
    println!(
        "all: as is {as_is}, adapts {adapts}, n/a {not_applicable}; {} examples, {} left out",
        EXAMPLES.count(),
        LEFT_OUT.count()
    );
    assert_eq!(counts, [92, 55, 1]);
}

#[test]
fn the_ids_of_the_table_are_distinct() {
    let ids: Vec<_> = TABLE.iter().flat_map(|section| section.cases).map(|case| case.id).collect();
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len());
}
