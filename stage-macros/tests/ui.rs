//! Is every mistake reported at the token that holds it, with what to write instead?
//!
//! The programs are in the workspace's `tests/macros/fail`, to which `tests/fail` is a link: compiled from
//! here, they need few crates, while the suites need many. The compiler's own words change between versions,
//! so they run on the version that the workspace names only.
//!
//! `TRYBUILD=overwrite cargo test -p stage-macros --test ui` writes what the compiler says now: read it as a
//! newcomer.
#![forbid(unsafe_code)]

use std::io::Write as _;
use std::process::Command;

#[test]
fn every_mistake_is_reported_at_its_token_with_its_remedy() {
    if on_the_tested_compiler() {
        trybuild::TestCases::new().compile_fail("tests/fail/*.rs");
    }
}

#[test]
fn every_mistake_in_a_stage_attribute_is_reported_at_its_token_with_its_remedy() {
    if on_the_tested_compiler() {
        trybuild::TestCases::new().compile_fail("tests/fail/attributes/*.rs");
    }
}

#[test]
fn every_mistake_in_a_timed_function_is_reported_at_its_token_with_its_remedy() {
    if on_the_tested_compiler() {
        trybuild::TestCases::new().compile_fail("tests/fail/timed/*.rs");
    }
}

/// Is this the compiler that `rust-version` names? If not, says so, past the harness that would keep it to
/// itself.
fn on_the_tested_compiler() -> bool {
    let tested = env!("CARGO_PKG_RUST_VERSION");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("rustc says its version");
    let version = String::from_utf8_lossy(&output.stdout);
    let number = version.split_whitespace().nth(1).unwrap_or_default();
    let same = number == tested || number.starts_with(&format!("{tested}."));
    if !same {
        let version = version.trim();
        writeln!(
            std::io::stderr(),
            "skipped the mistakes of pipeline!: they are for rustc {tested}, this is {version}"
        )
        .expect("an open stderr");
    }
    same
}
