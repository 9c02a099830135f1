//! Reads the attributes of the entries that a walk finds.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use crate::repository::{Attributes, Kind, LinkGroup};

/// Size of the blocks that `st_blocks` counts, in bytes, on every system.
const BLOCK: u64 = 512;

/// Returns the attributes to store of a file with this metadata, below folders with these permission bits.
pub(crate) fn attributes(kind: Kind, metadata: &Metadata, folder_modes: &[u32]) -> Attributes {
    let is_file = metadata.is_file();
    Attributes {
        kind,
        mode: Some(mode(metadata)),
        modified: Some(modified(metadata)),
        link_group: (is_file && metadata.nlink() > 1)
            .then(|| LinkGroup { device: metadata.dev(), inode: metadata.ino() }),
        sparse: is_file && metadata.blocks().saturating_mul(BLOCK) < metadata.len(),
        folder_modes: folder_modes.to_vec(),
    }
}

/// Returns the permission bits.
pub(crate) fn mode(metadata: &Metadata) -> u32 {
    metadata.mode() & 0o7777
}

/// Returns nanoseconds since 1970; a time out of range becomes the nearest one in range.
pub(crate) fn modified(metadata: &Metadata) -> i64 {
    metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec())
}
