//! The declaration of the download pipeline.

use std::sync::Arc;

use stage_core::{Placement, pipeline};

use super::{Chunks, Encryption, HardLinks, Notifier, RemoteStorage, Starter};
use crate::cache::ContentCache;
use crate::repository::Repository;
use crate::seal::MasterKey;
use crate::store::Storage;
use crate::transfer::{Buffers, Piece, Queue, Witness, copies};

pipeline! {
    /// Fetches every queued medium, opens it and writes it to its file.
    pub Download(
        queue: Queue,
        storage: Storage,
        cache: ContentCache,
        buffers: Buffers,
        master: MasterKey,
        repository: Arc<dyn Repository>,
        links: HardLinks,
        witness: Arc<dyn Witness>,
        copies: usize,
    ) {
        name: "download",

        start  Starter::new(queue, Chunks);
        step   RemoteStorage::new(storage, cache.clone(), buffers), count: copies, by: Piece::key, placement: Placement::Blocking;
        step   Encryption::new(master, cache), count: copies, by: Piece::key, placement: Placement::Rayon;
        finish Notifier::new(repository, links, witness), count: copies, by: Piece::key, placement: Placement::Blocking;
    }
}

impl Download {
    /// Returns the number of `copies` that pays off on this machine: one per processor, at most four.
    pub fn copies() -> usize {
        copies(1)
    }
}
