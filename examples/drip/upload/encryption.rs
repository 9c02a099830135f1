//! Reads and seals chunks, with one key per file; adds small files to the cache.

use bytes::Bytes;
use stage_core::piecewise::HandlePieces;

use super::{Found, Lease, OpenFile, Sealed, SealedEnd, StoredEnd, Unread};
use crate::buffer::Buffer;
use crate::cache::{ContentCache, Gathering};
use crate::record::Record;
use crate::repository::MediaId;
use crate::seal::{Header, MasterKey, Sealer, record_len, sealed_len};
use crate::transfer::Failure;

/// Turns the pieces of files into sealed ones.
#[derive(Debug)]
pub struct Encryption {
    master: MasterKey,
    cache: ContentCache,
}

impl Encryption {
    /// Creates an encryption that wraps file keys with `master`.
    pub fn new(master: MasterKey, cache: ContentCache) -> Self {
        Self { master, cache }
    }
}

/// A file that is being sealed.
#[derive(Debug)]
pub struct SealingFile {
    media: MediaId,
    file: OpenFile,
    sealer: Sealer,
    gathering: Gathering,
}

impl HandlePieces for Encryption {
    type Whole = Lease;
    type In = Unread;
    type Out = Sealed;
    type State = SealingFile;
    type Error = Failure;

    async fn begin(&mut self, lease: &Lease, found: Found) -> Result<(SealingFile, Bytes), Failure> {
        let file = found.open(&lease.transfer)?;
        let media = &lease.transfer.media;
        let header = Header::new(&self.master, media.id.0)?;
        let bytes = Bytes::copy_from_slice(header.bytes());
        let gathering = self.cache.gather(media.size);
        Ok((SealingFile { media: media.id, file, sealer: Sealer::new(header), gathering }, bytes))
    }

    async fn next(
        &mut self,
        _: &Lease,
        file: &mut SealingFile,
        chunk: Option<Buffer>,
    ) -> Result<Buffer, Failure> {
        let SealingFile { file, gathering, sealer, .. } = file;
        let mut chunk = file.chunk(chunk)?;
        let mut seal = || {
            gathering.add(&chunk);
            sealer.seal(&mut chunk)
        };
        if rayon::current_thread_index().is_some() {
            // An idle thread reads ahead meanwhile; without one, this thread reads after sealing.
            rayon::join(seal, || file.read_ahead()).0?;
        } else {
            seal()?;
        }
        Ok(chunk)
    }

    async fn end(&mut self, lease: &Lease, file: SealingFile, (): ()) -> Result<SealedEnd, Failure> {
        let attributes = file.file.attributes(&lease.transfer)?;
        let record = Record::of(&lease.transfer.media, &attributes).to_bytes();
        let (trailer, bytes) = file.sealer.finish(&record)?;
        self.cache.put(file.media, file.gathering);
        let object_size = sealed_len(trailer.size) + record_len(record.len()) as u64;
        Ok(SealedEnd { bytes, stored: StoredEnd { trailer, attributes, object_size } })
    }
}
