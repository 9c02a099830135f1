//! Errors in sealed objects, worded for the owner of the file.

use super::KeyId;

/// Why a sealed object does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The object does not start with the signature of a sealed file.
    #[error("the stored object was not sealed by drip: it does not begin with `dripseal`")]
    NotSealed,
    /// A later drip wrote the object.
    #[error("the stored object has format version {found}, this drip reads version {known}")]
    Version {
        /// The version in the header.
        found: u8,
        /// The version that this drip supports.
        known: u8,
    },
    /// The object was sealed with another chunk size.
    #[error("the stored object has chunks of {found} bytes, this drip reads chunks of {known}")]
    ChunkSize {
        /// The chunk size in the header, in bytes.
        found: usize,
        /// The supported chunk size, in bytes.
        known: usize,
    },
    /// The object is intact but belongs to another file.
    #[error("the stored object was sealed for another file (id {0})")]
    OtherFile(uuid::Uuid),
    /// The file key cannot be unwrapped, and the header names another master key.
    #[error("wrong key: the stored object was sealed under master key {sealed}, this is master key {ours}")]
    OtherKey {
        /// The master key named in the header.
        sealed: KeyId,
        /// The master key in use.
        ours: KeyId,
    },
    /// The file key cannot be unwrapped although the master key is the right one.
    #[error("the header of the stored object was altered: its file key does not unwrap")]
    Header,
    /// A frame does not authenticate at any position.
    #[error("chunk {index} of {of} was altered: it does not authenticate")]
    Altered {
        /// Position of the frame, counted from 0.
        index: u64,
        /// Number of chunks of the file.
        of: u64,
    },
    /// A frame of this object is in the position of another one.
    #[error("chunks out of order: found chunk {found} at the position of chunk {index} of {of}")]
    Moved {
        /// Position of the frame, counted from 0.
        index: u64,
        /// The position it was sealed for.
        found: u64,
        /// Number of chunks of the file.
        of: u64,
    },
    /// The object is shorter than required.
    #[error("the stored object is truncated: {what} has {found} bytes instead of {expected}")]
    Truncated {
        /// The truncated part.
        what: String,
        /// Number of bytes present.
        found: u64,
        /// Number of bytes required.
        expected: u64,
    },
    /// The object is longer than it was when stored.
    #[error("the stored object was appended to: it has {found} bytes instead of {expected}")]
    Appended {
        /// Number of bytes present.
        found: u64,
        /// Number of bytes required.
        expected: u64,
    },
    /// The trailer does not authenticate: the object does not end where it was sealed to end.
    #[error("the end of the stored object was altered or cut off: its trailer does not authenticate")]
    Trailer,
    /// The record after the trailer does not authenticate.
    #[error("the record of the stored object was altered or cut off: it does not authenticate")]
    Record,
    /// The trailer is authentic, but its counts differ.
    #[error("the stored object holds {found} {what}, its trailer says {sealed}")]
    Count {
        /// "chunks" or "bytes".
        what: &'static str,
        /// The opened number.
        found: u64,
        /// The sealed number.
        sealed: u64,
    },
    /// The operating system supplied no random bytes, or the cipher failed.
    #[error("the cipher failed while sealing")]
    Cipher,
}
