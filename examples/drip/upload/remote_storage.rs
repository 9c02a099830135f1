//! Writes sealed files to the storage, each completely or not at all.

use bytes::Bytes;
use stage_core::piecewise::HandlePieces;

use super::{Lease, Sealed, SealedEnd, Stored, StoredEnd};
use crate::buffer::Buffer;
use crate::seal::{FRAME_EXTRA, sealed_len};
use crate::store::{Storage, Writer};
use crate::transfer::Failure;

/// Turns sealed pieces into confirmations of their storage.
#[derive(Debug)]
pub struct RemoteStorage {
    storage: Storage,
}

impl RemoteStorage {
    /// Creates a stage that writes to `storage`.
    pub fn new(storage: Storage) -> Self {
        Self { storage }
    }
}

impl HandlePieces for RemoteStorage {
    type Whole = Lease;
    type In = Sealed;
    type Out = Stored;
    type State = Writer;
    type Error = Failure;

    async fn begin(&mut self, lease: &Lease, header: Bytes) -> Result<(Writer, ()), Failure> {
        let media = &lease.transfer.media;
        let mut writer = self.storage.write(&media.storage_key, sealed_len(media.size));
        match writer.write(header).await {
            Ok(()) => Ok((writer, ())),
            Err(error) => {
                writer.abort().await;
                Err(error.into())
            }
        }
    }

    async fn next(&mut self, _: &Lease, writer: &mut Writer, frame: Buffer) -> Result<u64, Failure> {
        let clear = frame.len() - FRAME_EXTRA;
        writer.write(frame.into_bytes()).await?;
        Ok(clear as u64)
    }

    async fn end(&mut self, _: &Lease, mut writer: Writer, end: SealedEnd) -> Result<StoredEnd, Failure> {
        if let Err(error) = writer.write(end.bytes.into()).await {
            writer.abort().await;
            return Err(error.into());
        }
        writer.finish().await?;
        Ok(end.stored)
    }

    async fn abandon(&mut self, writer: Writer) {
        writer.abort().await;
    }
}
