//! The declaration of the download pipeline.

use std::sync::Arc;

use stage_core::{Placement, piecewise, pipeline};

use super::{Chunks, Encryption, Notifier, Queue, RemoteStorage, Starter};
use crate::buffer::Buffers;
use crate::cache::ContentCache;
use crate::seal::MasterKey;
use crate::store::Storage;
use crate::transfer::{Witness, copies, key};

pipeline! {
    /// Fetches every queued medium, opens it and writes it to its file.
    pub Download(
        queue: Queue,
        storage: Storage,
        cache: ContentCache,
        buffers: Buffers,
        master: MasterKey,
        witness: Arc<dyn Witness>,
        copies: usize,
    ) {
        name: "download",
        // A piece holds a chunk of 256 KiB: these numbers bound the memory.
        max_demand: 10, min_demand: 1,
        acknowledged,

        start  Starter::new(queue, Chunks);
        step   piecewise::step(RemoteStorage::new(storage, cache.clone(), buffers)), name: "remote_storage", count: copies, by: key, placement: Placement::Blocking;
        step   piecewise::step(Encryption::new(master, cache)), name: "encryption", count: copies, by: key, placement: Placement::Rayon;
        finish piecewise::sink(Notifier::new(witness)), name: "notifier", count: copies, by: key, placement: Placement::Blocking;
    }
}

impl Download {
    /// Returns the number of `copies` that pays off on this machine: one per processor, at most four.
    pub fn copies() -> usize {
        copies(1)
    }
}
