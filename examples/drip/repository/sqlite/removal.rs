//! Removing media, and restoring them from their objects.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::queue::remove as remove_transfer;
use super::{attributes, media, rows};
use crate::repository::path_bytes::to_bytes;
use crate::repository::{Media, MediaId, TransferId};

/// Marks media as removed. Their rows stay until their objects are gone, so a killed run leaves no untracked
/// object.
pub(super) fn remove(transaction: &Transaction<'_>, ids: &[MediaId]) -> rusqlite::Result<Vec<Media>> {
    let mut mark = transaction.prepare_cached("UPDATE media SET removed_at = ?2 WHERE id = ?1")?;
    let mut downloads = transaction.prepare_cached("SELECT id, job FROM transfers WHERE media_id = ?1")?;
    let mut removed = Vec::new();
    for id in ids {
        let Some(media) = media::media(transaction, *id)? else { continue };
        let transfers = downloads.query_map([id.0.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let transfers: Vec<([u8; 16], Option<i64>)> = transfers.collect::<rusqlite::Result<_>>()?;
        for (transfer, job) in transfers {
            // Nothing is leased now: this process owns the data folder, and the leases of a killed run were
            // recovered.
            transaction.execute("DELETE FROM jobs WHERE id = ?1", [job])?;
            remove_transfer(transaction, TransferId(uuid::Uuid::from_bytes(transfer)))?;
        }
        mark.execute(params![id.0.as_bytes(), rows::now()])?;
        removed.push(media);
    }
    Ok(removed)
}

pub(super) fn removed(connection: &Connection) -> rusqlite::Result<Vec<Media>> {
    let columns = rows::MEDIA;
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {columns} FROM media m JOIN users u ON u.id = m.user_id WHERE m.removed_at IS NOT NULL ORDER BY m.id"
    ))?;
    statement.query_map([], rows::media)?.collect()
}

pub(super) fn forget(transaction: &Transaction<'_>, ids: &[MediaId]) -> rusqlite::Result<()> {
    let mut forget =
        transaction.prepare_cached("DELETE FROM media WHERE id = ?1 AND removed_at IS NOT NULL")?;
    ids.iter().try_for_each(|id| forget.execute([id.0.as_bytes()]).map(drop))
}

pub(super) fn restore(transaction: &Transaction<'_>, restored: &[Media]) -> rusqlite::Result<u64> {
    let mut known = transaction
        .prepare_cached("SELECT uploaded_at IS NOT NULL AND removed_at IS NULL FROM media WHERE id = ?1")?;
    let mut put = transaction.prepare_cached(
        "INSERT INTO media (id, user_id, file_name, relative_path, full_path, size, storage_key, checksum, created_at,
                            updated_at, uploaded_at, root, object_size)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11, ?12)
         ON CONFLICT (id) DO UPDATE SET user_id = ?2, file_name = ?3, relative_path = ?4, full_path = ?5, size = ?6,
             checksum = ?8, updated_at = ?10, root = ?11, object_size = ?12",
    )?;
    let mut count = 0;
    for medium in restored {
        let id = medium.id.0.as_bytes();
        match known.query_row([id], |row| row.get(0)).optional()? {
            Some(false) => continue,
            Some(true) if media::media(transaction, medium.id)?.is_some_and(|now| is_as(&now, medium)) => {
                continue;
            }
            None | Some(true) => {}
        }
        let user = media::user(transaction, &medium.email)?;
        put.execute(params![
            id,
            user.0,
            to_bytes(medium.relative_path.file_name().unwrap_or_default().as_ref()),
            to_bytes(&medium.relative_path),
            to_bytes(&medium.full_path),
            medium.size,
            medium.storage_key,
            medium.checksum,
            medium.created_at,
            rows::now(),
            medium.root.as_deref().map(to_bytes),
            medium.object_size,
        ])?;
        attributes::write(transaction, id, &medium.attributes)?;
        count += 1;
    }
    Ok(count)
}

/// Whether a row agrees with the object's record.
fn is_as(row: &Media, object: &Media) -> bool {
    let Media { user, updated_at, .. } = row.clone();
    *row == Media { user, updated_at, ..object.clone() }
}
