//! SQL statements for inspecting and editing the queue outside of a run.

use std::collections::HashSet;

use rusqlite::{Connection, Transaction, params};
use stage_sqlite::{JobId, Return};

use super::queue::{NOW, jobs, lease_jobs, remove};
use super::rows;
use crate::repository::{Transfer, TransferId};

pub(super) fn queued_after(
    connection: &Connection,
    after: Option<TransferId>,
    limit: usize,
) -> rusqlite::Result<Vec<Transfer>> {
    let (media, transfer) = (rows::MEDIA, rows::TRANSFER);
    let mut queued = connection.prepare_cached(&format!(
        "SELECT {media}, {transfer} FROM transfers t CROSS JOIN jobs j ON j.id = t.job
         JOIN media m ON m.id = t.media_id JOIN users u ON u.id = m.user_id
         WHERE t.id > ?1 ORDER BY t.id LIMIT ?2"
    ))?;
    let after: &[u8] = after.as_ref().map_or(&[], |id| id.0.as_bytes());
    queued.query_map(params![after, limit], rows::transfer)?.collect()
}

/// A job leaves its queue only by being leased and acknowledged; jobs that stay are returned untried.
pub(super) fn forget(transaction: &Transaction<'_>, transfers: &[TransferId]) -> rusqlite::Result<u64> {
    let wanted: HashSet<_> = transfers.iter().map(|transfer| *transfer.0.as_bytes()).collect();
    let mut lanes = transaction.prepare("SELECT DISTINCT lane FROM jobs")?;
    let lanes: Vec<String> = lanes.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut transfer_of = transaction.prepare_cached("SELECT id FROM transfers WHERE job = ?1")?;
    let mut forgotten = 0;
    for lane in lanes {
        let mut kept = Vec::new();
        loop {
            // Jobs leased earlier are out of reach here, as for every other caller.
            let leased = lease_jobs(transaction, &lane, usize::MAX >> 1)?;
            if leased.is_empty() {
                break;
            }
            for job in leased {
                let transfer: [u8; 16] = transfer_of.query_row([job], |row| row.get(0))?;
                if wanted.contains(&transfer) {
                    forget_one(transaction, TransferId(uuid::Uuid::from_bytes(transfer)))?;
                    forgotten += 1;
                } else {
                    kept.push(job);
                }
            }
        }
        for job in kept {
            if let Some(receipt) = jobs()?.leased(transaction, JobId(job))? {
                jobs()?.give_back(transaction, receipt, Return::Untried, NOW)?;
            }
        }
    }
    Ok(forgotten)
}

/// Removes a transfer, and its medium if that was never stored.
fn forget_one(transaction: &Transaction<'_>, transfer: TransferId) -> rusqlite::Result<()> {
    if let Some(media) = remove(transaction, transfer)? {
        let mut forget =
            transaction.prepare_cached("DELETE FROM media WHERE id = ?1 AND uploaded_at IS NULL")?;
        forget.execute([media])?;
    }
    Ok(())
}
