//! The command `drip queue`: lists queued transfers or removes them.

use std::path::{Path, PathBuf};

use serde::Serialize;
use stage_core::BoxError;

use super::entry::Success;
use super::output::{Output, Rows};
use crate::report::{Align, Columns, Summary, count, path_hex, shown, tell};
use crate::repository::{Direction, Repository, RepositoryError, Transfer};
use crate::session::{Look, Places, Session, SessionError};

/// Transfers read and shown per batch.
const PAGE: usize = 1000;

/// The fields after the transfers in JSON output.
#[derive(Debug, Default, Serialize)]
struct Totals {
    files: u64,
    bytes: u64,
    failed: u64,
    seconds: f64,
    stages: [(); 0],
}

/// One transfer in JSON output.
#[derive(Debug, Serialize)]
struct Row {
    direction: &'static str,
    /// The medium's id.
    id: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_hex: Option<String>,
    size: u64,
    attempts: u32,
}

/// Shows the transfers at or below these paths, or all if there are none.
pub(super) async fn list(places: &Places, paths: &[PathBuf], output: Output) -> Result<Success, BoxError> {
    let below = Below::new(paths)?;
    let left = Align::Left;
    let columns =
        [("DIRECTION", left, 0), ("SIZE", Align::Right, 15), ("TRIED", Align::Right, 0), ("FILE", left, 0)];
    let mut rows = output.rows("queue", "transfers", Columns::new(columns))?;
    let mut totals = Totals::default();
    match Look::at(places).await {
        Ok(look) => show(look.repository.as_ref(), &below, &mut rows, &mut totals).await?,
        // A missing data folder is an empty queue, not an error.
        Err(none @ SessionError::NoFolder(_)) => tell(&none.to_string()),
        Err(error) => return Err(error.into()),
    }
    rows.end(&totals)?;
    Ok(Success::Whole)
}

async fn show(
    repository: &dyn Repository,
    below: &Below,
    rows: &mut Rows,
    totals: &mut Totals,
) -> Result<(), BoxError> {
    let mut after = None;
    loop {
        let page = repository.queued_after(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        for transfer in page.iter().filter(|transfer| below.has(&transfer.path)) {
            totals.files += 1;
            totals.bytes += transfer.media.size;
            let row = row(transfer);
            let (size, tried) = (count(row.size), count(row.attempts.into()));
            rows.row([row.direction, &size, &tried, &shown(&transfer.path)], &row)?;
        }
        if !rows.flush()? {
            return Ok(());
        }
    }
}

fn row(transfer: &Transfer) -> Row {
    Row {
        direction: match transfer.direction {
            Direction::Upload => "upload",
            Direction::Download => "download",
        },
        id: transfer.media.id.to_string(),
        path: transfer.path.to_str().map_or_else(|| shown(&transfer.path), str::to_owned),
        path_hex: path_hex(&transfer.path),
        size: transfer.media.size,
        attempts: transfer.attempts,
    }
}

/// Removes the transfers at or below these paths, or all if there are none; each upload after removing any
/// object of it.
pub(super) async fn forget(places: &Places, paths: &[PathBuf], output: Output) -> Result<Success, BoxError> {
    let below = Below::new(paths)?;
    let session = Session::open_existing(places).await?;
    let repository = session.repository.as_ref();
    let waiting = waiting(repository, &below).await?;
    for transfer in &waiting {
        if transfer.direction == Direction::Upload {
            session.storage.remove(&transfer.media.storage_key).await?;
        }
    }
    let forgotten = repository.forget_queued(waiting.iter().map(|transfer| transfer.id).collect()).await?;
    let transfers = if forgotten == 1 { "transfer" } else { "transfers" };
    let summary = Summary { command: "queue", forgotten, ..Summary::default() };
    output.result(&format!("forgot {} {transfers}", count(forgotten)), &summary)?;
    Ok(Success::Whole)
}

/// Returns all selected transfers; they are forgotten in a single transaction.
async fn waiting(repository: &dyn Repository, below: &Below) -> Result<Vec<Transfer>, RepositoryError> {
    let mut waiting = Vec::new();
    let mut after = None;
    loop {
        let page = repository.queued_after(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(waiting) };
        after = Some(last.id);
        waiting.extend(page.into_iter().filter(|transfer| below.has(&transfer.path)));
    }
}

/// The given paths; matches everything if there are none.
#[derive(Debug)]
struct Below(Vec<PathBuf>);

impl Below {
    fn new(paths: &[PathBuf]) -> std::io::Result<Self> {
        paths.iter().map(std::path::absolute).collect::<Result<_, _>>().map(Self)
    }

    fn has(&self, path: &Path) -> bool {
        self.0.is_empty() || self.0.iter().any(|above| path.starts_with(above))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_selects_itself_and_its_contents_and_no_path_selects_everything() {
        let below = Below::new(&["/a/b".into(), "/c".into()]).unwrap();
        assert!(
            below.has(Path::new("/a/b")) && below.has(Path::new("/a/b/c")) && below.has(Path::new("/c/d"))
        );
        assert!(!below.has(Path::new("/a/bc")) && !below.has(Path::new("/a")));
        assert!(Below::new(&[]).unwrap().has(Path::new("/anything")));
    }
}
