//! Runs of drip as a user without permissions, if the test can become that user.

use std::{ffi::OsStr, fs, os::unix::fs::PermissionsExt, process::Command};

use super::{Ended, Home, Started, program};

/// The id of an unprivileged user that owns no files.
pub(crate) const UNPRIVILEGED: u32 = 65534;

/// The reason for skipping a test that needs that user.
pub(crate) const CANNOT_BE_UNPRIVILEGED: &str =
    "running as root, and `setpriv --reuid 65534 --clear-groups` does not work here";

/// Runs drip on this home's data folder as an unprivileged user; `None` if the test cannot become that user.
pub(crate) fn run_unprivileged(
    home: &Home,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Option<Ended> {
    // The program and its whole environment must be accessible to that user.
    let own = home.path().join("drip");
    fs::copy(program(), &own).expect("a copy of the program");
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).expect("an open home");
    if !unprivileged("true".as_ref()).status().is_ok_and(|status| status.success()) {
        return None;
    }
    let mut command = unprivileged(own.as_os_str());
    command.arg("--data").arg(home.data()).args(arguments).current_dir(home.path());
    Some(Started::new(&mut command).wait())
}

fn unprivileged(program: &OsStr) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &UNPRIVILEGED.to_string(), "--clear-groups", "--"]).arg(program);
    command
}
