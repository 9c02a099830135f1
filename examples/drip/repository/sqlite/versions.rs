//! SQL statements for the stored versions of a file and the latest one among them.

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::rows;
use crate::repository::path_bytes::to_bytes;
use crate::repository::{Known, Media, MediaId, UserId};

/// Whether a later version of the medium `m` is stored. Ids created later sort later.
const IS_SUPERSEDED: &str = "EXISTS (SELECT 1 FROM media later WHERE later.user_id = m.user_id
     AND later.full_path = m.full_path AND later.id > m.id
     AND later.uploaded_at IS NOT NULL AND later.removed_at IS NULL)";

pub(super) fn stored_at(
    connection: &Connection,
    user: UserId,
    paths: &[PathBuf],
) -> rusqlite::Result<Vec<Option<Known>>> {
    let columns = rows::MEDIA;
    let mut latest = connection.prepare_cached(&format!(
        "SELECT {columns}, m.seen FROM media m JOIN users u ON u.id = m.user_id
         WHERE m.user_id = ?1 AND m.full_path = ?2 AND m.uploaded_at IS NOT NULL AND m.removed_at IS NULL
         ORDER BY m.id DESC LIMIT 1"
    ))?;
    let known = |row: &Row<'_>| Ok(Known { media: rows::media(row)?, seen: row.get("seen")? });
    paths.iter().map(|path| latest.query_row(params![user.0, to_bytes(path)], known).optional()).collect()
}

pub(super) fn seen(transaction: &Transaction<'_>, media: &[(MediaId, Option<i64>)]) -> rusqlite::Result<()> {
    let mut seen = transaction.prepare_cached("UPDATE media SET seen = ?2 WHERE id = ?1")?;
    media.iter().try_for_each(|(id, time)| seen.execute(params![id.0.as_bytes(), time]).map(drop))
}

pub(super) fn latest_after(
    connection: &Connection,
    after: Option<MediaId>,
    limit: usize,
) -> rusqlite::Result<Vec<Media>> {
    let columns = rows::MEDIA;
    let mut latest = connection.prepare_cached(&format!(
        "SELECT {columns} FROM media m JOIN users u ON u.id = m.user_id
         WHERE m.id > ?1 AND m.uploaded_at IS NOT NULL AND m.removed_at IS NULL AND NOT {IS_SUPERSEDED}
         ORDER BY m.id LIMIT ?2"
    ))?;
    let after: &[u8] = after.as_ref().map_or(&[], |id| id.0.as_bytes());
    latest.query_map(params![after, limit], rows::media)?.collect()
}

pub(super) fn superseded(connection: &Connection) -> rusqlite::Result<u64> {
    let count = format!(
        "SELECT count(*) FROM media m
         WHERE m.uploaded_at IS NOT NULL AND m.removed_at IS NULL AND {IS_SUPERSEDED}"
    );
    connection.query_row(&count, [], |row| row.get(0))
}
