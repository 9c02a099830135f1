//! Compares downloaded files with their sources, reading both from disk again.

use std::io;
use std::path::{Path, PathBuf};

use stage_core::BoxError;

use crate::cli::targets::Targets;
use crate::download::checksum_of;
use crate::report::Failed;
use crate::repository::{Kind, Media};
use crate::session::Session;

/// Media compared per batch.
const PAGE: usize = 500;

/// The result of the comparison.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    /// Number of equal files.
    pub(super) equal: u64,
    /// Files that differ.
    pub(super) different: Vec<Failed>,
}

/// Compares every medium's source with its download in `folder`.
pub(super) async fn compare(session: &Session, folder: &Path) -> Result<Comparison, BoxError> {
    let mut comparison = Comparison::default();
    let folder = std::path::absolute(folder)?;
    let mut targets = Targets::new(&folder, session.repository.roots().await?);
    let mut after = None;
    loop {
        let page = session.repository.latest_after(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(comparison) };
        after = Some(last.id);
        let pairs: Vec<_> = page.into_iter().map(|media| (targets.download(&media).target, media)).collect();
        let verdicts =
            tokio::task::spawn_blocking(move || pairs.into_iter().map(judge).collect::<Vec<_>>()).await?;
        for verdict in verdicts {
            match verdict {
                Ok(()) => comparison.equal += 1,
                Err(failed) => comparison.different.push(failed),
            }
        }
    }
}

fn judge((target, media): (PathBuf, Media)) -> Result<(), Failed> {
    let failed = |cause: String| Failed::new(&media.full_path, &cause);
    if let Kind::Symlink { target: there } = &media.attributes.kind {
        let is_same = std::fs::read_link(&target).is_ok_and(|here| here == *there);
        return if is_same { Ok(()) } else { Err(failed("its download is a different link".to_owned())) };
    }
    let source = checksum_of(&media.full_path);
    let came_down =
        checksum_of(&target).map_err(|error| failed(format!("its download cannot be read: {error}")))?;
    match source {
        Ok(source) if source == came_down => Ok(()),
        // The source changed during the demonstration; the download still equals the uploaded content.
        Ok(_) if media.checksum == Some(came_down) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound && media.checksum == Some(came_down) => Ok(()),
        Ok(_) => Err(failed("its download differs".to_owned())),
        Err(error) => Err(failed(format!("cannot be read again: {error}"))),
    }
}
