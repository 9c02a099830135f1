//! What is stored of a file, and which of its versions is the latest: the statements.

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{attributes, rows};
use crate::repository::path_bytes::to_bytes;
use crate::repository::{Attributes, Media, MediaId, UserId};

/// Whether a later version of the medium `m` is stored. Ids made later sort later.
const IS_SUPERSEDED: &str = "EXISTS (SELECT 1 FROM media later WHERE later.user_id = m.user_id
     AND later.full_path = m.full_path AND later.id > m.id
     AND later.uploaded_at IS NOT NULL AND later.removed_at IS NULL)";

pub(super) fn stored_at(
    connection: &Connection,
    user: UserId,
    paths: &[PathBuf],
) -> rusqlite::Result<Vec<Option<Media>>> {
    let columns = rows::MEDIA;
    let mut latest = connection.prepare_cached(&format!(
        "SELECT {columns} FROM media m JOIN users u ON u.id = m.user_id
         WHERE m.user_id = ?1 AND m.full_path = ?2 AND m.uploaded_at IS NOT NULL AND m.removed_at IS NULL
         ORDER BY m.id DESC LIMIT 1"
    ))?;
    paths
        .iter()
        .map(|path| latest.query_row(params![user.0, to_bytes(path)], rows::media).optional())
        .collect()
}

pub(super) fn touch(transaction: &Transaction<'_>, media: &[(MediaId, Attributes)]) -> rusqlite::Result<()> {
    media.iter().try_for_each(|(id, now)| attributes::write(transaction, id.0.as_bytes(), now))
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
