//! Is every mistake reported at the token that holds it, and does what is right compile without a warning?
//!
//! The compiler's own words change between versions, so the cases run on the version that the workspace names only.
//! `TRYBUILD=overwrite cargo test -p tests --test macros` writes what the compiler says now; read it as a newcomer.

use std::io::Write as _;
use std::process::Command;

#[test]
fn every_mistake_is_reported_at_its_token_with_its_remedy() {
    if on_the_tested_compiler("the mistakes") {
        trybuild::TestCases::new().compile_fail("macros/fail/*.rs");
    }
}

#[test]
fn what_is_right_compiles_without_a_warning() {
    if on_the_tested_compiler("the programs that compile") {
        trybuild::TestCases::new().pass("macros/pass/*.rs");
    }
}

/// Is this the compiler that `rust-version` names? If not, says so, past the harness that would keep it to itself.
fn on_the_tested_compiler(what: &str) -> bool {
    let tested = env!("CARGO_PKG_RUST_VERSION");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("rustc says its version");
    let version = String::from_utf8_lossy(&output.stdout);
    let number = version.split_whitespace().nth(1).unwrap_or_default();
    let same = number == tested || number.starts_with(&format!("{tested}."));
    if !same {
        let mut stderr = std::io::stderr();
        writeln!(
            stderr,
            "skipped {what} of pipeline!: they are for rustc {tested}, this is {}",
            version.trim()
        )
        .expect("an open stderr");
    }
    same
}
