//! The nouns: a user has media, a transfer moves one of them up or down.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use uuid::Uuid;

use super::Attributes;

/// Names a medium; ids made later sort later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaId(pub Uuid);

impl MediaId {
    /// An id nobody had before.
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The key of its object: two random digits spread the objects of a folder, the id follows.
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

/// Names a transfer; ids made later sort later, so the queue is served in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferId(pub Uuid);

impl TransferId {
    /// An id nobody had before.
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl Default for TransferId {
    fn default() -> Self {
        Self::new()
    }
}

/// Names a user within one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UserId(pub i64);

/// Somebody who has files, or had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its name here.
    pub id: UserId,
    /// The e-mail address.
    pub email: String,
}

/// A file of a user: where it came from, and where its sealed object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Its name here.
    pub id: MediaId,
    /// Whose it is.
    pub user: UserId,
    /// The e-mail address of the user.
    pub email: String,
    /// The path below the folder it was uploaded with; the file's own name at least. Its last part is the file name.
    pub relative_path: PathBuf,
    /// Where it was read.
    pub full_path: PathBuf,
    /// The folder that was given to `upload`, as an absolute path; none if the file itself was given.
    pub root: Option<PathBuf>,
    /// Clear bytes.
    pub size: u64,
    /// What is kept beside the content.
    pub attributes: Attributes,
    /// Names its object in the storage.
    pub storage_key: String,
    /// Bytes of its object; none before it was uploaded, and for objects of version 1, which hold no record.
    pub object_size: Option<u64>,
    /// BLAKE3 of the clear bytes; none before it was uploaded.
    pub checksum: Option<[u8; 32]>,
    /// Milliseconds since 1970 (UTC).
    pub created_at: i64,
    /// Milliseconds since 1970 (UTC).
    pub updated_at: i64,
}

/// What is stored of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its latest medium.
    pub media: Media,
    /// A later time of modification at which the file had the content of that, in nanoseconds since 1970.
    pub seen: Option<i64>,
}

/// Which way a transfer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From a file to the storage.
    Upload,
    /// From the storage to a file.
    Download,
}

/// A file that somebody wants uploaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewUpload {
    /// Where it is.
    pub full_path: PathBuf,
    /// What it is to be called.
    pub relative_path: PathBuf,
    /// As in [`Media::root`].
    pub root: Option<PathBuf>,
    /// Bytes it had when it was found.
    pub size: u64,
    /// The attributes it had when it was found.
    pub attributes: Attributes,
}

/// A medium that somebody wants back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDownload {
    /// Which one.
    pub media: MediaId,
    /// The folder that was asked for; a [`Scope`] goes by it.
    pub folder: PathBuf,
    /// The file to write.
    pub target: PathBuf,
}

/// One file on its way, as the durable queue knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Its name.
    pub id: TransferId,
    /// Up or down.
    pub direction: Direction,
    /// What moves.
    pub media: Media,
    /// The file on this machine: read when uploading, written when downloading.
    pub path: PathBuf,
    /// The folder that a download was asked for; `path` lies below it.
    pub folder: Option<PathBuf>,
    /// How often it was leased, this time included.
    pub attempts: u32,
}

/// Which transfers a run works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All that go up.
    Uploads,
    /// Those that go down into this folder.
    Downloads {
        /// As in [`NewDownload::folder`].
        folder: PathBuf,
    },
}

/// How much a scope has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waiting {
    /// Transfers.
    pub files: u64,
    /// Clear bytes, as far as they are known.
    pub bytes: u64,
}

/// A transfer that was leased and goes back into the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenBack {
    /// It went wrong; the attempt counts.
    Failed(TransferId),
    /// We stopped; the attempt does not count.
    Stopped(TransferId),
}

/// A transfer that failed for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// Which one.
    pub transfer: TransferId,
    /// Why.
    pub cause: String,
}

/// An upload that failed for good, and is kept until it is tried again or forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadUpload {
    /// What was to be moved. It is not leased.
    pub transfer: Transfer,
    /// Why it was not.
    pub cause: String,
}

/// An upload that is whole in the storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The transfer that is done.
    pub transfer: TransferId,
    /// What it moved.
    pub media: MediaId,
    /// Clear bytes that were read.
    pub size: u64,
    /// BLAKE3 of them.
    pub checksum: [u8; 32],
    /// The attributes that the file had while it was read.
    pub attributes: Attributes,
    /// Bytes of the object.
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
