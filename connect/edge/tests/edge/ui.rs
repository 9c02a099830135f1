//! What cannot cross to other machines does not compile, and the message says what to write instead.
//!
//! `TRYBUILD=overwrite cargo test -p stage-edge --test edge ui` writes the current compiler messages: review them as a
//! newcomer would.

#[path = "../../../../stage-macros/tests/compiler/mod.rs"]
mod compiler;

#[test]
fn what_cannot_cross_does_not_compile() {
    if compiler::is_the_tested_one("what cannot cross to other machines") {
        trybuild::TestCases::new().compile_fail("tests/fail/*.rs");
    }
}
