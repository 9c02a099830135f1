//! Storage of files with drip's upload pipeline, started as by `drip upload`.

use std::sync::Arc;

use drip::{
    cache::{Bounds, ContentCache},
    repository::{Repository, Scope},
    seal::MasterKey,
    store::Storage,
    transfer::Witness,
    upload::{Files, Queue, Recorder, Upload},
};

use super::{
    fixture::{Broken, Done, Input},
    ledger::{Ledger, Nobody},
};

/// Stores all files.
pub(super) async fn run(
    inputs: &[Input],
    master: &MasterKey,
    storage: &Storage,
) -> Result<Vec<Done>, Broken> {
    let ledger = Arc::new(Ledger::of(inputs));
    let repository: Arc<dyn Repository> = ledger.clone();
    let witness: Arc<dyn Witness> = Arc::new(Nobody);
    let recorder = Recorder::new(storage.clone(), Arc::clone(&repository));
    let queue = Queue::new(repository, Scope::Uploads, storage.clone(), Arc::clone(&witness), recorder);
    let pipeline = Upload::new(
        queue.clone(),
        Files::default(),
        master.clone(),
        ContentCache::new(Bounds::default()),
        storage.clone(),
        witness,
        Upload::copies(),
    );
    pipeline.start().await?.join().await?;
    queue.settled().await;
    Ok(ledger.done())
}
