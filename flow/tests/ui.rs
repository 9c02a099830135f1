//! Tests that the compiler rejects every invalid order of steps.
//!
//! The programs are in the workspace's `tests/flow/fail`, to which `tests/fail` is a link: compiled from
//! here, they need few crates, whereas the workspace's test suites need many. Compiler messages change
//! between versions, so the programs are compiled only with the version that the workspace pins.
//!
//! `TRYBUILD=overwrite cargo test -p flow --test ui` writes the current compiler messages: review them as a
//! newcomer would.
#![forbid(unsafe_code)]

#[path = "../../stage-macros/tests/compiler/mod.rs"]
mod compiler;

#[test]
fn orders_of_steps_that_cannot_work_do_not_compile() {
    if compiler::is_the_tested_one("the mistakes of flows") {
        trybuild::TestCases::new().compile_fail("tests/fail/*.rs");
    }
}
