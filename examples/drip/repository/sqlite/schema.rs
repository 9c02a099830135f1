//! The schema, and its creation in an empty file.

use rusqlite::Connection;

use super::{migration, queue};

/// Stored in `user_version`; a later drip that changes the tables increments it and migrates.
pub(super) const VERSION: i64 = 3;

/// Stored in `application_id`: "drip".
pub(super) const APPLICATION: i64 = 0x6472_6970;

/// The first version that sets `application_id`.
pub(super) const FIRST_WITH_APPLICATION: i64 = 3;

/// A medium without `uploaded_at` has its upload still in the queue; one with `removed_at` is forgotten as
/// soon as its object is gone. `modified` and `seen`, a later modification time at which the file had the
/// same content, are in nanoseconds; all other times are in milliseconds since 1970. A transfer's `job`
/// refers to the table of jobs, which holds its lease and its number of attempts.
const TABLES: &str = "
CREATE TABLE users (
    id            INTEGER PRIMARY KEY,
    email         TEXT    NOT NULL UNIQUE,
    created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE media (
    id            BLOB    PRIMARY KEY,
    user_id       INTEGER NOT NULL REFERENCES users (id),
    file_name     BLOB    NOT NULL,
    relative_path BLOB    NOT NULL,
    full_path     BLOB    NOT NULL,
    size          INTEGER NOT NULL,
    storage_key   TEXT    NOT NULL UNIQUE,
    checksum      BLOB,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    uploaded_at   INTEGER,
    root          BLOB,
    object_size   INTEGER,
    kind          TEXT    NOT NULL DEFAULT 'file' CHECK (kind IN ('file', 'followed', 'symlink')),
    link_target   BLOB,
    mode          INTEGER,
    modified      INTEGER,
    link_group    BLOB,
    sparse        INTEGER NOT NULL DEFAULT 0,
    folder_modes  BLOB,
    removed_at    INTEGER,
    seen          INTEGER
) STRICT, WITHOUT ROWID;

-- Whether a file is stored as it is now: its path, then `size` and `modified`.
CREATE INDEX media_path ON media (user_id, full_path);

CREATE TABLE transfers (
    id            BLOB    PRIMARY KEY,
    direction     TEXT    NOT NULL CHECK (direction IN ('upload', 'download')),
    media_id      BLOB    NOT NULL REFERENCES media (id),
    path          BLOB    NOT NULL,
    folder        BLOB,
    job           INTEGER,
    created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX transfers_job ON transfers (job);
CREATE INDEX transfers_path ON transfers (direction, path);
CREATE INDEX transfers_media ON transfers (media_id);

CREATE TABLE settings (
    name          TEXT    PRIMARY KEY,
    value         TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Configures the connection and creates the tables in an empty file. Returns the version of the tables.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<i64> {
    // WAL with NORMAL: a killed process loses nothing; a power cut may lose the last transactions but never
    // damages the file. Transactions that a command reports as done use FULL, see `durably`; so do the
    // tables, which surviving objects need. A lock file ensures a single writer, so all leases belong to this
    // process; other processes may read meanwhile. The log and the cache are small: neither may grow with the
    // number of files.
    connection.execute_batch(
        "PRAGMA busy_timeout = 1000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -2000; PRAGMA wal_autocheckpoint = 256;",
    )?;
    let transaction = connection.transaction()?;
    let mut version = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version == 0 {
        transaction.execute_batch(TABLES)?;
        queue::create(&transaction)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        version = VERSION;
    }
    if version == 1 {
        migration::from_1(&transaction)?;
        version = 2;
    }
    if version == 2 {
        migration::from_2(&transaction)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        version = VERSION;
    }
    transaction.commit()?;
    connection.execute_batch("PRAGMA synchronous = NORMAL;")?;
    Ok(version)
}
