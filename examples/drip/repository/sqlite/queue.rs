//! The queue of transfers: a durable queue of stage-core in drip's tables, changed in the same transactions.
//!
//! This process has exclusive use of the database, so its leases last until it ends. The next process
//! [`recover`]s the leases of a killed one.

use std::fmt::Write;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use stage_sqlite::{JobId, Lease, NewJob, Receipt, Return, Table};

use super::{attributes, dead, rows};
use crate::repository::path_bytes::to_bytes;
use crate::repository::{
    GivenBack, MediaId, NewDownload, NewUpload, Scope, Stored, Transfer, TransferId, UserId, Waiting,
};

pub(super) fn add_uploads(
    transaction: &Transaction<'_>,
    user: UserId,
    uploads: &[NewUpload],
) -> rusqlite::Result<u64> {
    let mut known = transaction.prepare_cached(
        "SELECT t.job, m.id FROM transfers t JOIN media m ON m.id = t.media_id
         WHERE t.direction = 'upload' AND t.path = ?1 AND m.user_id = ?2",
    )?;
    let mut add_media = transaction.prepare_cached(
        "INSERT INTO media (id, user_id, file_name, relative_path, full_path, size, storage_key, created_at, updated_at, root)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9)",
    )?;
    let mut update_size = transaction.prepare_cached("UPDATE media SET size = ?2 WHERE id = ?1")?;
    let mut add = transaction.prepare_cached(
        "INSERT INTO transfers (id, direction, media_id, path, created_at, job)
         VALUES (?1, 'upload', ?2, ?3, ?4, ?5)",
    )?;
    let lane = lane("upload", None);
    let now = rows::now();
    let mut added = 0;
    for upload in uploads {
        let path = to_bytes(&upload.full_path);
        let queued = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, [u8; 16]>(1)?));
        if let Some((job, media)) = known.query_row(params![path, user.0], queued).optional()? {
            // The size may have changed since the file was queued.
            update_size.execute(params![media, upload.size])?;
            attributes::write(transaction, &media, &upload.attributes)?;
            added += u64::from(dead::revive(transaction, job)?);
            continue;
        }
        let id = MediaId::new();
        let name = upload.relative_path.file_name().unwrap_or_default();
        add_media.execute(params![
            id.0.as_bytes(),
            user.0,
            to_bytes(name.as_ref()),
            to_bytes(&upload.relative_path),
            path,
            upload.size,
            id.storage_key(),
            now,
            upload.root.as_deref().map(to_bytes),
        ])?;
        attributes::write(transaction, id.0.as_bytes(), &upload.attributes)?;
        let transfer = *TransferId::new().0.as_bytes();
        let job = enqueue(transaction, &lane, transfer)?;
        add.execute(params![transfer, id.0.as_bytes(), path, now, job])?;
        added += 1;
    }
    Ok(added)
}

pub(super) fn add_downloads(
    transaction: &Transaction<'_>,
    downloads: &[NewDownload],
) -> rusqlite::Result<u64> {
    let mut waits = transaction.prepare_cached(
        "SELECT 1 FROM transfers WHERE direction = 'download' AND path = ?1 AND media_id = ?2",
    )?;
    let mut add = transaction.prepare_cached(
        "INSERT INTO transfers (id, direction, media_id, path, folder, created_at, job)
         VALUES (?1, 'download', ?2, ?3, ?4, ?5, ?6)",
    )?;
    let now = rows::now();
    let mut added = 0;
    for download in downloads {
        let path = to_bytes(&download.target);
        let media = download.media.0.as_bytes();
        if waits.exists(params![path, media])? {
            continue;
        }
        let (transfer, folder) = (*TransferId::new().0.as_bytes(), to_bytes(&download.folder));
        let job = enqueue(transaction, &lane("download", Some(&folder)), transfer)?;
        add.execute(params![transfer, media, path, folder, now, job])?;
        added += 1;
    }
    Ok(added)
}

/// The queue's clock, fixed because no job of this queue waits for a time: clock jumps have no effect.
pub(super) const NOW: i64 = 0;

