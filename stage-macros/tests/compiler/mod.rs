//! Is this the compiler whose words are on record? The UI tests of stage-macros and of flow ask.

use std::io::Write as _;
use std::process::Command;

/// Is this the compiler that `rust-version` names? If not, says that `what` was skipped, past the harness that would
/// keep it to itself.
pub(crate) fn is_the_tested_one(what: &str) -> bool {
    let tested = env!("CARGO_PKG_RUST_VERSION");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("rustc says its version");
    let version = String::from_utf8_lossy(&output.stdout);
    let number = version.split_whitespace().nth(1).unwrap_or_default();
    let same = number == tested || number.starts_with(&format!("{tested}."));
    if !same {
        let version = version.trim();
        writeln!(std::io::stderr(), "skipped {what}: they are for rustc {tested}, this is {version}")
            .expect("an open stderr");
    }
    same
}
