//! Storage of files with tokio: one task per file, four at a time, sealed on a blocking thread, then put.

use std::sync::Arc;

use drip::{buffer::Buffers, seal::MasterKey};
use object_store::{ObjectStoreExt, local::LocalFileSystem, path::Path};
use tokio::{
    sync::Semaphore,
    task::{JoinSet, spawn_blocking},
};

use super::{
    fixture::{Broken, Done, Input},
    sealing::seal,
};

/// Number of files in progress at a time: as many as drip has open.
const OPEN: usize = 4;

/// Stores all files.
pub(super) async fn run(
    inputs: &[Input],
    master: &MasterKey,
    store: &Arc<LocalFileSystem>,
) -> Result<Vec<Done>, Broken> {
    let (open, buffers) = (Arc::new(Semaphore::new(OPEN)), Buffers::default());
    let mut files = JoinSet::new();
    for input in inputs {
        let room = Arc::clone(&open).acquire_owned().await?;
        let (input, master) = (input.clone(), master.clone());
        let (store, buffers) = (Arc::clone(store), buffers.clone());
        files.spawn(async move {
            let place = Path::from(input.media.storage_key());
            let media = input.media;
            let (object, trailer) = spawn_blocking(move || seal(&input, &master, &buffers)).await??;
            store.put(&place, object).await?;
            drop(room);
            Ok((media, trailer))
        });
    }
    files.join_all().await.into_iter().collect()
}
