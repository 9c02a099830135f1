//! The upload pipeline, declared.

use std::sync::Arc;

use stage_core::{Placement, pipeline};

use super::{Encryption, Files, Notifier, RemoteStorage, Starter};
use crate::cache::ContentCache;
use crate::repository::Repository;
use crate::seal::MasterKey;
use crate::store::Storage;
use crate::transfer::{Piece, Queue, Witness};

pipeline! {
    /// Seals every queued file and stores it.
    pub Upload(
        queue: Queue,
        files: Files,
        master: MasterKey,
        cache: ContentCache,
        storage: Storage,
        repository: Arc<dyn Repository>,
        witness: Arc<dyn Witness>,
        copies: usize,
    ) {
        name: "upload",

        start  Starter::new(queue, files), placement: Placement::Blocking;
        // One thread reads, seals and stores a chunk, so that it stays in one processor's cache.
        step   Encryption::new(master, cache), count: copies, by: Piece::key, min_demand: 8, max_demand: 16, placement: Placement::Rayon;
        then   RemoteStorage::new(storage);
        finish Notifier::new(repository, witness), max_demand: 100;
    }
}
