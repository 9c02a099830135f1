//! The queue of transfers: the statements.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::rows;
use crate::repository::path_bytes::to_bytes;
use crate::repository::{
    GivenBack, MediaId, NewDownload, NewUpload, Scope, Stored, Transfer, TransferId, UserId, Waiting,
};

pub(super) fn add_uploads(
    transaction: &Transaction<'_>,
    user: UserId,
    uploads: &[NewUpload],
) -> rusqlite::Result<u64> {
    let mut waits = transaction.prepare_cached(
        "SELECT 1 FROM transfers t JOIN media m ON m.id = t.media_id
         WHERE t.direction = 'upload' AND t.path = ?1 AND m.user_id = ?2",
    )?;
    let mut add_media = transaction.prepare_cached(
        "INSERT INTO media (id, user_id, file_name, relative_path, full_path, size, storage_key, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
    )?;
    let mut add = transaction.prepare_cached(
        "INSERT INTO transfers (id, direction, media_id, path, created_at) VALUES (?1, 'upload', ?2, ?3, ?4)",
    )?;
    let now = rows::now();
    let mut added = 0;
    for upload in uploads {
        let path = to_bytes(&upload.full_path);
        if waits.exists(params![path, user.0])? {
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
        ])?;
        add.execute(params![TransferId::new().0.as_bytes(), id.0.as_bytes(), path, now])?;
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
        "INSERT INTO transfers (id, direction, media_id, path, folder, created_at)
         VALUES (?1, 'download', ?2, ?3, ?4, ?5)",
    )?;
    let now = rows::now();
    let mut added = 0;
    for download in downloads {
        let path = to_bytes(&download.target);
        let media = download.media.0.as_bytes();
        if waits.exists(params![path, media])? {
            continue;
        }
        add.execute(params![TransferId::new().0.as_bytes(), media, path, to_bytes(&download.folder), now])?;
        added += 1;
    }
    Ok(added)
}

/// A scope as two values: the direction, and the folder if it has one.
fn scope_values(scope: &Scope) -> (&'static str, Option<Vec<u8>>) {
    match scope {
        Scope::Uploads => ("upload", None),
        Scope::Downloads { folder } => ("download", Some(to_bytes(folder))),
    }
}

pub(super) fn waiting(connection: &Connection, scope: &Scope) -> rusqlite::Result<Waiting> {
    let (direction, folder) = scope_values(scope);
    connection.query_row(
        "SELECT count(*), coalesce(sum(m.size), 0) FROM transfers t JOIN media m ON m.id = t.media_id
         WHERE t.direction = ?1 AND t.folder IS ?2 AND t.leased = 0",
        params![direction, folder],
        |row| Ok(Waiting { files: row.get(0)?, bytes: row.get(1)? }),
    )
}

pub(super) fn lease(
    transaction: &Transaction<'_>,
    scope: &Scope,
    limit: usize,
) -> rusqlite::Result<Vec<Transfer>> {
    let (direction, folder) = scope_values(scope);
    let mut next = transaction.prepare_cached(&select(
        "WHERE t.direction = ?1 AND t.folder IS ?2 AND t.leased = 0 ORDER BY t.attempts, t.id LIMIT ?3",
    ))?;
    let mut transfers: Vec<_> = next
        .query_map(params![direction, folder, limit], rows::transfer)?
        .collect::<rusqlite::Result<_>>()?;
    let mut take = transaction
        .prepare_cached("UPDATE transfers SET leased = 1, attempts = attempts + 1 WHERE id = ?1")?;
    for transfer in &mut transfers {
        take.execute([transfer.id.0.as_bytes()])?;
        transfer.attempts += 1;
    }
    Ok(transfers)
}

pub(super) fn give_back(transaction: &Transaction<'_>, transfers: &[GivenBack]) -> rusqlite::Result<()> {
    let mut give = transaction
        .prepare_cached("UPDATE transfers SET leased = 0, attempts = attempts - ?2 WHERE id = ?1")?;
    for transfer in transfers {
        let (id, not_counted) = match transfer {
            GivenBack::Failed(id) => (id, 0),
            GivenBack::Stopped(id) => (id, 1),
        };
        give.execute(params![id.0.as_bytes(), not_counted])?;
    }
    Ok(())
}

pub(super) fn give_up(
    transaction: &Transaction<'_>,
    transfers: &[TransferId],
) -> rusqlite::Result<Vec<String>> {
    let mut remove = transaction.prepare_cached("DELETE FROM transfers WHERE id = ?1 RETURNING media_id")?;
    let mut forget = transaction
        .prepare_cached("DELETE FROM media WHERE id = ?1 AND uploaded_at IS NULL RETURNING storage_key")?;
    let mut forgotten = Vec::new();
    for transfer in transfers {
        let media: Option<[u8; 16]> =
            remove.query_row([transfer.0.as_bytes()], |row| row.get(0)).optional()?;
        let key = media.map(|id| forget.query_row([id], |row| row.get(0)).optional()).transpose()?;
        forgotten.extend(key.flatten());
    }
    Ok(forgotten)
}

pub(super) fn finish_uploads(transaction: &Transaction<'_>, stored: &[Stored]) -> rusqlite::Result<()> {
    let mut keep = transaction.prepare_cached(
        "UPDATE media SET size = ?2, checksum = ?3, updated_at = ?4, uploaded_at = ?4 WHERE id = ?1",
    )?;
    let mut remove = transaction.prepare_cached("DELETE FROM transfers WHERE id = ?1")?;
    let now = rows::now();
    for upload in stored {
        keep.execute(params![upload.media.0.as_bytes(), upload.size, upload.checksum, now])?;
        remove.execute([upload.transfer.0.as_bytes()])?;
    }
    Ok(())
}

pub(super) fn finish_downloads(
    transaction: &Transaction<'_>,
    transfers: &[TransferId],
) -> rusqlite::Result<()> {
    let mut remove = transaction.prepare_cached("DELETE FROM transfers WHERE id = ?1")?;
    for transfer in transfers {
        remove.execute([transfer.0.as_bytes()])?;
    }
    Ok(())
}

pub(super) fn recover(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<Transfer>> {
    let leased = transaction
        .prepare_cached(&select("WHERE t.leased = 1"))?
        .query_map([], rows::transfer)?
        .collect::<rusqlite::Result<_>>()?;
    transaction.execute("UPDATE transfers SET leased = 0 WHERE leased = 1", [])?;
    Ok(leased)
}

fn select(rest: &str) -> String {
    let (media, transfer) = (rows::MEDIA, rows::TRANSFER);
    format!(
        "SELECT {media}, {transfer} FROM transfers t JOIN media m ON m.id = t.media_id
         JOIN users u ON u.id = m.user_id {rest}"
    )
}
