//! An observer of transfers: a progress bar, a list of failures, or a test.

use std::fmt::Debug;
use std::path::Path;

use crate::repository::Transfer;

/// Receives reports from any stage.
pub trait Witness: Debug + Send + Sync + 'static {
    /// Bytes arrived at the last stage.
    fn moved(&self, bytes: u64);

    /// Bytes reported as moved no longer count: their transfer failed.
    fn taken_back(&self, bytes: u64);

    /// A transfer of this many clear bytes is done.
    fn done(&self, transfer: &Transfer, bytes: u64);

    /// A transfer failed permanently.
    fn failed(&self, transfer: &Transfer, cause: &str);

    /// Transfers wait because a resource that all of them need is unavailable.
    fn waits(&self, _cause: &str) {}

    /// Transfers continue after waiting.
    fn goes_on(&self) {}

    /// A download found another file under its name and was given this name instead.
    fn renamed(&self, transfer: &Transfer, name: &Path);
}
