//! The file attributes stored beside the content, so that the file can be restored unchanged.

use std::path::PathBuf;

/// Attributes of a file at the time it was read. Unknown ones (in media of earlier versions) are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// A regular file or a symbolic link.
    pub kind: Kind,
    /// Permission bits (`st_mode & 0o7777`).
    pub mode: Option<u32>,
    /// Time of the last modification, in nanoseconds since 1970 (UTC).
    pub modified: Option<i64>,
    /// The inode of a file with several hard links; the media of one group are restored as hard links.
    pub link_group: Option<LinkGroup>,
    /// Whether the file had holes; runs of zeros are restored as holes.
    pub sparse: bool,
    /// Permission bits of the folders above the file, from the one below the root down to the file's parent.
    pub folder_modes: Vec<u32>,
}

/// The kind of entry that an upload stores.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Kind {
    /// A regular file: its content.
    #[default]
    File,
    /// A regular file reached through a symbolic link (`--follow`): its content.
    Followed,
    /// A symbolic link itself; the content of its object is the target.
    Symlink {
        /// The target of the link.
        target: PathBuf,
    },
}

/// Identifies the inode that hard links share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkGroup {
    /// The device that holds the inode.
    pub device: u64,
    /// The inode's number on the device.
    pub inode: u64,
}

impl LinkGroup {
    /// Encodes the group in sixteen bytes; [`LinkGroup::from_bytes`] decodes them.
    pub(crate) fn to_bytes(self) -> [u8; 16] {
        ((u128::from(self.device) << 64) | u128::from(self.inode)).to_be_bytes()
    }

    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        let [device, inode] =
            [0, 8].map(|at| bytes[at..at + 8].iter().fold(0, |all, byte| (all << 8) | u64::from(*byte)));
        Self { device, inode }
    }
}
