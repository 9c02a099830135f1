//! The last stage of a download: writes opened files, verifies them, and reports them. A transfer counts as
//! done only here.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use stage_core::{Consumer, Context, Events, ExitReason, StageResult};

use super::{Complete, HardLinks, Target};
use crate::durable::sync_files;
use crate::repository::{Repository, Transfer};
use crate::transfer::{
    AsyncCommit, Committer, Failure, Hold, Opened, Part, Piece, Shape, Table, Witness, Work,
};

/// The output of a write: bytes per chunk, and at the end the complete file under a temporary name.
#[derive(Debug)]
pub enum Written {}

impl Shape for Written {
    type Begin = ();
    type Chunk = u64;
    type End = Complete;
}

/// The last stage of the download pipeline.
#[derive(Debug)]
pub struct Notifier {
    publisher: Publisher,
    committer: Committer<(Hold, Complete)>,
    writing: Writing,
    table: Table<Target>,
}

impl Notifier {
    /// Creates a notifier that reports to `repository` and `witness`. The notifiers of one run share `links`.
    pub fn new(repository: Arc<dyn Repository>, links: HardLinks, witness: Arc<dyn Witness>) -> Self {
        let publisher = Publisher { repository, links, witness: Arc::clone(&witness) };
        let committer = Committer::default();
        Self { publisher, committer, writing: Writing { witness }, table: Table::default() }
    }
}

impl Consumer for Notifier {
    type Event = Piece<Opened>;

    async fn handle_events(&mut self, events: Events<'_, Self::Event>, _: &mut Context<'_>) -> StageResult {
        for piece in events {
            let Piece { hold, part } = self.table.handle(&mut self.writing, piece).await;
            match part {
                Part::Begin(()) | Part::Broken => hold.handled(),
                Part::Chunk(_, bytes) => {
                    hold.moved(bytes);
                    self.writing.witness.moved(bytes);
                    hold.handled();
                }
                Part::End(complete) => {
                    self.committer.add((hold, complete), || self.publisher.clone()).await;
                }
            }
        }
        Ok(())
    }

    async fn terminate(&mut self, _reason: &ExitReason) {
        self.table.clear(&mut self.writing).await;
        self.committer.close().await;
    }
}

/// Gives files their names once their content survives a power cut.
#[derive(Debug, Clone)]
struct Publisher {
    repository: Arc<dyn Repository>,
    links: HardLinks,
    witness: Arc<dyn Witness>,
}

/// The path of a named file, and its size.
type Published = io::Result<(PathBuf, u64)>;

impl AsyncCommit<(Hold, Complete)> for Publisher {
    async fn commit(&self, ended: Vec<(Hold, Complete)>) {
        let links = self.links.clone();
        let published = tokio::task::spawn_blocking(move || publish(ended, &links)).await;
        // A panic has dropped the holds, which fails their transfers.
        let Ok(published) = published else { return };
        let done = published.iter().filter(|(_, published)| published.is_ok());
        let transfers = done.map(|(hold, _)| hold.key()).collect();
        if let Err(error) = self.repository.finish_downloads(transfers).await {
            // The files exist. The next run into this folder downloads them again and finds equal content
            // under their names.
            tracing::warn!(%error, "cannot remove finished downloads from the queue");
        }
        for (hold, published) in published {
            match published {
                Ok((name, size)) => {
                    if name != hold.transfer().path {
                        self.witness.renamed(hold.transfer(), &name);
                    }
                    hold.done(size);
                }
                Err(error) => hold.fail(unwritable(&error)),
            }
            hold.handled();
        }
    }
}

/// Syncs the files, names them, and syncs the names, so that no name survives a power cut without its
/// content.
fn publish(ended: Vec<(Hold, Complete)>, links: &HardLinks) -> Vec<(Hold, Published)> {
    let Some(root) = ended.first().map(|(_, complete)| complete.root().to_owned()) else { return Vec::new() };
    let unnamed: Vec<_> = ended.iter().filter_map(|(_, complete)| complete.unnamed()).collect();
    let synced = sync_files(&unnamed, &root);
    let named = ended.into_iter().map(|(hold, complete)| {
        let published = again(&synced).and_then(|()| {
            let id = hold.transfer().media.id.0.simple().to_string();
            let size = complete.size();
            Ok((complete.publish(&id[id.len() - 8..], links)?, size))
        });
        (hold, published)
    });
    let mut named: Vec<_> = named.collect();
    let paths: Vec<_> = named.iter().filter_map(|(_, named)| Some(named.as_ref().ok()?.0.clone())).collect();
    if let Err(error) = sync_files(&paths, &root) {
        let synced = Err(error);
        for (_, named) in &mut named {
            if let Err(error) = again(&synced) {
                *named = Err(error);
            }
        }
    }
    named
}

/// Clones the result.
fn again(result: &io::Result<()>) -> io::Result<()> {
    result.as_ref().map_err(|error| io::Error::new(error.kind(), error.to_string())).copied()
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
        let target = Target::create(transfer).map_err(|error| unwritable(&error))?;
        Ok((target, ()))
    }

    async fn chunk(&mut self, target: &mut Target, bytes: Bytes) -> Result<u64, Failure> {
        target.write(&bytes).map_err(|error| unwritable(&error))?;
        Ok(bytes.len() as u64)
    }

    async fn end(&mut self, transfer: &Transfer, target: Target, (): ()) -> Result<Complete, Failure> {
        let media = &transfer.media;
        if target.size() != media.size || Some(target.checksum()) != media.checksum {
            return Err(Failure::permanent("checksum mismatch: the content differs from the upload"));
        }
        target.complete().map_err(|error| unwritable(&error))
    }
}

fn unwritable(error: &io::Error) -> Failure {
    Failure::of_io("cannot be written", error)
}
