//! Makes media of what is stored, and tells whoever watches. A transfer is done here and nowhere before.

use std::sync::Arc;

use stage_core::{Consumer, Context, Events, StageResult};

use crate::repository::{self, Repository};
use crate::seal::{Trailer, sealed_len};
use crate::transfer::{Failure, Hold, Part, Piece, Stored, Witness};

/// The last stage of the upload pipeline.
#[derive(Debug)]
pub struct Notifier {
    repository: Arc<dyn Repository>,
    witness: Arc<dyn Witness>,
}

impl Notifier {
    /// A notifier that writes into `repository` and tells `witness`.
    pub fn new(repository: Arc<dyn Repository>, witness: Arc<dyn Witness>) -> Self {
        Self { repository, witness }
    }

    /// Records the files that came to their end, in one transaction.
    async fn record(&self, ended: Vec<(Hold, Trailer)>) {
        if ended.is_empty() {
            return;
        }
        let stored = ended.iter().map(|(hold, trailer)| stored(hold, *trailer)).collect();
        match self.repository.finish_uploads(stored).await {
            Ok(()) => {
                for (hold, trailer) in ended {
                    hold.done(trailer.size);
                    hold.handled();
                }
            }
            Err(error) => {
                let failure = Failure::permanent(format!("stored, but not recorded: {error}"));
                for (hold, _) in ended {
                    hold.fail(failure.clone());
                    hold.handled();
                }
            }
        }
    }
}

fn stored(hold: &Hold, trailer: Trailer) -> repository::Stored {
    repository::Stored {
        transfer: hold.key(),
        media: hold.transfer().media.id,
        size: trailer.size,
        checksum: trailer.checksum,
        attributes: hold.transfer().media.attributes.clone(),
        object_size: sealed_len(trailer.size),
    }
}

impl Consumer for Notifier {
    type Event = Piece<Stored>;

    async fn handle_events(&mut self, events: Events<'_, Self::Event>, _: &mut Context<'_>) -> StageResult {
        let mut ended = Vec::new();
        for Piece { hold, part } in events {
            match part {
                Part::End(trailer) if !hold.is_dead() => ended.push((hold, trailer)),
                Part::Chunk(_, bytes) if !hold.is_dead() => {
                    hold.moved(bytes);
                    self.witness.moved(bytes);
                    hold.handled();
                }
                // An end that is dead all the same was stored whole; the next attempt writes over it, and whoever gives the
                // transfer up removes it.
                Part::Begin(()) | Part::Chunk(..) | Part::End(_) | Part::Broken => hold.handled(),
            }
        }
        self.record(ended).await;
        Ok(())
    }
}
