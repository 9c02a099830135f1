//! Permanently failed transfers. Uploads are kept as dead jobs, as nothing else records them; a download can
//! be requested again, as its medium still exists.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use stage_sqlite::JobId;

use super::queue::{NOW, jobs, lane, leased, remove};
use super::rows;
use crate::repository::{DeadUpload, GivenUp, TransferId};

/// Gives up transfers; returns the storage keys of the uploads.
pub(super) fn give_up(transaction: &Transaction<'_>, transfers: &[GivenUp]) -> rusqlite::Result<Vec<String>> {
    let mut key = transaction.prepare_cached(
        "SELECT m.storage_key FROM transfers t JOIN media m ON m.id = t.media_id
         WHERE t.id = ?1 AND t.direction = 'upload'",
    )?;
    let mut keys = Vec::new();
    for GivenUp { transfer, cause } in transfers {
        let upload: Option<String> = key.query_row([transfer.0.as_bytes()], |row| row.get(0)).optional()?;
        match (upload, leased(transaction, *transfer)?) {
            (Some(key), Some(receipt)) => {
                jobs()?.bury(transaction, receipt, cause, NOW)?;
                keys.push(key);
            }
            _ => drop(remove(transaction, *transfer)?),
        }
    }
    Ok(keys)
}

pub(super) fn count(connection: &Connection) -> rusqlite::Result<u64> {
    let mut count = connection.prepare_cached("SELECT count(*) FROM jobs_dead WHERE lane = ?1")?;
    count.query_row([lane("upload", None)], |row| row.get(0))
}

pub(super) fn uploads_after(
    connection: &Connection,
    after: Option<TransferId>,
    limit: usize,
) -> rusqlite::Result<Vec<DeadUpload>> {
    let (media, transfer) = (rows::MEDIA, rows::TRANSFER);
    let mut dead = connection.prepare_cached(&format!(
        "SELECT {media}, {transfer}, j.cause FROM transfers t CROSS JOIN jobs_dead j ON j.id = t.job
         JOIN media m ON m.id = t.media_id JOIN users u ON u.id = m.user_id
         WHERE t.id > ?1 AND j.lane = ?2 ORDER BY t.id LIMIT ?3"
    ))?;
    let upload =
        |row: &rusqlite::Row<'_>| Ok(DeadUpload { transfer: rows::transfer(row)?, cause: row.get("cause")? });
    let after: &[u8] = after.as_ref().map_or(&[], |id| id.0.as_bytes());
    dead.query_map(params![after, lane("upload", None), limit], upload)?.collect()
}

pub(super) fn revive_uploads(transaction: &Transaction<'_>) -> rusqlite::Result<u64> {
    let mut dead = transaction.prepare_cached("SELECT id FROM jobs_dead WHERE lane = ?1 ORDER BY id")?;
    let dead = dead.query_map([lane("upload", None)], |row| row.get(0))?;
    let dead: Vec<i64> = dead.collect::<rusqlite::Result<_>>()?;
    dead.into_iter().try_fold(0, |revived, job| Ok(revived + u64::from(revive(transaction, job)?)))
}

/// Returns the dead job of an upload to the queue; returns whether there was one.
pub(super) fn revive_upload(transaction: &Transaction<'_>, transfer: TransferId) -> rusqlite::Result<bool> {
    let mut job = transaction.prepare_cached(
        "SELECT job FROM transfers WHERE id = ?1 AND direction = 'upload' AND job IS NOT NULL",
    )?;
    let job: Option<i64> = job.query_row([transfer.0.as_bytes()], |row| row.get(0)).optional()?;
    job.map_or(Ok(false), |job| revive(transaction, job))
}

/// Returns a dead job to the queue; returns whether the job was dead.
pub(super) fn revive(transaction: &Transaction<'_>, job: i64) -> rusqlite::Result<bool> {
    let Some(JobId(again)) = jobs()?.revive(transaction, JobId(job), NOW)? else { return Ok(false) };
    let mut moved = transaction.prepare_cached("UPDATE transfers SET job = ?2 WHERE job = ?1")?;
    moved.execute(params![job, again])?;
    Ok(true)
}

pub(super) fn forget(transaction: &Transaction<'_>, transfer: TransferId) -> rusqlite::Result<()> {
    let mut job = transaction.prepare_cached("SELECT job FROM transfers WHERE id = ?1")?;
    let job: Option<i64> = job.query_row([transfer.0.as_bytes()], |row| row.get(0)).optional()?;
    let Some(job) = job else { return Ok(()) };
    // An upload that was revived meanwhile is kept.
    if jobs()?.forget(transaction, JobId(job))?
        && let Some(media) = remove(transaction, transfer)?
    {
        let mut forget =
            transaction.prepare_cached("DELETE FROM media WHERE id = ?1 AND uploaded_at IS NULL")?;
        forget.execute([media])?;
    }
    Ok(())
}
