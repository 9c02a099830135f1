//! How do files come down? The command `drip download ID…|--all --to DIR`.

use std::path::Path;
use std::sync::Arc;

use stage_core::BoxError;

use super::entry::Success;
use super::output::Output;
use super::upload::copies;
use super::{plan, run};
use crate::download::Download;
use crate::report::{Progress, Summary};
use crate::repository::Scope;
use crate::session::{Places, Session};
use crate::transfer::{Buffers, Queue};

/// Downloads the media with these `ids`; all of them if there are none.
pub(super) async fn run(
    places: &Places,
    ids: &[String],
    to: &Path,
    output: Output,
) -> Result<Success, BoxError> {
    let session = Session::open_existing(places).await?;
    let summary = download(&session, ids, to).await?;
    output.result(&summary.line("downloaded"), &summary);
    Ok(Success::of(&summary))
}

/// Downloads the media with these `ids`, or all, and what an earlier run into the same folder left in the queue.
pub(super) async fn download(session: &Session, ids: &[String], to: &Path) -> Result<Summary, BoxError> {
    session.storage.reach().await?;
    let repository = &session.repository;
    let progress = Arc::new(Progress::new("download"));
    let folder = std::path::absolute(to)?;
    match ids {
        [] => plan::all_downloads(repository.as_ref(), &folder).await?,
        ids => plan::downloads(repository.as_ref(), ids, &folder, &progress).await?,
    }
    let scope = Scope::Downloads { folder };
    let queue = Queue::new(repository.clone(), scope, session.storage.clone(), progress.clone());
    let waiting = queue.waiting().await?;
    progress.expect(waiting.files, waiting.bytes);
    if waiting.files == 0 {
        return Ok(nothing_to_do(&progress));
    }

    let master = session.opening_key().await?;
    let pipeline = Download::new(
        queue.clone(),
        session.storage.clone(),
        session.cache.clone(),
        Buffers::default(),
        master,
        repository.clone(),
        progress.clone(),
        copies(),
    );
    let running = session.settings.apply(pipeline)?.start().await?;
    Ok(run::to_its_end("download", running, &queue, &progress).await)
}

/// No medium is asked for, so neither a key nor a pipeline is needed.
fn nothing_to_do(progress: &Progress) -> Summary {
    let failures = progress.failures();
    if failures.is_empty() {
        progress.note("nothing to download: no file is stored");
    }
    progress.close();
    Summary { command: "download", failed: failures.len() as u64, failures, ..Summary::default() }
}
