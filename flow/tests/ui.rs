//! Is every order of steps that cannot work a mistake for the compiler?
//!
//! The programs are in the workspace's `tests/flow/fail`, to which `tests/fail` is a link: compiled from here, they need
//! few crates, while the suites need many. The compiler's own words change between versions, so they run on the version
//! that the workspace names only.
//!
//! `TRYBUILD=overwrite cargo test -p flow --test ui` writes what the compiler says now: read it as a newcomer.
#![forbid(unsafe_code)]

#[path = "../../stage-macros/tests/compiler/mod.rs"]
mod compiler;

#[test]
fn orders_of_steps_that_cannot_work_do_not_compile() {
    if compiler::is_the_tested_one("the mistakes of flows") {
        trybuild::TestCases::new().compile_fail("tests/fail/*.rs");
    }
}
