//! What travels between the stages: the beginning, the chunks and the end of a file, in the shape the next stage needs.

use std::fmt::Debug;

use bytes::Bytes;

use super::{Buffer, Hold};
use crate::repository::{Attributes, TransferId};
use crate::seal::Trailer;

/// The event of both pipelines: one part of one transfer, and the hold that goes with it.
#[derive(Debug)]
pub struct Piece<S: Shape> {
    /// Whose part this is.
    pub hold: Hold,
    /// The part.
    pub part: Part<S>,
}

impl<S: Shape> Piece<S> {
    /// What keyed steps go by.
    pub fn key(&self) -> TransferId {
        self.hold.key()
    }
}

/// A file comes as one `Begin`, its chunks in order, and one `End`; or, from wherever it failed on, as `Broken`.
#[derive(Debug)]
pub enum Part<S: Shape> {
    /// The file begins.
    Begin(S::Begin),
    /// The chunk with this index, counted from 0.
    Chunk(u64, S::Chunk),
    /// The file is whole.
    End(S::End),
    /// The transfer is dead: forget it. It may be told twice.
    Broken,
}

/// What the parts of a file are made of between two stages.
pub trait Shape: Debug + Send + 'static {
    /// What `Begin` tells.
    type Begin: Debug + Send + 'static;
    /// What a chunk is.
    type Chunk: Debug + Send + 'static;
    /// What `End` tells.
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
    /// Sealed content on its way into the storage: the header, frames, and the end.
    Sealed = Bytes, Buffer, SealedEnd
}
shape! {
    /// What arrived in the storage: clear bytes per chunk, and at the end what the whole is.
    Stored = (), u64, StoredEnd
}
shape! {
    /// What the storage is asked for: chunks, by their indexes.
    Wanted = (), (), ()
}
shape! {
    /// What the storage answers: a header, frames and a trailer; or the original, out of the cache.
    Fetched = Origin<(), Vec<u8>>, Origin<Bytes, Buffer>, Origin<(), Vec<u8>>
}
shape! {
    /// A file as it was before it was sealed.
    Opened = (), Bytes, ()
}

/// Where a fetched part comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin<O, S> {
    /// From the cache: nothing is to be done to it.
    Original(O),
    /// From the storage, sealed.
    Sealed(S),
}

/// The end of a sealed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEnd {
    /// The last bytes of the object.
    pub bytes: Vec<u8>,
    /// What is recorded of the file.
    pub stored: StoredEnd,
}

/// The end of a stored file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEnd {
    /// What the end of the object says.
    pub trailer: Trailer,
    /// The attributes that the file had while it was read.
    pub attributes: Attributes,
    /// Bytes of the object.
    pub object_size: u64,
}
