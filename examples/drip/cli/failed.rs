//! Which uploads failed for good, and are kept? The command `drip failed`.

use stage_core::BoxError;

use super::entry::Success;
use super::output::Output;
use crate::report::{Align, Failed, Summary, Table, count, shown, tell};
use crate::repository::DeadUpload;
use crate::session::{Places, Session, SessionError};

/// Shows them.
pub(super) async fn list(places: &Places, output: Output) -> Result<Success, BoxError> {
    let dead = match Session::open_existing(places).await {
        Ok(session) => session.repository.dead_uploads().await?,
        // Not having anything is an answer.
        Err(none @ SessionError::NoFolder(_)) => {
            tell(&none.to_string());
            Vec::new()
        }
        Err(error) => return Err(error.into()),
    };
    output.result(&table(&dead).to_string(), &summary(&dead));
    Ok(Success::Whole)
}

/// Forgets them, each once what it may have stored is gone.
pub(super) async fn forget(places: &Places, output: Output) -> Result<Success, BoxError> {
    let session = Session::open_existing(places).await?;
    let dead = session.repository.dead_uploads().await?;
    for DeadUpload { transfer, .. } in &dead {
        session.storage.remove(&transfer.media.storage_key).await?;
        session.repository.forget_upload(transfer.id).await?;
    }
    let uploads = if dead.len() == 1 { "upload" } else { "uploads" };
    output.result(&format!("forgot {} {uploads}", count(dead.len() as u64)), &summary(&dead));
    Ok(Success::Whole)
}

fn summary(dead: &[DeadUpload]) -> Summary {
    let failed =
        |upload: &DeadUpload| Failed { name: shown(&upload.transfer.path), cause: upload.cause.clone() };
    Summary { command: "failed", failures: dead.iter().map(failed).collect(), ..Summary::default() }
}

fn table(dead: &[DeadUpload]) -> Table {
    let mut table = Table::new([("TRIED", Align::Right), ("FILE", Align::Left), ("CAUSE", Align::Left)]);
    for DeadUpload { transfer, cause } in dead {
        table.row([count(transfer.attempts.into()), shown(&transfer.path), cause.clone()]);
    }
    table
}
