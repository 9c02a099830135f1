//! The parts of a file between the stages of an upload.

use bytes::Bytes;
use stage_core::piecewise::Part;

use super::Found;
use crate::buffer::Buffer;
use crate::repository::Attributes;
use crate::seal::Trailer;

/// Files that the next stage has yet to read.
pub type Unread = Part<Found, Option<Buffer>, ()>;
/// Sealed content on its way to the storage: the header, frames, and the end.
pub type Sealed = Part<Bytes, Buffer, SealedEnd>;
/// The stored data: clear bytes per chunk, and a summary at the end.
pub type Stored = Part<(), u64, StoredEnd>;

/// The end of a sealed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEnd {
    /// The last bytes of the object.
    pub bytes: Vec<u8>,
    /// The summary to record.
    pub stored: StoredEnd,
}

/// The end of a stored file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEnd {
    /// The summary in the object's trailer.
    pub trailer: Trailer,
    /// The attributes that the file had while it was read.
    pub attributes: Attributes,
    /// Size of the object in bytes.
    pub object_size: u64,
}
