//! Fetches requested chunks: from the cache, or else from the storage, frame by frame.

use bytes::Bytes;
use stage_core::{Emitter, Events, ProducerConsumer, StageResult};

use crate::cache::ContentCache;
use crate::repository::Transfer;
use crate::seal::{CHUNK, FRAME_EXTRA, HEADER_LEN, RECORD_MAX, SealError, TRAILER_LEN, sealed_len};
use crate::store::{Reader, Storage};
use crate::transfer::{Buffers, Failure, Fetched, Origin, Piece, Table, Wanted, Work};

/// Turns requests into stored pieces.
#[derive(Debug)]
pub struct RemoteStorage {
    fetching: Fetching,
    table: Table<FetchingFile>,
}

impl RemoteStorage {
    /// Creates a stage that looks into `cache` first and then into `storage`.
    pub fn new(storage: Storage, cache: ContentCache, buffers: Buffers) -> Self {
        Self { fetching: Fetching::new(storage, cache, buffers), table: Table::default() }
    }
}

impl ProducerConsumer for RemoteStorage {
    type In = Piece<Wanted>;
    type Out = Piece<Fetched>;

    async fn handle_events(
        &mut self,
        events: Events<'_, Self::In>,
        out: &mut Emitter<'_, Self::Out>,
    ) -> StageResult {
        for piece in events {
            out.emit(self.table.handle(&mut self.fetching, piece).await);
        }
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct Fetching {
    storage: Storage,
    cache: ContentCache,
    buffers: Buffers,
}

impl Fetching {
    pub(super) fn new(storage: Storage, cache: ContentCache, buffers: Buffers) -> Self {
        Self { storage, cache, buffers }
    }
}

/// A file that is being fetched.
#[derive(Debug)]
pub(super) enum FetchingFile {
    /// From the cache: the rest of the content.
    Original(Bytes),
    /// From the storage.
    Sealed { reader: Reader, left: u64, next: u64, of: u64 },
}

impl Work for Fetching {
    type In = Wanted;
    type Out = Fetched;
    type State = FetchingFile;

    async fn begin(
        &mut self,
        transfer: &Transfer,
        (): (),
    ) -> Result<(FetchingFile, Origin<(), Vec<u8>>), Failure> {
        let media = &transfer.media;
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

    async fn chunk(
        &mut self,
        file: &mut FetchingFile,
        (): (),
    ) -> Result<Origin<Bytes, crate::transfer::Buffer>, Failure> {
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
        transfer: &Transfer,
        file: FetchingFile,
        (): (),
    ) -> Result<Origin<(), Vec<u8>>, Failure> {
        match file {
            FetchingFile::Original(_) => Ok(Origin::Original(())),
            FetchingFile::Sealed { mut reader, .. } => {
                let record = reader.size().saturating_sub(sealed_len(transfer.media.size));
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
