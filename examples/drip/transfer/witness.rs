//! Who is told how transfers go: a progress bar, a list of failures, a test.

use std::fmt::Debug;
use std::path::Path;

use crate::repository::Transfer;

/// Is told what happens, from any stage.
pub trait Witness: Debug + Send + Sync + 'static {
    /// Bytes arrived at the last stage.
    fn moved(&self, bytes: u64);

    /// Bytes told as moved count no more: their transfer failed.
    fn taken_back(&self, bytes: u64);

    /// A transfer is done: so many clear bytes.
    fn done(&self, transfer: &Transfer, bytes: u64);

    /// A transfer failed for good.
    fn failed(&self, transfer: &Transfer, cause: &str);

    /// Transfers wait, because what all of them need is not there.
    fn waits(&self, _cause: &str) {}

    /// Transfers go on after they waited.
    fn goes_on(&self) {}

    /// A download found another file under its name, and has this name instead.
    fn renamed(&self, transfer: &Transfer, name: &Path);
}
