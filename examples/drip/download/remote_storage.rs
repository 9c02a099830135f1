//! Fetches requested chunks: from the cache, or else from the storage, frame by frame.

use bytes::Bytes;
use stage_core::piecewise::HandlePieces;

use super::{Fetched, Lease, Origin, Wanted};
use crate::buffer::{Buffer, Buffers};
use crate::cache::ContentCache;
use crate::seal::{CHUNK, FRAME_EXTRA, HEADER_LEN, RECORD_MAX, SealError, TRAILER_LEN, sealed_len};
use crate::store::{Reader, Storage};
use crate::transfer::Failure;

/// Turns requests into stored pieces.
#[derive(Debug)]
pub struct RemoteStorage {
    storage: Storage,
    cache: ContentCache,
    buffers: Buffers,
}

impl RemoteStorage {
    /// Creates a stage that looks into `cache` first and then into `storage`.
    pub fn new(storage: Storage, cache: ContentCache, buffers: Buffers) -> Self {
        Self { storage, cache, buffers }
    }
}

/// A file that is being fetched.
#[derive(Debug)]
pub enum FetchingFile {
    /// From the cache: the rest of the content.
    Original(Bytes),
    /// From the storage.
    Sealed {
        /// The rest of the object.
        reader: Reader,
        /// The clear bytes in the rest.
        left: u64,
        /// The index of the next chunk.
        next: u64,
        /// The number of chunks.
        of: u64,
    },
}

impl HandlePieces for RemoteStorage {
    type Whole = Lease;
    type In = Wanted;
    type Out = Fetched;
    type State = FetchingFile;
    type Error = Failure;

    async fn begin(&mut self, lease: &Lease, (): ()) -> Result<(FetchingFile, Origin<(), Vec<u8>>), Failure> {
        let media = &lease.transfer.media;
        if let Some(content) = self.cache.get(media.id) {
            return Ok((FetchingFile::Original(content), Origin::Original(())));
        }
        let mut reader = self.storage.read(&media.storage_key).await?;
        check_size(reader.size(), media.object_size.unwrap_or(sealed_len(media.size)))?;
        let mut header = Vec::new();
        read(&mut reader, &mut header, HEADER_LEN, || "its header".into()).await?;
        let of = media.size.div_ceil(CHUNK as u64);
        Ok((FetchingFile::Sealed { reader, left: media.size, next: 0, of }, Origin::Sealed(header)))
    }

    async fn next(
        &mut self,
        _: &Lease,
        file: &mut FetchingFile,
        (): (),
    ) -> Result<Origin<Bytes, Buffer>, Failure> {
        match file {
            FetchingFile::Original(content) => {
                let chunk = content.split_to(content.len().min(CHUNK));
                Ok(Origin::Original(chunk))
            }
            FetchingFile::Sealed { reader, left, next, of } => {
                let clear = (*left).min(CHUNK as u64);
                let len = usize::try_from(clear).unwrap_or(CHUNK) + FRAME_EXTRA;
                let mut frame = self.buffers.take();
                read(reader, &mut frame, len, || format!("chunk {next} of {of}")).await?;
                *left -= clear;
                *next += 1;
                Ok(Origin::Sealed(frame))
            }
        }
    }

    async fn end(
        &mut self,
        lease: &Lease,
        file: FetchingFile,
        (): (),
    ) -> Result<Origin<(), Vec<u8>>, Failure> {
        match file {
            FetchingFile::Original(_) => Ok(Origin::Original(())),
            FetchingFile::Sealed { mut reader, .. } => {
                let record = reader.size().saturating_sub(sealed_len(lease.transfer.media.size));
                let record = usize::try_from(record).ok().filter(|len| *len <= RECORD_MAX);
                let len = TRAILER_LEN + record.ok_or(SealError::Record)?;
                let mut end = Vec::new();
                read(&mut reader, &mut end, len, || "its trailer".into()).await?;
                Ok(Origin::Sealed(end))
            }
        }
    }
}

fn check_size(found: u64, expected: u64) -> Result<(), SealError> {
    match found.cmp(&expected) {
        std::cmp::Ordering::Less => Err(SealError::Truncated { what: "it".into(), found, expected }),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(SealError::Appended { found, expected }),
    }
}

/// Reads the next `len` bytes; if the object ends early, the error names the truncated part, `what`.
async fn read(
    reader: &mut Reader,
    into: &mut Vec<u8>,
    len: usize,
    what: impl FnOnce() -> String + Send,
) -> Result<(), Failure> {
    match reader.read(into, len).await? {
        Ok(()) => Ok(()),
        Err(short) => {
            let (found, expected) = (short.found as u64, len as u64);
            Err(SealError::Truncated { what: what(), found, expected }.into())
        }
    }
}
