//! The tables, and their creation in an empty database.

use tokio_postgres::Client;

use crate::repository::RepositoryError;

/// Stored in `drip_schema`; a later drip that changes the tables increments it and migrates.
const VERSION: i32 = 1;

/// The columns are those of the tables in SQLite. A transfer is its own job: `lessee` is the process that works on it,
/// and `cause` is set while it is dead. Of the uploads of a user, one per file can be queued.
const TABLES: &str = "
CREATE TABLE drip_users (
    id            bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email         text    NOT NULL UNIQUE,
    created_at    bigint  NOT NULL
);
CREATE TABLE drip_media (
    id            bytea   PRIMARY KEY,
    user_id       bigint  NOT NULL REFERENCES drip_users (id),
    relative_path bytea   NOT NULL,
    full_path     bytea   NOT NULL,
    size          bigint  NOT NULL,
    storage_key   text    NOT NULL UNIQUE,
    checksum      bytea,
    created_at    bigint  NOT NULL,
    updated_at    bigint  NOT NULL,
    uploaded_at   bigint,
    root          bytea,
    object_size   bigint,
    kind          text    NOT NULL DEFAULT 'file' CHECK (kind IN ('file', 'followed', 'symlink')),
    link_target   bytea,
    mode          bigint,
    modified      bigint,
    link_group    bytea,
    sparse        boolean NOT NULL DEFAULT false,
    folder_modes  bytea,
    removed_at    bigint,
    seen          bigint
);
CREATE INDEX drip_media_path ON drip_media (user_id, full_path);
CREATE TABLE drip_transfers (
    id            bytea   PRIMARY KEY,
    direction     text    NOT NULL CHECK (direction IN ('upload', 'download')),
    media_id      bytea   NOT NULL REFERENCES drip_media (id),
    user_id       bigint  NOT NULL,
    path          bytea   NOT NULL,
    folder        bytea,
    created_at    bigint  NOT NULL,
    attempts      integer NOT NULL DEFAULT 0,
    lessee        integer,
    cause         text
);
CREATE INDEX drip_transfers_next ON drip_transfers (direction, attempts, id) WHERE lessee IS NULL AND cause IS NULL;
CREATE INDEX drip_transfers_lessee ON drip_transfers (lessee) WHERE lessee IS NOT NULL;
CREATE UNIQUE INDEX drip_transfers_upload ON drip_transfers (user_id, path) WHERE direction = 'upload';
CREATE INDEX drip_transfers_download ON drip_transfers (path, media_id) WHERE direction = 'download';
CREATE INDEX drip_transfers_media ON drip_transfers (media_id);
CREATE TABLE drip_settings (
    name          text    PRIMARY KEY,
    value         text    NOT NULL
);
CREATE TABLE drip_schema (version integer NOT NULL)";

/// Creates the tables unless they exist. Several drips may do so at once.
pub(super) async fn prepare(client: &mut Client, database: &str) -> Result<(), RepositoryError> {
    let failed = |error: tokio_postgres::Error| RepositoryError::Failed {
        database: database.to_owned(),
        source: error.into(),
    };
    let transaction = client.transaction().await.map_err(failed)?;
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('drip schema', 0))";
    transaction.execute(lock, &[]).await.map_err(failed)?;
    let exists = transaction.query_one("SELECT to_regclass('drip_schema') IS NOT NULL", &[]).await;
    let found = if exists.and_then(|row| row.try_get(0)).map_err(failed)? {
        let found = transaction.query_one("SELECT max(version) FROM drip_schema", &[]).await;
        found.and_then(|row| row.try_get::<_, Option<i32>>(0)).map_err(failed)?.unwrap_or(0)
    } else {
        let create = format!("{TABLES}; INSERT INTO drip_schema (version) VALUES ({VERSION})");
        transaction.batch_execute(&create).await.map_err(failed)?;
        VERSION
    };
    if found != VERSION {
        return Err(RepositoryError::Version {
            database: database.to_owned(),
            found: found.into(),
            known: VERSION.into(),
        });
    }
    transaction.commit().await.map_err(failed)
}
