//! Fills the queue before a pipeline starts.

use std::path::Path;

use super::changed::{Change, change};
use super::targets::Targets;
use crate::regular::open_regular;
use crate::report::{Progress, count, shown};
use crate::repository::{Media, MediaId, NewUpload, Repository, RepositoryError, UserId};
use crate::walk::{Avoid, Found, Links, Problem, walk};

/// Transfers queued per transaction.
const TOGETHER: usize = 500;

/// Queues all files at `root` that are new or changed, and reports those that cannot be uploaded. Returns the
/// number of unchanged files.
///
/// # Errors
/// Any error of the repository.
pub(super) async fn uploads(
    repository: &dyn Repository,
    user: UserId,
    root: &Path,
    avoid: Avoid,
    links: Links,
    progress: &Progress,
) -> Result<u64, RepositoryError> {
    let mut found = walk(root, avoid, links);
    let mut nothing = true;
    let mut unchanged = 0;
    loop {
        // The walk blocks on the disk; walking a batch at a time bounds its memory.
        let walked = tokio::task::spawn_blocking(move || {
            let batch: Vec<_> = found.by_ref().take(TOGETHER).collect();
            (found, batch)
        });
        let Ok((rest, batch)) = walked.await else { break };
        found = rest;
        if batch.is_empty() {
            break;
        }
        nothing = false;
        let uploads = tell_problems(batch, progress);
        let together = uploads.len() as u64;
        let changed = only_changed(repository, user, uploads).await?;
        unchanged += together - changed.len() as u64;
        repository.add_uploads(user, changed).await?;
    }
    if nothing {
        progress.note(&format!("nothing to upload in {}: no files", shown(root)));
    }
    Ok(unchanged)
}

/// Filters out the files that are stored unchanged.
async fn only_changed(
    repository: &dyn Repository,
    user: UserId,
    uploads: Vec<NewUpload>,
) -> Result<Vec<NewUpload>, RepositoryError> {
    let paths = uploads.iter().map(|upload| upload.full_path.clone()).collect();
    let known = repository.stored_at(user, paths).await?;
    let compare = move || {
        let (mut changed, mut seen) = (Vec::new(), Vec::new());
        for (found, known) in uploads.into_iter().zip(known) {
            match (change(&found, known.as_ref()), known) {
                (Change::Unchanged, _) => {}
                (Change::Perhaps, Some(known)) if has_content_of(&found, &known.media) => {
                    seen.push((known.media.id, found.attributes.modified));
                }
                (Change::Perhaps | Change::Changed, _) => changed.push(found),
            }
        }
        (changed, seen)
    };
    // Comparing may read whole files, so it runs on a blocking thread.
    let Ok((changed, seen)) = tokio::task::spawn_blocking(compare).await else { return Ok(Vec::new()) };
    if !seen.is_empty() {
        repository.seen(seen).await?;
    }
    Ok(changed)
}

/// Whether the file has the stored content. A file that cannot be read is reported when it is uploaded.
fn has_content_of(found: &NewUpload, stored: &Media) -> bool {
    let checksum = open_regular(&found.full_path).and_then(|(file, _)| {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(file)?;
        Ok(*hasher.finalize().as_bytes())
    });
    checksum.is_ok_and(|checksum| Some(checksum) == stored.checksum)
}

fn tell_problems(batch: Vec<Found>, progress: &Progress) -> Vec<NewUpload> {
    let mut uploads = Vec::with_capacity(batch.len());
    for found in batch {
        match found {
            Found::File(upload) => uploads.push(upload),
            Found::Problem { path, cause, problem: Problem::Failed } => progress.fail(&path, &cause),
            Found::Problem { path, cause, problem: Problem::Skipped } => {
                progress.note(&format!("skipped: {}: {cause}", shown(&path)));
            }
        }
    }
    uploads
}

/// Queues the latest version of every file for `folder`.
///
/// # Errors
/// Any error of the repository.
pub(super) async fn all_downloads(
    repository: &dyn Repository,
    folder: &Path,
    progress: &Progress,
) -> Result<(), RepositoryError> {
    let mut targets = Targets::new(folder, repository.roots().await?);
    let mut after = None;
    loop {
        let media = repository.latest_after(after, TOGETHER).await?;
        let Some(last) = media.last() else { break };
        after = Some(last.id);
        let downloads = media.iter().map(|media| targets.download(media)).collect();
        repository.add_downloads(downloads).await?;
    }
    let older = repository.superseded().await?;
    if older > 0 {
        let versions = if older == 1 { "version of a file is" } else { "versions of files are" };
        progress.note(&format!(
            "{} older {versions} not fetched; `drip ls` lists all, `drip download ID` fetches one",
            count(older)
        ));
    }
    Ok(())
}

/// Queues the media with these ids for `folder`, and reports unknown ids.
///
/// # Errors
/// Any error of the repository.
pub(super) async fn downloads(
    repository: &dyn Repository,
    ids: &[String],
    folder: &Path,
    progress: &Progress,
) -> Result<(), RepositoryError> {
    let mut found = Vec::new();
    for text in ids {
        let media = match text.parse::<MediaId>() {
            Ok(id) => repository.media(id).await?,
            Err(_) => None,
        };
        match media {
            Some(media) => found.push(media),
            None => progress.fail(Path::new(text), "no file has this id; `drip ls` lists the ids"),
        }
    }
    let mut targets = Targets::new(folder, found.iter().filter_map(|media| media.root.clone()));
    let downloads = found.iter().map(|media| targets.download(media)).collect();
    repository.add_downloads(downloads).await.map(drop)
}
