//! The data model: a user has media, and a transfer moves one medium up or down.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use uuid::Uuid;

use super::Attributes;

/// Identifies a medium; ids created later sort later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaId(pub Uuid);

impl MediaId {
    /// Creates a new, unique id.
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The key of the medium's object: two random digits, which spread the objects over folders, then the id.
    pub fn storage_key(self) -> String {
        let id = self.0.hyphenated().to_string();
        format!("{}/{id}", &id[id.len() - 2..])
    }
}

impl Default for MediaId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for MediaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for MediaId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self)
    }
}

/// Identifies a transfer; ids created later sort later, so the queue is served in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferId(pub Uuid);

impl TransferId {
    /// Creates a new, unique id.
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl Default for TransferId {
    fn default() -> Self {
        Self::new()
    }
}

/// Identifies a user within one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UserId(pub i64);

/// A person who has, or had, files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The user's id in this database.
    pub id: UserId,
    /// The e-mail address.
    pub email: String,
}

/// A user's file: its origin and its sealed object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// The medium's id.
    pub id: MediaId,
    /// The owner.
    pub user: UserId,
    /// The e-mail address of the owner.
    pub email: String,
    /// The path below the uploaded folder, or at least the file's own name. Its last component is the file
    /// name.
    pub relative_path: PathBuf,
    /// The path from which the file was read.
    pub full_path: PathBuf,
    /// The folder given to `upload`, as an absolute path; `None` if the file itself was given.
    pub root: Option<PathBuf>,
    /// Size in clear bytes.
    pub size: u64,
    /// The attributes stored beside the content.
    pub attributes: Attributes,
    /// The key of its object in the storage.
    pub storage_key: String,
    /// Size of its object in bytes; `None` before the upload, and for objects of version 1, which hold no
    /// record.
    pub object_size: Option<u64>,
    /// BLAKE3 hash of the clear bytes; `None` before the upload.
    pub checksum: Option<[u8; 32]>,
    /// Creation time, in milliseconds since 1970 (UTC).
    pub created_at: i64,
    /// Time of the last update, in milliseconds since 1970 (UTC).
    pub updated_at: i64,
}

/// The stored state of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its latest medium.
    pub media: Media,
    /// A later modification time at which the file had the same content, in nanoseconds since 1970.
    pub seen: Option<i64>,
}

/// The direction of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From a file to the storage.
    Upload,
    /// From the storage to a file.
    Download,
}

/// A file to be uploaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewUpload {
    /// The path of the file.
    pub full_path: PathBuf,
    /// The name to store it under.
    pub relative_path: PathBuf,
    /// As in [`Media::root`].
    pub root: Option<PathBuf>,
    /// Size in bytes when the file was found.
    pub size: u64,
    /// Attributes when the file was found.
    pub attributes: Attributes,
}

/// A medium to be downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDownload {
    /// The medium.
    pub media: MediaId,
    /// The requested folder, by which a [`Scope`] selects.
    pub folder: PathBuf,
    /// The file to write.
    pub target: PathBuf,
}

/// One transfer, as the durable queue records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// The transfer's id.
    pub id: TransferId,
    /// Upload or download.
    pub direction: Direction,
    /// The medium to move.
    pub media: Media,
    /// The local file: read by an upload, written by a download.
    pub path: PathBuf,
    /// The requested folder of a download; `path` lies below it.
    pub folder: Option<PathBuf>,
    /// Number of leases, including the current one.
    pub attempts: u32,
}

/// The transfers that a run works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All uploads.
    Uploads,
    /// The downloads into this folder.
    Downloads {
        /// As in [`NewDownload::folder`].
        folder: PathBuf,
    },
}

/// The work that a scope has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waiting {
    /// Number of transfers.
    pub files: u64,
    /// Clear bytes, as far as known.
    pub bytes: u64,
}

/// A leased transfer that returns to the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenBack {
    /// The transfer failed; the attempt counts.
    Failed(TransferId),
    /// The run stopped; the attempt does not count.
    Stopped(TransferId),
}

/// A transfer that failed permanently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// The transfer.
    pub transfer: TransferId,
    /// The reason.
    pub cause: String,
}

/// An upload that failed permanently and is kept until it is retried or forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadUpload {
    /// The failed transfer. It is not leased.
    pub transfer: Transfer,
    /// The reason of the failure.
    pub cause: String,
}

/// An upload that is completely stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The completed transfer.
    pub transfer: TransferId,
    /// The medium it moved.
    pub media: MediaId,
    /// Number of clear bytes read.
    pub size: u64,
    /// Their BLAKE3 hash.
    pub checksum: [u8; 32],
    /// The attributes of the file while it was read.
    pub attributes: Attributes,
    /// Size of the object in bytes.
    pub object_size: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_made_later_sort_later() {
        let ids: Vec<_> = (0..1000).map(|_| MediaId::new()).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn a_storage_key_spreads_by_the_random_end_of_the_id() {
        let id: MediaId = "01890a5d-ac96-774b-bcce-b302099a80f7".parse().unwrap();
        assert_eq!(id.storage_key(), "f7/01890a5d-ac96-774b-bcce-b302099a80f7");
    }
}
