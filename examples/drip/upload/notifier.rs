//! The end of an upload: reports what arrives, syncs stored files and records them as media. A transfer counts as
//! done only when it is recorded.

use std::sync::Arc;

use stage_core::piecewise::{HandlePieces, Part};

use super::{Lease, Stored, StoredEnd};
use crate::repository::{self, Repository};
use crate::store::Storage;
use crate::transfer::{Failure, Finish, Witness};

/// The last stage of the upload pipeline.
#[derive(Debug)]
pub struct Notifier {
    witness: Arc<dyn Witness>,
}

impl Notifier {
    /// Creates a notifier that reports to `witness`.
    pub fn new(witness: Arc<dyn Witness>) -> Self {
        Self { witness }
    }
}

impl HandlePieces for Notifier {
    type Whole = Lease;
    type In = Stored;
    type Out = Part<(), (), ()>;
    type State = ();
    type Error = Failure;

    async fn begin(&mut self, _: &Lease, (): ()) -> Result<((), ()), Failure> {
        Ok(((), ()))
    }

    async fn next(&mut self, lease: &Lease, (): &mut (), bytes: u64) -> Result<(), Failure> {
        lease.moved(bytes);
        self.witness.moved(bytes);
        Ok(())
    }

    /// The object of a transfer that died nevertheless is stored; the next attempt overwrites it, or giving the
    /// transfer up removes it.
    async fn end(&mut self, lease: &Lease, (): (), end: StoredEnd) -> Result<(), Failure> {
        lease.end(end);
        Ok(())
    }
}

/// Records stored files once they survive a power cut.
#[derive(Debug, Clone)]
pub struct Recorder {
    storage: Storage,
    repository: Arc<dyn Repository>,
}

impl Recorder {
    /// Creates a recorder that syncs `storage` and writes to `repository`.
    pub fn new(storage: Storage, repository: Arc<dyn Repository>) -> Self {
        Self { storage, repository }
    }

    /// Syncs objects before writing the rows that name them: a row must never outlive its object. The same
    /// transaction removes the transfers from the queue.
    async fn record(&self, ended: &[(Arc<Lease>, StoredEnd)]) -> Result<(), Failure> {
        let keys = ended.iter().map(|(lease, _)| lease.transfer.media.storage_key.clone()).collect();
        self.storage.sync(keys).await?;
        let stored = ended.iter().map(|(lease, end)| stored(lease, end)).collect();
        let recorded = self.repository.finish_uploads(stored).await;
        recorded.map_err(|error| Failure::permanent(format!("stored, but not recorded: {error}")))
    }
}

impl Finish for Recorder {
    type End = StoredEnd;

    async fn finish(&self, ended: Vec<(Arc<Lease>, StoredEnd)>) -> Vec<Result<u64, Failure>> {
        let recorded = self.record(&ended).await;
        ended.iter().map(|(_, end)| recorded.clone().map(|()| end.trailer.size)).collect()
    }
}

fn stored(lease: &Lease, end: &StoredEnd) -> repository::Stored {
    repository::Stored {
        transfer: lease.transfer.id,
        media: lease.transfer.media.id,
        size: end.trailer.size,
        checksum: end.trailer.checksum,
        attributes: end.attributes.clone(),
        object_size: end.object_size,
    }
}
