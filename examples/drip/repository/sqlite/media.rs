//! SQL statements for users, media and settings.

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, params};

use super::rows;
use crate::repository::path_bytes::from_bytes;
use crate::repository::{Media, MediaId, User, UserId};

pub(super) fn user(connection: &Connection, email: &str) -> rusqlite::Result<UserId> {
    connection.execute(
        "INSERT INTO users (email, created_at) VALUES (?1, ?2) ON CONFLICT (email) DO NOTHING",
        params![email, rows::now()],
    )?;
    connection.query_row("SELECT id FROM users WHERE email = ?1", [email], |row| row.get(0).map(UserId))
}

pub(super) fn media(connection: &Connection, id: MediaId) -> rusqlite::Result<Option<Media>> {
    let columns = rows::MEDIA;
    let sql = format!(
        "SELECT {columns} FROM media m JOIN users u ON u.id = m.user_id
         WHERE m.id = ?1 AND m.uploaded_at IS NOT NULL AND m.removed_at IS NULL"
    );
    connection.query_row(&sql, [id.0.as_bytes()], rows::media).optional()
}

pub(super) fn media_after(
    connection: &Connection,
    after: Option<MediaId>,
    limit: usize,
) -> rusqlite::Result<Vec<Media>> {
    let columns = rows::MEDIA;
    let sql = format!(
        "SELECT {columns} FROM media m JOIN users u ON u.id = m.user_id
         WHERE m.id > ?1 AND m.uploaded_at IS NOT NULL AND m.removed_at IS NULL ORDER BY m.id LIMIT ?2"
    );
    let after: &[u8] = after.as_ref().map_or(&[], |id| id.0.as_bytes());
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_map(params![after, limit], rows::media)?.collect()
}

pub(super) fn roots(connection: &Connection) -> rusqlite::Result<Vec<PathBuf>> {
    let mut statement = connection.prepare_cached(
        "SELECT root FROM media WHERE uploaded_at IS NOT NULL AND removed_at IS NULL AND root IS NOT NULL
         GROUP BY root ORDER BY min(id)",
    )?;
    statement.query_map([], |row| row.get(0).map(from_bytes))?.collect()
}

pub(super) fn users_after(
    connection: &Connection,
    after: Option<UserId>,
    limit: usize,
) -> rusqlite::Result<Vec<User>> {
    let sql = "SELECT id, email FROM users WHERE id > ?1 ORDER BY id LIMIT ?2";
    let after = after.map_or(i64::MIN, |user| user.0);
    let mut statement = connection.prepare_cached(sql)?;
    let user = |row: &rusqlite::Row<'_>| Ok(User { id: UserId(row.get(0)?), email: row.get(1)? });
    statement.query_map(params![after, limit], user)?.collect()
}

pub(super) fn setting(connection: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    connection.query_row("SELECT value FROM settings WHERE name = ?1", [name], |row| row.get(0)).optional()
}

pub(super) fn set_setting(connection: &Connection, name: &str, value: &str) -> rusqlite::Result<()> {
    let sql = "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    connection.execute(sql, [name, value]).map(drop)
}
