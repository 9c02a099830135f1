//! Conversion from rows to values.

use rusqlite::Row;
use uuid::Uuid;

use super::attributes;
use crate::repository::path_bytes::from_bytes;
use crate::repository::{Direction, Media, MediaId, Transfer, TransferId, UserId};

/// The columns that [`media`] reads, of `media m JOIN users u`.
pub(super) const MEDIA: &str =
    "m.id, m.user_id, u.email, m.relative_path, m.full_path, m.size, m.storage_key,
     m.checksum, m.created_at, m.updated_at, m.root, m.object_size,
     m.kind, m.link_target, m.mode, m.modified, m.link_group, m.sparse, m.folder_modes";

/// The columns before them that [`transfer`] reads, of `transfers t JOIN jobs j`.
pub(super) const TRANSFER: &str = "t.id, t.direction, t.path, j.attempts, t.folder";

/// Index of the first attribute column.
const ATTRIBUTES: usize = 12;

const MEDIA_WIDTH: usize = ATTRIBUTES + attributes::WIDTH;

/// Reads a medium from the first columns.
pub(super) fn media(row: &Row<'_>) -> rusqlite::Result<Media> {
    Ok(Media {
        id: MediaId(id(row, 0)?),
        user: UserId(row.get(1)?),
        email: row.get(2)?,
        relative_path: from_bytes(row.get(3)?),
        full_path: from_bytes(row.get(4)?),
        size: row.get(5)?,
        storage_key: row.get(6)?,
        checksum: row.get(7)?,
        created_at: row.get(8)?,
        updated_at: row.get(9)?,
        root: row.get::<_, Option<_>>(10)?.map(from_bytes),
        object_size: row.get(11)?,
        attributes: attributes::read(row, ATTRIBUTES)?,
    })
}

/// Reads a transfer; its columns follow those of its medium.
pub(super) fn transfer(row: &Row<'_>) -> rusqlite::Result<Transfer> {
    let direction: String = row.get(MEDIA_WIDTH + 1)?;
    Ok(Transfer {
        id: TransferId(id(row, MEDIA_WIDTH)?),
        direction: match direction.as_str() {
            "upload" => Direction::Upload,
            _ => Direction::Download,
        },
        media: media(row)?,
        path: from_bytes(row.get(MEDIA_WIDTH + 2)?),
        attempts: row.get(MEDIA_WIDTH + 3)?,
        folder: row.get::<_, Option<_>>(MEDIA_WIDTH + 4)?.map(from_bytes),
    })
}

fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    row.get::<_, [u8; 16]>(column).map(Uuid::from_bytes)
}

/// The current time, in milliseconds since 1970.
pub(super) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
