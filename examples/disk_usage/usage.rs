//! The disk usage of a set of entries.

use std::fs::Metadata;
use std::ops::AddAssign;
use std::os::unix::fs::MetadataExt;

use serde::Serialize;

use super::args::Rank;

/// Size of a block of `st_blocks` in bytes, regardless of the file system's block size.
const BLOCK: u64 = 512;

/// Number of entries, and their size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Usage {
    pub(crate) entries: u64,
    /// Allocated bytes.
    pub(crate) allocated: u64,
    /// Apparent size in bytes: holes count, the unused rest of the last block does not.
    pub(crate) apparent: u64,
}

impl Usage {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { entries: 1, allocated: metadata.blocks() * BLOCK, apparent: metadata.size() }
    }

    /// Returns the figure to rank by.
    pub(crate) fn rank(&self, by: Rank) -> u64 {
        match by {
            Rank::Size => self.allocated,
            Rank::Apparent => self.apparent,
            Rank::Count => self.entries,
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.entries += other.entries;
        self.allocated += other.allocated;
        self.apparent += other.apparent;
    }
}
