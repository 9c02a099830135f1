//! The events between the stages: the beginning, the chunks and the end of a file, in the shape that the next
//! stage needs.

use std::fmt::Debug;

use bytes::Bytes;

use super::{Buffer, Hold};
use crate::repository::{Attributes, TransferId};
use crate::seal::Trailer;

/// The event of both pipelines: one part of a transfer, with a hold of its lease.
#[derive(Debug)]
pub struct Piece<S: Shape> {
    /// The hold of the transfer.
    pub hold: Hold,
    /// The part.
    pub part: Part<S>,
}

impl<S: Shape> Piece<S> {
    /// The key of keyed steps.
    pub fn key(&self) -> TransferId {
        self.hold.key()
    }
}

/// A part of a file: one `Begin`, its chunks in order, and one `End`. From a failure on, `Broken` replaces
/// the remaining parts.
#[derive(Debug)]
pub enum Part<S: Shape> {
    /// The file begins.
    Begin(S::Begin),
    /// The chunk with this index, counted from 0.
    Chunk(u64, S::Chunk),
    /// The file is complete.
    End(S::End),
    /// The transfer is dead: discard its state. May arrive twice.
    Broken,
}

/// The types of a file's parts between two stages.
pub trait Shape: Debug + Send + 'static {
    /// The content of `Begin`.
    type Begin: Debug + Send + 'static;
    /// The content of a chunk.
    type Chunk: Debug + Send + 'static;
    /// The content of `End`.
    type End: Debug + Send + 'static;
}

macro_rules! shape {
    ($(#[$doc:meta])* $name:ident = $begin:ty, $chunk:ty, $end:ty) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}

        impl Shape for $name {
            type Begin = $begin;
            type Chunk = $chunk;
            type End = $end;
        }
    };
}

shape! {
    /// Sealed content on its way to the storage: the header, frames, and the end.
    Sealed = Bytes, Buffer, SealedEnd
}
shape! {
    /// The stored data: clear bytes per chunk, and a summary at the end.
    Stored = (), u64, StoredEnd
}
shape! {
    /// Requests to the storage: chunks by index.
    Wanted = (), (), ()
}
shape! {
    /// Answers of the storage: a header, frames and a trailer, or the original from the cache.
    Fetched = Origin<(), Vec<u8>>, Origin<Bytes, Buffer>, Origin<(), Vec<u8>>
}
shape! {
    /// The opened file, as it was before sealing.
    Opened = (), Bytes, ()
}

/// The origin of a fetched part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin<O, S> {
    /// From the cache: needs no processing.
    Original(O),
    /// From the storage, sealed.
    Sealed(S),
}

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
