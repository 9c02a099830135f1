//! Every mistake is reported at the token that holds it, with what to write instead.
//!
//! The programs are in the workspace's `tests/macros/fail`, to which `tests/fail` is a link: compiled from
//! here, they need few crates, while the suites need many. The compiler's own words change between versions,
//! so they run on the version that the workspace names only.
//!
//! `TRYBUILD=overwrite cargo test -p stage-macros --test ui` writes what the compiler says now: read it as a
//! newcomer.
#![forbid(unsafe_code)]

mod compiler;

const MISTAKES: &str = "the mistakes of pipeline!";

#[test]
fn every_mistake_is_reported_at_its_token_with_its_remedy() {
    if compiler::is_the_tested_one(MISTAKES) {
        trybuild::TestCases::new().compile_fail("tests/fail/*.rs");
    }
}

#[test]
fn every_mistake_in_a_stage_attribute_is_reported_at_its_token_with_its_remedy() {
    if compiler::is_the_tested_one(MISTAKES) {
        trybuild::TestCases::new().compile_fail("tests/fail/attributes/*.rs");
    }
}

#[test]
fn every_mistake_in_a_timed_function_is_reported_at_its_token_with_its_remedy() {
    if compiler::is_the_tested_one(MISTAKES) {
        trybuild::TestCases::new().compile_fail("tests/fail/timed/*.rs");
    }
}
