//! The last stage of an upload: records stored files as media and reports them. A transfer counts as done
//! only here.

use std::sync::Arc;

use stage_core::{Consumer, Context, Events, ExitReason, StageResult};

use crate::repository::{self, Repository};
use crate::store::Storage;
use crate::transfer::{AsyncCommit, Committer, Failure, Hold, Part, Piece, Stored, StoredEnd, Witness};

/// The last stage of the upload pipeline.
#[derive(Debug)]
pub struct Notifier {
    recorder: Recorder,
    committer: Committer<(Hold, StoredEnd)>,
    witness: Arc<dyn Witness>,
}

impl Notifier {
    /// Creates a notifier that syncs `storage`, writes to `repository` and reports to `witness`.
    pub fn new(storage: Storage, repository: Arc<dyn Repository>, witness: Arc<dyn Witness>) -> Self {
        Self { recorder: Recorder { storage, repository }, committer: Committer::default(), witness }
    }
}

/// Records stored files once they survive a power cut.
#[derive(Debug, Clone)]
struct Recorder {
    storage: Storage,
    repository: Arc<dyn Repository>,
}

impl AsyncCommit<(Hold, StoredEnd)> for Recorder {
    /// Syncs objects before writing the rows that name them: a row must never outlive its object.
    async fn commit(&self, ended: Vec<(Hold, StoredEnd)>) {
        let keys = ended.iter().map(|(hold, _)| hold.transfer().media.storage_key.clone()).collect();
        let failure = match self.storage.sync(keys).await {
            Ok(()) => {
                let stored = ended.iter().map(|(hold, end)| stored(hold, end)).collect();
                let recorded = self.repository.finish_uploads(stored).await;
                recorded.err().map(|error| Failure::permanent(format!("stored, but not recorded: {error}")))
            }
            Err(error) => Some(error.into()),
        };
        for (hold, end) in ended {
            match &failure {
                None => hold.done(end.trailer.size),
                Some(failure) => hold.fail(failure.clone()),
            }
            hold.handled();
        }
    }
}

fn stored(hold: &Hold, end: &StoredEnd) -> repository::Stored {
    repository::Stored {
        transfer: hold.key(),
        media: hold.transfer().media.id,
        size: end.trailer.size,
        checksum: end.trailer.checksum,
        attributes: end.attributes.clone(),
        object_size: end.object_size,
    }
}

impl Consumer for Notifier {
    type Event = Piece<Stored>;

    async fn handle_events(&mut self, events: Events<'_, Self::Event>, _: &mut Context<'_>) -> StageResult {
        for Piece { hold, part } in events {
            match part {
                Part::End(end) if !hold.is_dead() => {
                    self.committer.add((hold, end), || self.recorder.clone()).await;
                }
                Part::Chunk(_, bytes) if !hold.is_dead() => {
                    hold.moved(bytes);
                    self.witness.moved(bytes);
                    hold.handled();
                }
                // The object of a transfer that died nevertheless is stored; the next attempt overwrites it,
                // or giving the transfer up removes it.
                Part::Begin(()) | Part::Chunk(..) | Part::End(_) | Part::Broken => hold.handled(),
            }
        }
        Ok(())
    }

    async fn terminate(&mut self, _reason: &ExitReason) {
        self.committer.close().await;
    }
}
