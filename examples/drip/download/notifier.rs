//! Puts opened files down, whole and checked, and tells whoever watches. A transfer is done here and nowhere before.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use stage_core::{Consumer, Context, Events, ExitReason, StageResult};

use super::Target;
use crate::repository::{Repository, Transfer};
use crate::transfer::{Failure, Hold, Opened, Part, Piece, Table, Witness, Work, Written};

/// The last stage of the download pipeline.
#[derive(Debug)]
pub struct Notifier {
    repository: Arc<dyn Repository>,
    writing: Writing,
    table: Table<Target>,
}

impl Notifier {
    /// A notifier that tells `repository` and `witness`.
    pub fn new(repository: Arc<dyn Repository>, witness: Arc<dyn Witness>) -> Self {
        Self { repository, writing: Writing { witness }, table: Table::default() }
    }

    /// Takes the files that came to their end out of the queue, in one transaction.
    async fn record(&self, ended: Vec<(Hold, u64)>) {
        if ended.is_empty() {
            return;
        }
        let transfers = ended.iter().map(|(hold, _)| hold.key()).collect();
        if let Err(error) = self.repository.finish_downloads(transfers).await {
            // The files are there; the next run into this folder writes them again, over nothing.
            tracing::warn!(%error, "finished downloads could not be taken out of the queue");
        }
        for (hold, bytes) in ended {
            hold.done(bytes);
            hold.handled();
        }
    }
}

impl Consumer for Notifier {
    type Event = Piece<Opened>;

    async fn handle_events(&mut self, events: Events<'_, Self::Event>, _: &mut Context<'_>) -> StageResult {
        let mut ended = Vec::new();
        for piece in events {
            let Piece { hold, part } = self.table.handle(&mut self.writing, piece).await;
            match part {
                Part::Begin(()) | Part::Broken => hold.handled(),
                Part::Chunk(_, bytes) => {
                    hold.moved(bytes);
                    self.writing.witness.moved(bytes);
                    hold.handled();
                }
                Part::End(bytes) => ended.push((hold, bytes)),
            }
        }
        self.record(ended).await;
        Ok(())
    }

    async fn terminate(&mut self, _reason: &ExitReason) {
        self.table.clear(&mut self.writing).await;
    }
}

#[derive(Debug)]
struct Writing {
    witness: Arc<dyn Witness>,
}

impl Work for Writing {
    type In = Opened;
    type Out = Written;
    type State = Target;

    async fn begin(&mut self, transfer: &Transfer, (): ()) -> Result<(Target, ()), Failure> {
        let target = Target::create(&transfer.path, transfer.id).map_err(|error| unwritable(&error))?;
        Ok((target, ()))
    }

    async fn chunk(&mut self, target: &mut Target, bytes: Bytes) -> Result<u64, Failure> {
        target.write(&bytes).map_err(|error| unwritable(&error))?;
        Ok(bytes.len() as u64)
    }

    async fn end(&mut self, transfer: &Transfer, target: Target, (): ()) -> Result<u64, Failure> {
        let media = &transfer.media;
        let size = target.size();
        if size != media.size || Some(target.checksum()) != media.checksum {
            return Err(Failure::permanent("checksum mismatch: the content is not what was uploaded"));
        }
        let id = media.id.0.simple().to_string();
        let name = target.publish(&id[id.len() - 8..]).map_err(|error| unwritable(&error))?;
        if name != transfer.path {
            self.witness.renamed(transfer, &name);
        }
        Ok(size)
    }
}

fn unwritable(error: &io::Error) -> Failure {
    Failure::of_io("cannot be written", error)
}
