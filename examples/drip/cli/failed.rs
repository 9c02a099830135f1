//! The command `drip failed`: lists the uploads that failed for good and are kept, or forgets them.

use serde::Serialize;
use stage_core::BoxError;

use super::entry::Success;
use super::output::{Output, Rows};
use crate::report::{Align, Columns, Failed, Summary, count, tell};
use crate::repository::{DeadUpload, Repository};
use crate::session::{Look, Places, Session, SessionError};

/// Uploads read and shown in one go.
const PAGE: usize = 1000;

/// Characters of a path that does not move the cause behind it.
const WIDEST_PATH: usize = 60;

/// The fields behind the failures, for a program.
#[derive(Debug, Default, Serialize)]
struct Totals {
    files: u64,
    bytes: u64,
    failed: u64,
    seconds: f64,
    queued: u64,
    stages: [(); 0],
}

/// Shows them.
pub(super) async fn list(places: &Places, output: Output) -> Result<Success, BoxError> {
    let rows = match Look::at(places).await {
        Ok(look) => {
            let mut rows = rows(output)?;
            show(look.repository.as_ref(), &mut rows).await?;
            rows
        }
        // Not having anything is an answer.
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

/// Forgets them, each once what it may have stored is gone.
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
