//! Is this the compiler whose words are on record? The UI tests of stage-macros and of flow ask.

use std::io::Write as _;
use std::process::Command;

/// The version whose messages are on record.
const TESTED: &str = "1.95";

/// Is this the compiler of the recorded messages? If not, says that `what` was skipped, past the harness that would
/// keep it to itself.
pub(crate) fn is_the_tested_one(what: &str) -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("rustc says its version");
    let version = String::from_utf8_lossy(&output.stdout);
    let number = version.split_whitespace().nth(1).unwrap_or_default();
    let same = number == TESTED || number.starts_with(&format!("{TESTED}."));
    if !same {
        let version = version.trim();
        writeln!(std::io::stderr(), "skipped {what}: they are for rustc {TESTED}, this is {version}")
            .expect("an open stderr");
    }
    same
}
