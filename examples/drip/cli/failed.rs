//! The command `drip failed`: lists or forgets the uploads that failed permanently.

use serde::Serialize;
use stage_core::BoxError;

use super::entry::Success;
use super::output::{Output, Rows};
use crate::report::{Align, Columns, Failed, Summary, count, tell};
use crate::repository::{DeadUpload, Repository};
use crate::session::{Look, Places, Session, SessionError};

/// Uploads read and shown per batch.
const PAGE: usize = 1000;

/// Maximum width of a path, in characters, that keeps the causes aligned.
const WIDEST_PATH: usize = 60;

/// The fields after the failures in JSON output.
#[derive(Debug, Default, Serialize)]
struct Totals {
    files: u64,
    bytes: u64,
    failed: u64,
    seconds: f64,
    queued: u64,
    stages: [(); 0],
}

/// Shows the failed uploads.
pub(super) async fn list(places: &Places, output: Output) -> Result<Success, BoxError> {
    let rows = match Look::at(places).await {
        Ok(look) => {
            let mut rows = rows(output)?;
            show(look.repository.as_ref(), &mut rows).await?;
            rows
        }
        // A missing data folder is an empty list, not an error.
        Err(none @ SessionError::NoFolder(_)) => {
            tell(&none.to_string());
            rows(output)?
        }
        Err(error) => return Err(error.into()),
    };
    rows.end(&Totals::default())?;
    Ok(Success::Whole)
}

fn rows(output: Output) -> Result<Rows, BoxError> {
    let columns = [("TRIED", Align::Right, 0), ("FILE", Align::Left, WIDEST_PATH), ("CAUSE", Align::Left, 0)];
    Ok(output.rows("failed", "failures", Columns::new(columns))?)
}

async fn show(repository: &dyn Repository, rows: &mut Rows) -> Result<(), BoxError> {
    let mut after = None;
    loop {
        let page = repository.dead_uploads_after(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.transfer.id);
        for DeadUpload { transfer, cause } in &page {
            let failed = Failed::new(&transfer.path, cause);
            rows.row([&count(transfer.attempts.into()), &failed.name, cause], &failed)?;
        }
        if !rows.flush()? {
            return Ok(());
        }
    }
}

/// Forgets the failed uploads, each one after removing any object of it.
pub(super) async fn forget(places: &Places, output: Output) -> Result<Success, BoxError> {
    let session = Session::open_existing(places).await?;
    let mut forgotten = 0;
    let mut after = None;
    loop {
        let page = session.repository.dead_uploads_after(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.transfer.id);
        for DeadUpload { transfer, .. } in &page {
            session.storage.remove(&transfer.media.storage_key).await?;
            session.repository.forget_upload(transfer.id).await?;
            forgotten += 1;
        }
    }
    let uploads = if forgotten == 1 { "upload" } else { "uploads" };
    let summary = Summary { command: "failed", forgotten, ..Summary::default() };
    output.result(&format!("forgot {} {uploads}", count(forgotten)), &summary)?;
    Ok(Success::Whole)
}
