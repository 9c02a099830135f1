//! What can be wrong with a sealed object, in words for the person whose file it is.

use super::KeyId;

/// Why a sealed object does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The object does not start like one of ours.
    #[error("the stored object is not one that drip sealed: its first bytes are not `dripseal`")]
    NotSealed,
    /// A later drip wrote it.
    #[error("the stored object has format version {found}, this drip reads version {known}")]
    Version {
        /// The version in the header.
        found: u8,
        /// The version that we read.
        known: u8,
    },
    /// A drip with other chunks sealed it.
    #[error("the stored object has chunks of {found} bytes, this drip reads chunks of {known}")]
    ChunkSize {
        /// Bytes, as the header says.
        found: usize,
        /// Bytes that we read.
        known: usize,
    },
    /// It is whole, and somebody else's.
    #[error("the stored object was sealed for another file (id {0})")]
    OtherFile(uuid::Uuid),
    /// The file key does not unwrap, and the header names another master key.
    #[error("wrong key: the stored object was sealed under master key {sealed}, this is master key {ours}")]
    OtherKey {
        /// The master key the header names.
        sealed: KeyId,
        /// The master key we hold.
        ours: KeyId,
    },
    /// The file key does not unwrap although the master key is the right one.
    #[error("the header of the stored object was altered: its file key does not unwrap")]
    Header,
    /// A frame is authentic nowhere.
    #[error("chunk {index} of {of} was altered: it does not authenticate")]
    Altered {
        /// Place of the frame, counted from 0.
        index: u64,
        /// How many chunks the file has.
        of: u64,
    },
    /// A frame of this object stands in the place of another.
    #[error("chunks out of order: in the place of chunk {index} of {of} stands chunk {found}")]
    Moved {
        /// Place of the frame, counted from 0.
        index: u64,
        /// The place it was sealed for.
        found: u64,
        /// How many chunks the file has.
        of: u64,
    },
    /// Fewer bytes than the frame must have.
    #[error("the stored object is truncated: {what} has {found} bytes instead of {expected}")]
    Truncated {
        /// The part that is cut short.
        what: String,
        /// Bytes there are.
        found: u64,
        /// Bytes there must be.
        expected: u64,
    },
    /// More bytes than were stored.
    #[error("the stored object was appended to: it has {found} bytes instead of {expected}")]
    Appended {
        /// Bytes there are.
        found: u64,
        /// Bytes there must be.
        expected: u64,
    },
    /// The trailer does not authenticate: the object does not end where it was ended.
    #[error("the end of the stored object was altered or cut off: its trailer does not authenticate")]
    Trailer,
    /// The record behind the trailer does not authenticate.
    #[error("the record of the stored object was altered or cut off: it does not authenticate")]
    Record,
    /// The trailer is authentic, and counts otherwise.
    #[error("the stored object holds {found} {what}, its trailer says {sealed}")]
    Count {
        /// "chunks" or "bytes".
        what: &'static str,
        /// What was opened.
        found: u64,
        /// What was sealed.
        sealed: u64,
    },
    /// The operating system gave no random bytes, or the cipher refused.
    #[error("the cipher failed while sealing")]
    Cipher,
}
