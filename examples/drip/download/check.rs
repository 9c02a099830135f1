//! Checks a stored object: a complete download without writing.

use stage_core::piecewise::HandlePieces;

use super::{Encryption, Lease, RemoteStorage};
use crate::buffer::Buffers;
use crate::cache::{Bounds, ContentCache};
use crate::repository::{Direction, Media, Transfer, TransferId};
use crate::seal::{CHUNK, MasterKey};
use crate::store::Storage;
use crate::transfer::Failure;

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
        let mut fetching = RemoteStorage::new(self.storage.clone(), cache.clone(), self.buffers.clone());
        let mut opening = Encryption::new(self.master.clone(), cache);
        let lease = Lease::new(Transfer {
            id: TransferId::new(),
            direction: Direction::Download,
            path: media.full_path.clone(),
            folder: None,
            media,
            attempts: 1,
        });
        let media = &lease.transfer.media;
        let mut hasher = blake3::Hasher::new();
        let (mut fetched, header) = fetching.begin(&lease, ()).await?;
        let (mut opened, ()) = opening.begin(&lease, header).await?;
        for _ in 0..media.size.div_ceil(CHUNK as u64) {
            let frame = fetching.next(&lease, &mut fetched, ()).await?;
            hasher.update(&opening.next(&lease, &mut opened, frame).await?);
        }
        let end = fetching.end(&lease, fetched, ()).await?;
        opening.end(&lease, opened, end).await?;
        if Some(*hasher.finalize().as_bytes()) != media.checksum {
            return Err(Failure::permanent("checksum mismatch: the content differs from the upload"));
        }
        Ok(())
    }
}
