//! Checks a stored object: a complete download without writing.

use super::encryption::Opening;
use super::remote_storage::Fetching;
use crate::cache::{Bounds, ContentCache};
use crate::repository::{Direction, Media, Transfer, TransferId};
use crate::seal::{CHUNK, MasterKey};
use crate::store::Storage;
use crate::transfer::{Buffers, Failure, Work};

/// Reads stored objects to their end and opens them; cheap to clone.
#[derive(Debug, Clone)]
pub struct Check {
    storage: Storage,
    master: MasterKey,
    buffers: Buffers,
}

impl Check {
    /// Creates a check for objects in `storage` that were sealed under `master`.
    pub fn new(storage: Storage, master: MasterKey) -> Self {
        Self { storage, master, buffers: Buffers::default() }
    }

    /// Checks one medium; blocks while it reads from a folder.
    ///
    /// # Errors
    /// The failure that a download would report.
    pub async fn check(&self, media: Media) -> Result<(), Failure> {
        // The cache holds nothing, so the check reads the storage.
        let cache = ContentCache::new(Bounds { total: 0, file: 0, ..Bounds::default() });
        let mut fetching = Fetching::new(self.storage.clone(), cache.clone(), self.buffers.clone());
        let mut opening = Opening::new(self.master.clone(), cache);
        let transfer = Transfer {
            id: TransferId::new(),
            direction: Direction::Download,
            path: media.full_path.clone(),
            folder: None,
            media,
            attempts: 1,
        };
        let mut hasher = blake3::Hasher::new();
        let (mut fetched, header) = fetching.begin(&transfer, ()).await?;
        let (mut opened, ()) = opening.begin(&transfer, header).await?;
        for _ in 0..transfer.media.size.div_ceil(CHUNK as u64) {
            let frame = fetching.chunk(&mut fetched, ()).await?;
            hasher.update(&opening.chunk(&mut opened, frame).await?);
        }
        let end = fetching.end(&transfer, fetched, ()).await?;
        opening.end(&transfer, opened, end).await?;
        if Some(*hasher.finalize().as_bytes()) != transfer.media.checksum {
            return Err(Failure::permanent("checksum mismatch: the content differs from the upload"));
        }
        Ok(())
    }
}
