//! The declaration of the upload pipeline.

use std::sync::Arc;

use stage_core::{Placement, pipeline};

use super::{Encryption, Files, Notifier, RemoteStorage, Starter};
use crate::cache::ContentCache;
use crate::repository::Repository;
use crate::seal::MasterKey;
use crate::store::Storage;
use crate::transfer::{Piece, Queue, Witness, copies};

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
        // On rayon's threads, so that the data of each read, seal and store stays in the processor's cache.
        step   Encryption::new(master, cache), count: copies, by: Piece::key, max_demand: 16, placement: Placement::Rayon;
        step   RemoteStorage::new(storage.clone()), count: copies, by: Piece::key, max_demand: 16, placement: Placement::Rayon;
        finish Notifier::new(storage, repository, witness), max_demand: 100;
    }
}

impl Upload {
    /// Returns the number of `copies` that pays off on this machine: two per processor, for at most four
    /// processors. One copy per processor is not enough, because keys may leave a copy idle.
    pub fn copies() -> usize {
        copies(2)
    }
}
