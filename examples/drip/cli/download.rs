//! The command `drip download ID…|--all --to DIR`.

use std::path::Path;
use std::sync::Arc;

use stage_core::BoxError;

use super::entry::Success;
use super::output::Output;
use super::{pipelines, plan, run};
use crate::report::{Progress, Summary, count, shown};
use crate::seal::MasterKey;
use crate::session::{Places, Session};

/// Downloads the media with these `ids`, or all media if there are none.
pub(super) async fn run(
    places: &Places,
    ids: &[String],
    to: &Path,
    output: Output,
) -> Result<Success, BoxError> {
    let session = Session::open_existing(places).await?;
    let summary = download(&session, ids, to).await?;
    output.result(&summary.line("downloaded"), &summary)?;
    Ok(Success::of(&summary))
}

/// Downloads the media with these `ids`, or all, plus the downloads into the same folder that an earlier run
/// left queued.
pub(super) async fn download(session: &Session, ids: &[String], to: &Path) -> Result<Summary, BoxError> {
    session.storage.reach().await?;
    let repository = &session.repository;
    let progress = Arc::new(Progress::new("download"));
    let folder = std::path::absolute(to)?;
    let queue = pipelines::downloads(session, folder.clone(), &progress);
    // Build the pipeline before queuing anything, so that invalid options leave nothing behind. The key is
    // random, because an empty data folder has none.
    drop(pipelines::download(session, &queue, MasterKey::random()?, &progress)?);
    let left = queue.waiting().await?.files;
    if left > 0 {
        progress.note(&format!(
            "continuing {} download{} into {} that an earlier run left in the queue (`drip queue --forget` removes them)",
            count(left),
            if left == 1 { "" } else { "s" },
            shown(&folder),
        ));
    }
    match ids {
        [] => plan::all_downloads(repository.as_ref(), &folder, &progress).await?,
        ids => plan::downloads(repository.as_ref(), ids, &folder, &progress).await?,
    }
    let waiting = queue.waiting().await?;
    progress.expect(waiting.files, waiting.bytes);
    if waiting.files == 0 {
        return Ok(nothing_to_do(&progress));
    }

    let master = session.opening_key().await?;
    let running = pipelines::download(session, &queue, master, &progress)?.start().await?;
    session.shown.add("download", &running);
    Ok(run::to_its_end("download", running, &queue, &progress).await)
}

/// Summarizes a run without requested media: neither a key nor a pipeline is needed.
fn nothing_to_do(progress: &Progress) -> Summary {
    let failures = progress.failures();
    if failures.is_empty() {
        progress.note("nothing to download: no file is stored");
    }
    progress.close();
    Summary { command: "download", failed: failures.len() as u64, failures, ..Summary::default() }
}
