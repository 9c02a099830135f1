//! The command `drip rm ID…`: removes stored files.

use std::path::Path;

use stage_core::BoxError;

use super::entry::Success;
use super::output::Output;
use crate::report::{Failed, Summary, bytes, count, tell};
use crate::repository::MediaId;
use crate::session::{Places, Session};

/// Removes the media with these ids, and reports unknown ids.
pub(super) async fn run(places: &Places, ids: &[String], output: Output) -> Result<Success, BoxError> {
    let session = Session::open_existing(places).await?;
    session.storage.reach().await?;
    let mut summary = Summary { command: "rm", ..Summary::default() };
    let mut known = Vec::new();
    for text in ids {
        let found = match text.parse::<MediaId>() {
            Ok(id) => session.repository.media(id).await?,
            Err(_) => None,
        };
        if let Some(media) = found {
            known.push(media.id);
        } else {
            let failed = Failed::new(Path::new(text), "no file has this id; `drip ls` lists the ids");
            tell(&format!("failed: {}: {}", failed.name, failed.cause));
            summary.failures.push(failed);
        }
    }
    let removed = session.repository.remove_media(known).await?;
    summary.files = removed.len() as u64;
    summary.bytes = removed.iter().map(|media| media.size).sum();
    summary.failed = summary.failures.len() as u64;
    session.sweep_removed().await?;
    let files = if summary.files == 1 { "file" } else { "files" };
    output
        .result(&format!("removed {} {files}, {}", count(summary.files), bytes(summary.bytes)), &summary)?;
    Ok(Success::of(&summary))
}
