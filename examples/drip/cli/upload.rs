//! How do files go up? The command `drip upload PATH…`.

use std::path::PathBuf;
use std::sync::Arc;

use stage_core::BoxError;

use super::entry::Success;
use super::output::Output;
use super::{pipelines, plan, run};
use crate::report::{Progress, Summary, count, tell};
use crate::repository::{RepositoryError, Scope};
use crate::session::{Places, Session};
use crate::transfer::Queue;

/// What is done with uploads that failed for good in earlier runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Earlier {
    TryAgain,
    Leave,
}

pub(super) async fn run(
    places: &Places,
    paths: &[PathBuf],
    earlier: Earlier,
    user: &str,
    output: Output,
) -> Result<Success, BoxError> {
    let session = Session::open(places).await?;
    if earlier == Earlier::TryAgain {
        let revived = session.repository.revive_uploads().await?;
        tracing::info!(revived, "uploads that failed in earlier runs are tried again");
    }
    let summary = upload(&session, paths, user).await?;
    tell_dead(&session).await?;
    output.result(&summary.line("uploaded"), &summary)?;
    Ok(Success::of(&summary))
}

/// What failed for good, now or earlier, is kept.
async fn tell_dead(session: &Session) -> Result<(), RepositoryError> {
    let dead = session.repository.dead_count().await?;
    if dead > 0 {
        let uploads = if dead == 1 { "upload that failed is" } else { "uploads that failed are" };
        let dead = count(dead);
        tell(&format!("{dead} {uploads} kept: `drip failed` tells why, `drip upload --failed` tries again"));
    }
    Ok(())
}

/// Uploads what is at `paths`, and what an earlier run left in the queue.
pub(super) async fn upload(session: &Session, paths: &[PathBuf], user: &str) -> Result<Summary, BoxError> {
    session.storage.reach().await?;
    let master = session.sealing_key().await?;
    let repository = &session.repository;
    let progress = Arc::new(Progress::new("upload"));
    let left = repository.waiting(&Scope::Uploads).await?;
    if left.files > 0 {
        progress.note(&format!(
            "going on with {} upload{} that an earlier run left in the queue",
            count(left.files),
            if left.files == 1 { "" } else { "s" },
        ));
    }
    let queue = Queue::new(repository.clone(), Scope::Uploads, session.storage.clone(), progress.clone());
    // Before anything is queued: options that are wrong leave nothing behind.
    let pipeline = pipelines::upload(session, &queue, master, &progress)?;
    let user = repository.user(user).await?;
    for path in paths {
        plan::uploads(repository.as_ref(), user, path, session.avoid(), &progress).await?;
    }
    let waiting = queue.waiting().await?;
    progress.expect(waiting.files, waiting.bytes);
    let running = pipeline.start().await?;
    Ok(run::to_its_end("upload", running, &queue, &progress).await)
}
