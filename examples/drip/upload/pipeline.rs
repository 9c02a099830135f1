//! The declaration of the upload pipeline.

use std::sync::Arc;

use stage_core::{Placement, piecewise, pipeline};

use super::{Encryption, Files, Notifier, Queue, RemoteStorage, Starter};
use crate::cache::ContentCache;
use crate::seal::MasterKey;
use crate::store::Storage;
use crate::transfer::{Witness, copies, key};

pipeline! {
    /// Seals every queued file and stores it.
    pub Upload(
        queue: Queue,
        files: Files,
        master: MasterKey,
        cache: ContentCache,
        storage: Storage,
        witness: Arc<dyn Witness>,
        copies: usize,
    ) {
        name: "upload",
        acknowledged,

        start  Starter::new(queue, files), placement: Placement::Blocking;
        // On rayon's threads, so that the data of each read, seal and store stays in the processor's cache.
        step   piecewise::step(Encryption::new(master, cache)), name: "encryption", count: copies, by: key, max_demand: 16, placement: Placement::Rayon;
        step   piecewise::step(RemoteStorage::new(storage)), name: "remote_storage", count: copies, by: key, max_demand: 16, placement: Placement::Rayon;
        finish piecewise::sink(Notifier::new(witness)), name: "notifier", max_demand: 100;
    }
}

impl Upload {
    /// Returns the number of `copies` that pays off on this machine: two per processor, for at most four
    /// processors. One copy per processor is not enough, because keys may leave a copy idle.
    pub fn copies() -> usize {
        copies(2)
    }
}
