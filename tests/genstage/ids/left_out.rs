//! Check that every defect of the original, and everything its suite leaves out, has a test of the right
//! behaviour.

use tests::suite::test_names_below;

/// The defects of 1.3.2: the experiment that shows each, its place in the specification, and its effect.
const DEFECTS: &[(&str, &str, &str)] = &[
    ("e1", "12", "a step loses its output with its producer"),
    ("e2", "12", "input of a lost producer is handled unsplit, from nowhere"),
    ("e3", "9.2", "a broadcast stalls and reorders after the loss of all consumers"),
    ("e4", "11", "reading the mode of a step crashes it"),
    ("e5", "4.1", "a buffer of no room crashes the start"),
    ("e6", "2", "wrong options of a subscription in init are only logged"),
    ("e7", "10.3", "the third subscription of a stage to a broadcast brings everything twice"),
    ("e8", "10.4", "one way to answer a cancel skips the end it brings"),
    ("f1", "9.3", "events hashed to nowhere use up demand"),
    ("f4", "7.5, 7.6", "infos count as events, and lag, in a buffer without bound"),
    ("f5", "9.1", "a shuffle stalls behind a consumer without credit"),
    ("f6", "8", "an info overtakes what accumulated"),
    ("f9", "10.9", "replacing a permanent subscription kills its consumer"),
    ("g2", "14.5", "a finite source kills the work of its supervisor"),
    ("i1", "11", "leaving accumulate reorders events"),
    ("j1", "12", "a step whose consumer died with credit drains its producer"),
    ("minor", "3", "the discard hook of a step sees an old state"),
    ("replaced", "10.9", "a producer's answer to the end of the old subscription drops the new one"),
];

/// The list of cases that the suite does not cover.
const LEFT_OUT: std::ops::RangeInclusive<usize> = 1..=15;

#[test]
fn every_defect_of_the_original_has_a_test_that_is_named_after_it() {
    let names = test_names_below("tests/genstage");
    for (id, section, defect) in DEFECTS {
        let infix = format!("bug_{id}_");
        let tested = names.iter().any(|name| name.starts_with(&infix) || name.contains(&format!("_{infix}")));
        assert!(tested, "no test `{infix}…`: {defect} (section {section})");
    }
}

#[test]
fn everything_that_the_suite_leaves_out_has_a_test_that_is_named_after_it() {
    let names = test_names_below("tests/genstage");
    for number in LEFT_OUT {
        let prefix = format!("uncovered_{number:02}_");
        assert!(names.iter().any(|name| name.starts_with(&prefix)), "no test `{prefix}…`");
    }
}
