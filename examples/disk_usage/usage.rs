//! How much room something takes.

use std::fs::Metadata;
use std::ops::AddAssign;
use std::os::unix::fs::MetadataExt;

use serde::Serialize;

use super::args::Rank;

/// Bytes in a block of `st_blocks`, whatever the file system's are.
const BLOCK: u64 = 512;

/// Entries, and the room they take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Usage {
    pub(crate) entries: u64,
    /// Bytes that are allocated.
    pub(crate) allocated: u64,
    /// Bytes that it seems to have: holes count, what is left of the last block does not.
    pub(crate) apparent: u64,
}

impl Usage {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { entries: 1, allocated: metadata.blocks() * BLOCK, apparent: metadata.size() }
    }

    /// What is ranked by.
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
