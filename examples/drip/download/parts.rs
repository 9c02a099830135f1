//! The parts of a file between the stages of a download.

use bytes::Bytes;
use stage_core::piecewise::Part;

use crate::buffer::Buffer;

/// Requests to the storage: one for each chunk, in order.
pub type Wanted = Part<(), (), ()>;
/// Answers of the storage: a header, frames and a trailer, or the original from the cache.
pub type Fetched = Part<Origin<(), Vec<u8>>, Origin<Bytes, Buffer>, Origin<(), Vec<u8>>>;
/// The opened file, as it was before sealing.
pub type Opened = Part<(), Bytes, ()>;

/// The origin of a fetched part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin<O, S> {
    /// From the cache: needs no processing.
    Original(O),
    /// From the storage, sealed.
    Sealed(S),
}
