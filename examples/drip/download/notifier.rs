//! The end of a download: writes opened files, verifies them, gives them their names, and reports them. A transfer
//! counts as done only when its file has its name.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use stage_core::piecewise::{HandlePieces, Part};

use super::{Complete, HardLinks, Lease, Opened, Target};
use crate::durable::sync_files;
use crate::repository::Repository;
use crate::transfer::{Failure, Finish, Witness};

/// The last stage of the download pipeline.
#[derive(Debug)]
pub struct Notifier {
    witness: Arc<dyn Witness>,
}

impl Notifier {
    /// Creates a notifier that reports to `witness`.
    pub fn new(witness: Arc<dyn Witness>) -> Self {
        Self { witness }
    }
}

impl HandlePieces for Notifier {
    type Whole = Lease;
    type In = Opened;
    type Out = Part<(), (), ()>;
    type State = Target;
    type Error = Failure;

    async fn begin(&mut self, lease: &Lease, (): ()) -> Result<(Target, ()), Failure> {
        let target = Target::create(&lease.transfer).map_err(|error| unwritable(&error))?;
        Ok((target, ()))
    }

    async fn next(&mut self, lease: &Lease, target: &mut Target, bytes: Bytes) -> Result<(), Failure> {
        target.write(&bytes).map_err(|error| unwritable(&error))?;
        let bytes = bytes.len() as u64;
        lease.moved(bytes);
        self.witness.moved(bytes);
        Ok(())
    }

    async fn end(&mut self, lease: &Lease, target: Target, (): ()) -> Result<(), Failure> {
        let media = &lease.transfer.media;
        if target.size() != media.size || Some(target.checksum()) != media.checksum {
            return Err(Failure::permanent("checksum mismatch: the content differs from the upload"));
        }
        lease.end(target.complete().map_err(|error| unwritable(&error))?);
        Ok(())
    }
}

/// Gives files their names once their content survives a power cut.
#[derive(Debug, Clone)]
pub struct Publisher {
    repository: Arc<dyn Repository>,
    links: HardLinks,
    witness: Arc<dyn Witness>,
}

impl Publisher {
    /// Creates a publisher that reports to `repository` and `witness`.
    pub fn new(repository: Arc<dyn Repository>, witness: Arc<dyn Witness>) -> Self {
        Self { repository, links: HardLinks::default(), witness }
    }
}

/// The path of a named file, and its size.
type Published = io::Result<(PathBuf, u64)>;

impl Finish for Publisher {
    type End = Complete;

    async fn finish(&self, ended: Vec<(Arc<Lease>, Complete)>) -> Vec<Result<u64, Failure>> {
        let links = self.links.clone();
        let leases: Vec<_> = ended.iter().map(|(lease, _)| Arc::clone(lease)).collect();
        let published = tokio::task::spawn_blocking(move || publish(ended, &links)).await;
        let Ok(published) = published else {
            return leases.iter().map(|_| Err(Failure::passing("giving it its name panicked"))).collect();
        };
        let done = leases.iter().zip(&published).filter(|(_, published)| published.is_ok());
        let transfers = done.map(|(lease, _)| lease.transfer.id).collect();
        if let Err(error) = self.repository.finish_downloads(transfers).await {
            // The files exist. The next run into this folder downloads them again and finds equal content
            // under their names.
            tracing::warn!(%error, "cannot remove finished downloads from the queue");
        }
        let outcome = |(lease, published): (Arc<Lease>, Published)| {
            let (name, size) = published.map_err(|error| unwritable(&error))?;
            if name != lease.transfer.path {
                self.witness.renamed(&lease.transfer, &name);
            }
            Ok(size)
        };
        leases.into_iter().zip(published).map(outcome).collect()
    }
}

/// Syncs the files, names them, and syncs the names, so that no name survives a power cut without its
/// content.
fn publish(ended: Vec<(Arc<Lease>, Complete)>, links: &HardLinks) -> Vec<Published> {
    let Some(root) = ended.first().map(|(_, complete)| complete.root().to_owned()) else { return Vec::new() };
    let unnamed: Vec<_> = ended.iter().filter_map(|(_, complete)| complete.unnamed()).collect();
    let synced = sync_files(&unnamed, &root);
    let named = ended.into_iter().map(|(lease, complete)| {
        again(&synced)?;
        let id = lease.transfer.media.id.0.simple().to_string();
        let size = complete.size();
        Ok((complete.publish(&id[id.len() - 8..], links)?, size))
    });
    let mut named: Vec<Published> = named.collect();
    let paths: Vec<_> = named.iter().filter_map(|named| Some(named.as_ref().ok()?.0.clone())).collect();
    if let Err(error) = sync_files(&paths, &root) {
        let synced = Err(error);
        for named in &mut named {
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

fn unwritable(error: &io::Error) -> Failure {
    Failure::of_io("cannot be written", error)
}
