//! Shared support of the suites about drip: a home for one drip, its runs, trees of files, and its objects.

mod database;
mod ended;
mod home;
mod objects;
mod run;
mod tree;
mod unprivileged;

pub(crate) use database::Database;
pub(crate) use ended::Ended;
pub(crate) use home::Home;
pub(crate) use objects::{CHUNK, FRAME_EXTRA, HEADER, Object, TRAILER, sealed_len};
pub(crate) use run::{Started, program};
pub(crate) use tree::{Tree, bytes};
pub(crate) use unprivileged::{CANNOT_BE_UNPRIVILEGED, UNPRIVILEGED, run_unprivileged};

use std::io::Write;

/// Reports, on the real standard error, which the test harness does not capture, that a test did not run.
pub(crate) fn skipped(test: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped {test}: {why}");
}
