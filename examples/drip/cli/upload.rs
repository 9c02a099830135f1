//! The command `drip upload PATH…`: queues new and changed files, and uploads the queue.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use stage_core::BoxError;

use super::entry::Success;
use super::output::Output;
use super::{pipelines, plan, run};
use crate::report::{Progress, Summary, count, shown, tell};
use crate::repository::{RepositoryError, Scope};
use crate::session::{Places, Session, SessionError};
use crate::walk::{LeftOut, Links, Pattern};

/// How to treat uploads that failed permanently in earlier runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Earlier {
    TryAgain,
    Leave,
}

/// The parameters of an upload.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Files and folders; if there are none, only the queue is uploaded.
    pub(super) paths: &'a [PathBuf],
    /// How symbolic links are treated.
    pub(super) links: Links,
    /// The owner of the files.
    pub(super) user: &'a str,
    /// Patterns of excluded files.
    pub(super) exclude: &'a [Pattern],
    /// Whether to include hidden folders and those named `target`.
    pub(super) hidden: bool,
}

pub(super) async fn run(
    places: &Places,
    asked: Asked<'_>,
    earlier: Earlier,
    output: Output,
) -> Result<Success, BoxError> {
    // Without a path, the command continues an existing queue, so the data folder must exist.
    let session = match asked.paths {
        [] => Session::open_existing(places).await?,
        _ => Session::open(places).await?,
    };
    if earlier == Earlier::TryAgain {
        let revived = session.repository.revive_uploads().await?;
        tracing::info!(revived, "retrying uploads that failed in earlier runs");
    }
    let had_key = session.folder.master_key().exists();
    let mut summary = upload(&session, asked).await?;
    if !had_key {
        tell_key(&session.folder.master_key());
    }
    if !session.folder.is_still_there() {
        let gone = SessionError::Gone(session.folder.path().to_owned()).to_string();
        tell(&format!("drip: {gone}"));
        summary.error = Some(gone);
    }
    tell_dead(&session).await?;
    output.result(&summary.line("uploaded"), &summary)?;
    Ok(Success::of(&summary))
}

/// Reports a new master key: it is created once and cannot be replaced.
fn tell_key(path: &Path) {
    if path.exists() {
        let path = shown(path);
        tell(&format!(
            "created the master key {path}: keep a copy elsewhere, since stored files cannot be read without it"
        ));
    }
}

/// Reports the kept uploads that failed permanently, in this or an earlier run.
async fn tell_dead(session: &Session) -> Result<(), RepositoryError> {
    let dead = session.repository.dead_count().await?;
    if dead > 0 {
        let uploads = if dead == 1 { "failed upload" } else { "failed uploads" };
        let dead = count(dead);
        tell(&format!(
            "{dead} {uploads} kept: `drip failed` lists the causes, `drip upload --failed` retries them"
        ));
    }
    Ok(())
}

/// Uploads the files at `paths` and the uploads that an earlier run left queued.
pub(super) async fn upload(session: &Session, asked: Asked<'_>) -> Result<Summary, BoxError> {
    session.storage.reach().await?;
    let master = session.sealing_key().await?;
    let repository = &session.repository;
    let progress = Arc::new(Progress::new("upload"));
    let left = repository.waiting(&Scope::Uploads).await?;
    if left.files > 0 {
        progress.note(&format!(
            "continuing {} upload{} that an earlier run left in the queue",
            count(left.files),
            if left.files == 1 { "" } else { "s" },
        ));
    }
    let queue = pipelines::uploads(session, &progress);
    // Build the pipeline before queuing anything, so that invalid options leave nothing behind.
    let pipeline = pipelines::upload(session, &queue, master, &progress)?;
    let user = repository.user(asked.user).await?;
    let avoid = session.avoid().and_all(asked.exclude);
    let avoid = if asked.hidden { avoid.but_hidden() } else { avoid };
    let mut unchanged = 0;
    for path in asked.paths {
        unchanged +=
            plan::uploads(repository.as_ref(), user, path, avoid.clone(), asked.links, &progress).await?;
    }
    let waiting = queue.waiting().await?;
    if asked.paths.is_empty() && waiting.files == 0 {
        progress.note("nothing to upload: the queue is empty, and no path was given");
    }
    progress.expect(waiting.files, waiting.bytes);
    let running = pipeline.start().await?;
    session.shown.add("upload", &running);
    let summary = run::to_its_end("upload", running, &queue, &progress).await;
    let LeftOut { hidden, excluded } = avoid.left_out();
    Ok(Summary { unchanged, hidden, excluded, ..summary })
}