/// The table of jobs.
pub(super) fn jobs() -> rusqlite::Result<Table> {
    Table::new("jobs").map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

pub(super) fn create(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    jobs()?.create(transaction)
}

/// The lane's name in the table of jobs: uploads, or downloads into one folder. The folder's name may be any
/// bytes.
pub(super) fn lane(direction: &str, folder: Option<&[u8]>) -> String {
    let mut lane = direction.to_owned();
    for byte in folder.unwrap_or_default() {
        // Writing to a `String` cannot fail.
        let _ = write!(lane, " {byte:02x}");
    }
    lane
}

fn lane_of(scope: &Scope) -> String {
    match scope {
        Scope::Uploads => lane("upload", None),
        Scope::Downloads { folder } => lane("download", Some(&to_bytes(folder))),
    }
}

/// Adds a job for a transfer.
pub(super) fn enqueue(
    transaction: &Transaction<'_>,
    lane: &str,
    transfer: [u8; 16],
) -> rusqlite::Result<Option<i64>> {
    let ids = jobs()?.enqueue(transaction, lane, [NewJob::new(transfer)], NOW)?;
    Ok(ids.first().map(|id| id.0))
}

/// Leases jobs for the lifetime of this process; returns their numbers.
pub(super) fn lease_jobs(
    transaction: &Transaction<'_>,
    lane: &str,
    limit: usize,
) -> rusqlite::Result<Vec<i64>> {
    // The queue counts the attempts; the pipeline judges them, as it knows why they failed.
    let lease = Lease { lane, lessee: 0, limit, now: NOW, until: i64::MAX, attempts: u32::MAX };
    let leased = jobs()?.lease(transaction, lease)?;
    Ok(leased.into_iter().map(|job| job.id.0).collect())
}

/// Returns the lease of a transfer, if it is leased.
pub(super) fn leased(
    transaction: &Transaction<'_>,
    transfer: TransferId,
) -> rusqlite::Result<Option<Receipt>> {
    let mut job = transaction.prepare_cached("SELECT job FROM transfers WHERE id = ?1")?;
    match job.query_row([transfer.0.as_bytes()], |row| row.get(0).map(JobId)).optional()? {
        Some(job) => jobs()?.leased(transaction, job),
        None => Ok(None),
    }
}

/// Removes a finished transfer's job from the queue. Returns its medium if it still existed.
pub(super) fn remove(
    transaction: &Transaction<'_>,
    transfer: TransferId,
) -> rusqlite::Result<Option<[u8; 16]>> {
    if let Some(receipt) = leased(transaction, transfer)? {
        jobs()?.acknowledge(transaction, receipt)?;
    }
    let mut remove = transaction.prepare_cached("DELETE FROM transfers WHERE id = ?1 RETURNING media_id")?;
    remove.query_row([transfer.0.as_bytes()], |row| row.get(0)).optional()
}

pub(super) fn waiting(connection: &Connection, scope: &Scope) -> rusqlite::Result<Waiting> {
    connection.query_row(
        "SELECT count(*), coalesce(sum(m.size), 0)
         FROM jobs j JOIN transfers t ON t.job = j.id JOIN media m ON m.id = t.media_id
         WHERE j.lane = ?1 AND j.lessee IS NULL",
        [lane_of(scope)],
        |row| Ok(Waiting { files: row.get(0)?, bytes: row.get(1)? }),
    )
}

pub(super) fn lease(
    transaction: &Transaction<'_>,
    scope: &Scope,
    limit: usize,
) -> rusqlite::Result<Vec<Transfer>> {
    transfers(transaction, lease_jobs(transaction, &lane_of(scope), limit)?)
}

/// Returns the transfers of these jobs, in the same order.
fn transfers(
    transaction: &Transaction<'_>,
    jobs: impl IntoIterator<Item = i64>,
) -> rusqlite::Result<Vec<Transfer>> {
    let (media, transfer) = (rows::MEDIA, rows::TRANSFER);
    let mut transfer_of = transaction.prepare_cached(&format!(
        "SELECT {media}, {transfer} FROM transfers t JOIN jobs j ON j.id = t.job
         JOIN media m ON m.id = t.media_id JOIN users u ON u.id = m.user_id WHERE t.job = ?1"
    ))?;
    jobs.into_iter().map(|job| transfer_of.query_row([job], rows::transfer)).collect()
}

pub(super) fn give_back(transaction: &Transaction<'_>, transfers: &[GivenBack]) -> rusqlite::Result<()> {
    for transfer in transfers {
        let (id, how) = match transfer {
            GivenBack::Failed(id) => (id, Return::Failed("it failed in passing")),
            GivenBack::Stopped(id) => (id, Return::Untried),
        };
        if let Some(receipt) = leased(transaction, *id)? {
            jobs()?.give_back(transaction, receipt, how, NOW)?;
        }
    }
    Ok(())
}

pub(super) fn finish_uploads(transaction: &Transaction<'_>, stored: &[Stored]) -> rusqlite::Result<()> {
    let mut keep = transaction.prepare_cached(
        "UPDATE media SET size = ?2, checksum = ?3, updated_at = ?4, uploaded_at = ?4, object_size = ?5
         WHERE id = ?1",
    )?;
    let now = rows::now();
    for upload in stored {
        let media = upload.media.0.as_bytes();
        keep.execute(params![media, upload.size, upload.checksum, now, upload.object_size])?;
        attributes::write(transaction, media, &upload.attributes)?;
        remove(transaction, upload.transfer)?;
    }
    Ok(())
}

pub(super) fn finish_downloads(
    transaction: &Transaction<'_>,
    transfers: &[TransferId],
) -> rusqlite::Result<()> {
    for transfer in transfers {
        remove(transaction, *transfer)?;
    }
    Ok(())
}

pub(super) fn recover(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<Transfer>> {
    let released = jobs()?.release_all(transaction, NOW)?;
    transfers(transaction, released.into_iter().map(|job| job.0))
}
