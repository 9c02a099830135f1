//! Writes sealed files to the storage, each completely or not at all.

use bytes::Bytes;
use stage_core::{Emitter, Events, ExitReason, ProducerConsumer, StageResult};

use crate::repository::Transfer;
use crate::seal::{FRAME_EXTRA, sealed_len};
use crate::store::{Storage, Writer};
use crate::transfer::{Buffer, Failure, Piece, Sealed, SealedEnd, Stored, StoredEnd, Table, Work};

/// Turns sealed pieces into confirmations of their storage.
#[derive(Debug)]
pub struct RemoteStorage {
    storing: Storing,
    table: Table<Writer>,
}

impl RemoteStorage {
    /// Creates a stage that writes to `storage`.
    pub fn new(storage: Storage) -> Self {
        Self { storing: Storing { storage }, table: Table::default() }
    }
}

impl ProducerConsumer for RemoteStorage {
    type In = Piece<Sealed>;
    type Out = Piece<Stored>;

    async fn handle_events(
        &mut self,
        events: Events<'_, Self::In>,
        out: &mut Emitter<'_, Self::Out>,
    ) -> StageResult {
        for piece in events {
            out.emit(self.table.handle(&mut self.storing, piece).await);
        }
        Ok(())
    }

    async fn terminate(&mut self, _reason: &ExitReason) {
        self.table.clear(&mut self.storing).await;
    }
}

#[derive(Debug)]
struct Storing {
    storage: Storage,
}

impl Work for Storing {
    type In = Sealed;
    type Out = Stored;
    type State = Writer;

    async fn begin(&mut self, transfer: &Transfer, header: Bytes) -> Result<(Writer, ()), Failure> {
        let media = &transfer.media;
        let mut writer = self.storage.write(&media.storage_key, sealed_len(media.size));
        match writer.write(header).await {
            Ok(()) => Ok((writer, ())),
            Err(error) => {
                writer.abort().await;
                Err(error.into())
            }
        }
    }

    async fn chunk(&mut self, writer: &mut Writer, frame: Buffer) -> Result<u64, Failure> {
        let clear = frame.len() - FRAME_EXTRA;
        writer.write(frame.into_bytes()).await?;
        Ok(clear as u64)
    }

    async fn end(&mut self, _: &Transfer, mut writer: Writer, end: SealedEnd) -> Result<StoredEnd, Failure> {
        if let Err(error) = writer.write(end.bytes.into()).await {
            writer.abort().await;
            return Err(error.into());
        }
        writer.finish().await?;
        Ok(end.stored)
    }

    async fn give_up(&mut self, writer: Writer) {
        writer.abort().await;
    }
}
