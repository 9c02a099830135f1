//! Migration of databases that an earlier drip created.

use rusqlite::{Transaction, params};

use super::queue;

/// A transfer of version 1.
struct Old {
    id: [u8; 16],
    direction: String,
    folder: Option<Vec<u8>>,
    leased: bool,
}

/// In version 1, the transfer's row held its lease and its number of attempts. Leased transfers stay leased,
/// by a run that has ended; attempts restart at zero.
pub(super) fn from_1(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    queue::create(transaction)?;
    transaction.execute_batch(
        "ALTER TABLE transfers ADD COLUMN job INTEGER;
         CREATE UNIQUE INDEX transfers_job ON transfers (job);
         DROP INDEX transfers_next;",
    )?;
    let mut transfers = transaction
        .prepare("SELECT id, direction, folder, leased FROM transfers ORDER BY leased DESC, attempts, id")?;
    let rows = transfers.query_map([], |row| {
        Ok(Old { id: row.get(0)?, direction: row.get(1)?, folder: row.get(2)?, leased: row.get(3)? })
    })?;
    let rows: Vec<Old> = rows.collect::<rusqlite::Result<_>>()?;
    for Old { id, direction, folder, leased } in rows {
        let lane = queue::lane(&direction, folder.as_deref());
        let job = queue::enqueue(transaction, &lane, id)?;
        if leased {
            // Leased transfers come first, so this is the only waiting job of the lane.
            queue::lease_jobs(transaction, &lane, 1)?;
        }
        transaction.execute("UPDATE transfers SET job = ?2 WHERE id = ?1", params![id, job])?;
    }
    transaction.execute_batch(
        "ALTER TABLE transfers DROP COLUMN leased;
         ALTER TABLE transfers DROP COLUMN attempts;",
    )
}

/// Version 2 stored only the path and size of a file.
pub(super) fn from_2(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "ALTER TABLE media ADD COLUMN root BLOB;
         ALTER TABLE media ADD COLUMN object_size INTEGER;
         ALTER TABLE media ADD COLUMN kind TEXT NOT NULL DEFAULT 'file' CHECK (kind IN ('file', 'followed', 'symlink'));
         ALTER TABLE media ADD COLUMN link_target BLOB;
         ALTER TABLE media ADD COLUMN mode INTEGER;
         ALTER TABLE media ADD COLUMN modified INTEGER;
         ALTER TABLE media ADD COLUMN link_group BLOB;
         ALTER TABLE media ADD COLUMN sparse INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE media ADD COLUMN folder_modes BLOB;
         ALTER TABLE media ADD COLUMN removed_at INTEGER;
         ALTER TABLE media ADD COLUMN seen INTEGER;
         CREATE INDEX media_path ON media (user_id, full_path);",
    )
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::Sqlite;
    use crate::repository::{Attributes, Repository, Scope};

    /// A database of version 1, with one leased transfer and one that is not leased.
    const FIRST: &str = "
        CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL) STRICT;
        CREATE TABLE media (
            id BLOB PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id), file_name BLOB NOT NULL,
            relative_path BLOB NOT NULL, full_path BLOB NOT NULL, size INTEGER NOT NULL,
            storage_key TEXT NOT NULL UNIQUE, checksum BLOB, created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL, uploaded_at INTEGER
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE transfers (
            id BLOB PRIMARY KEY, direction TEXT NOT NULL CHECK (direction IN ('upload', 'download')),
            media_id BLOB NOT NULL REFERENCES media (id), path BLOB NOT NULL, folder BLOB,
            leased INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX transfers_next ON transfers (direction, leased, attempts, id);
        CREATE INDEX transfers_path ON transfers (direction, path);
        CREATE INDEX transfers_media ON transfers (media_id);
        CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
        INSERT INTO users VALUES (1, 'a@b.c', 0);
        INSERT INTO media VALUES (x'00000000000000000000000000000001', 1, x'61', x'61', x'61', 5, 'one', NULL, 0, 0, NULL),
            (x'00000000000000000000000000000002', 1, x'62', x'62', x'62', 6, 'two', NULL, 0, 0, NULL);
        INSERT INTO transfers VALUES
            (x'00000000000000000000000000000003', 'upload', x'00000000000000000000000000000001', x'61', NULL, 0, 0, 0),
            (x'00000000000000000000000000000004', 'upload', x'00000000000000000000000000000002', x'62', NULL, 1, 2, 0);
        PRAGMA user_version = 1;";

    #[tokio::test]
    async fn a_database_of_version_1_keeps_its_transfers_and_those_leased_by_a_killed_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("drip.db");
        Connection::open(&path).unwrap().execute_batch(FIRST).unwrap();
        let repository = Sqlite::open(&path).unwrap();
        let left = repository.recover().await.unwrap();
        assert_eq!(left.iter().map(|left| left.media.storage_key.as_str()).collect::<Vec<_>>(), ["two"]);
        assert_eq!(repository.waiting(&Scope::Uploads).await.unwrap().files, 2);
        let leased = repository.lease(&Scope::Uploads, 9).await.unwrap();
        assert_eq!(leased.len(), 2);
        assert!(leased.iter().all(|transfer| transfer.media.attributes == Attributes::default()));
    }
}
