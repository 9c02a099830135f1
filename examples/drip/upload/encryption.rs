//! Reads and seals chunks, with one key per file; adds small files to the cache.

use bytes::Bytes;
use stage_core::{Emitter, Events, ExitReason, ProducerConsumer, StageResult};

use super::{Found, OpenFile, Unread};
use crate::cache::{ContentCache, Gathering};
use crate::record::Record;
use crate::repository::{MediaId, Transfer};
use crate::seal::{Header, MasterKey, Sealer, record_len, sealed_len};
use crate::transfer::{Buffer, Failure, Piece, Sealed, SealedEnd, StoredEnd, Table, Work};

/// Turns the pieces of files into sealed ones.
#[derive(Debug)]
pub struct Encryption {
    sealing: Sealing,
    table: Table<SealingFile>,
}

impl Encryption {
    /// Creates an encryption that wraps file keys with `master`.
    pub fn new(master: MasterKey, cache: ContentCache) -> Self {
        Self { sealing: Sealing { master, cache }, table: Table::default() }
    }
}

impl ProducerConsumer for Encryption {
    type In = Piece<Unread>;
    type Out = Piece<Sealed>;

    async fn handle_events(
        &mut self,
        events: Events<'_, Self::In>,
        out: &mut Emitter<'_, Self::Out>,
    ) -> StageResult {
        for piece in events {
            out.emit(self.table.handle(&mut self.sealing, piece).await);
        }
        Ok(())
    }

    async fn terminate(&mut self, _reason: &ExitReason) {
        self.table.clear(&mut self.sealing).await;
    }
}

#[derive(Debug)]
struct Sealing {
    master: MasterKey,
    cache: ContentCache,
}

/// A file that is being sealed.
#[derive(Debug)]
struct SealingFile {
    media: MediaId,
    file: OpenFile,
    sealer: Sealer,
    gathering: Gathering,
}

impl Work for Sealing {
    type In = Unread;
    type Out = Sealed;
    type State = SealingFile;

    async fn begin(&mut self, transfer: &Transfer, found: Found) -> Result<(SealingFile, Bytes), Failure> {
        let file = found.open(transfer)?;
        let media = transfer.media.id;
        let header = Header::new(&self.master, media.0)?;
        let bytes = Bytes::copy_from_slice(header.bytes());
        let gathering = self.cache.gather(transfer.media.size);
        Ok((SealingFile { media, file, sealer: Sealer::new(header), gathering }, bytes))
    }

    async fn chunk(&mut self, file: &mut SealingFile, chunk: Option<Buffer>) -> Result<Buffer, Failure> {
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

    async fn end(&mut self, transfer: &Transfer, file: SealingFile, (): ()) -> Result<SealedEnd, Failure> {
        let attributes = file.file.attributes(transfer)?;
        let record = Record::of(&transfer.media, &attributes).to_bytes();
        let (trailer, bytes) = file.sealer.finish(&record)?;
        self.cache.put(file.media, file.gathering);
        let object_size = sealed_len(trailer.size) + record_len(record.len()) as u64;
        Ok(SealedEnd { bytes, stored: StoredEnd { trailer, attributes, object_size } })
    }
}
