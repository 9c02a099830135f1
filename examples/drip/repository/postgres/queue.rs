//! The queue of transfers. A transfer is leased to a process until that ends; only its lessee finishes it.

use tokio_postgres::{Client, Error, Transaction};

use super::connection::CLASS;
use super::rows::{self, Columns};
use crate::repository::path_bytes::to_bytes;
use crate::repository::{
    GivenBack, MediaId, NewDownload, NewUpload, Scope, Stored, Transfer, TransferId, UserId, Waiting,
};

/// Held while uploads are added, so that two drips that walk the same folder add each file once.
const ADD: &str = "SELECT pg_advisory_xact_lock(hashtextextended('drip add', 0))";

pub(super) async fn add_uploads(
    client: &mut Client,
    user: UserId,
    uploads: &[NewUpload],
) -> Result<u64, Error> {
    let all = client.transaction().await?;
    all.execute(ADD, &[]).await?;
    let known = all
        .prepare(
            "SELECT t.media_id, t.cause IS NOT NULL FROM drip_transfers t
             WHERE t.direction = 'upload' AND t.path = $1 AND t.user_id = $2",
        )
        .await?;
    let latest = all
        .prepare(
            "SELECT size, modified, mode, kind, link_target FROM drip_media
             WHERE user_id = $1 AND full_path = $2 AND uploaded_at IS NOT NULL AND removed_at IS NULL
             ORDER BY id DESC LIMIT 1",
        )
        .await?;
    let mut added = 0;
    for upload in uploads {
        let path = to_bytes(&upload.full_path);
        let size = rows::signed(upload.size);
        if let Some(row) = all.query_opt(&known, &[&path, &user.0]).await? {
            let (media, dead): (Vec<u8>, bool) = (row.try_get(0)?, row.try_get(1)?);
            // The size may have changed since the file was queued.
            describe(&all, &media, upload).await?;
            added += u64::from(dead);
            let revive = "UPDATE drip_transfers SET cause = NULL, attempts = 0 WHERE media_id = $1 AND cause IS NOT NULL";
            all.execute(revive, &[&media]).await?;
            continue;
        }
        // Another drip may have stored the file since this one looked for it.
        let stored = all.query_opt(&latest, &[&user.0, &path]).await?;
        let is_stored =
            stored.map(|row| Columns::of(&upload.attributes).is_stored(&row, size)).transpose()?;
        if is_stored != Some(true) {
            add_upload(&all, user, upload, path).await?;
            added += 1;
        }
    }
    all.commit().await?;
    Ok(added)
}

async fn describe(all: &Transaction<'_>, media: &Vec<u8>, upload: &NewUpload) -> Result<(), Error> {
    let columns = Columns::of(&upload.attributes);
    let set = format!("UPDATE drip_media SET {}, size = $9 WHERE id = $1", Columns::SET);
    all.execute(&set, &columns.parameters(media, &[&rows::signed(upload.size)])).await.map(drop)
}

async fn add_upload(
    all: &Transaction<'_>,
    user: UserId,
    upload: &NewUpload,
    path: Vec<u8>,
) -> Result<(), Error> {
    let (id, now) = (MediaId::new(), rows::now());
    let media = rows::bytes(id.0);
    let add_media = "
        INSERT INTO drip_media (id, user_id, relative_path, full_path, size, storage_key, created_at, updated_at, root)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)";
    let (relative, root) = (to_bytes(&upload.relative_path), upload.root.as_deref().map(to_bytes));
    let (size, key) = (rows::signed(upload.size), id.storage_key());
    all.execute(add_media, &[&media, &user.0, &relative, &path, &size, &key, &now, &root]).await?;
    describe(all, &media, upload).await?;
    let add = "
        INSERT INTO drip_transfers (id, direction, media_id, user_id, path, created_at)
        VALUES ($1, 'upload', $2, $3, $4, $5)";
    let transfer = rows::bytes(TransferId::new().0);
    all.execute(add, &[&transfer, &media, &user.0, &path, &now]).await.map(drop)
}

pub(super) async fn add_downloads(client: &mut Client, downloads: &[NewDownload]) -> Result<u64, Error> {
    let all = client.transaction().await?;
    all.execute(ADD, &[]).await?;
    let add = all
        .prepare(
            "INSERT INTO drip_transfers (id, direction, media_id, user_id, path, folder, created_at)
             SELECT $1, 'download', m.id, m.user_id, $3, $4, $5 FROM drip_media m WHERE m.id = $2
             AND NOT EXISTS (SELECT 1 FROM drip_transfers WHERE direction = 'download' AND path = $3 AND media_id = $2)",
        )
        .await?;
    let (mut added, now) = (0, rows::now());
    for download in downloads {
        let (transfer, media) = (rows::bytes(TransferId::new().0), rows::bytes(download.media.0));
        let (path, folder) = (to_bytes(&download.target), to_bytes(&download.folder));
        added += all.execute(&add, &[&transfer, &media, &path, &folder, &now]).await?;
    }
    all.commit().await?;
    Ok(added)
}

fn parts(scope: &Scope) -> (&'static str, Option<Vec<u8>>) {
    match scope {
        Scope::Uploads => ("upload", None),
        Scope::Downloads { folder } => ("download", Some(to_bytes(folder))),
    }
}

pub(super) async fn waiting(client: &Client, scope: &Scope) -> Result<Waiting, Error> {
    let (direction, folder) = parts(scope);
    let waiting = "
        SELECT count(*), coalesce(sum(m.size), 0)::bigint FROM drip_transfers t JOIN drip_media m ON m.id = t.media_id
        WHERE t.direction = $1 AND t.folder IS NOT DISTINCT FROM $2 AND t.lessee IS NULL AND t.cause IS NULL";
    let row = client.query_one(waiting, &[&direction, &folder]).await?;
    Ok(Waiting { files: rows::unsigned(row.try_get(0)?), bytes: rows::unsigned(row.try_get(1)?) })
}

pub(super) async fn lease(
    client: &Client,
    scope: &Scope,
    limit: usize,
    process: i32,
) -> Result<Vec<Transfer>, Error> {
    let (direction, folder) = parts(scope);
    let (media, transfer) = (rows::MEDIA, rows::TRANSFER);
    let lease = format!(
        "WITH next AS MATERIALIZED (
             SELECT id FROM drip_transfers
             WHERE direction = $1 AND folder IS NOT DISTINCT FROM $2 AND lessee IS NULL AND cause IS NULL
             ORDER BY attempts, id LIMIT $3 FOR UPDATE SKIP LOCKED
         ), t AS (
             UPDATE drip_transfers AS leased SET lessee = $4, attempts = attempts + 1
             FROM next WHERE leased.id = next.id RETURNING leased.*
         )
         SELECT {media}, {transfer} FROM t JOIN drip_media m ON m.id = t.media_id
         JOIN drip_users u ON u.id = m.user_id ORDER BY t.attempts, t.id"
    );
    let leased = client.query(&lease, &[&direction, &folder, &rows::limited(limit), &process]).await?;
    rows::all(&leased, rows::transfer)
}

pub(super) async fn give_back(client: &Client, transfers: &[GivenBack], process: i32) -> Result<(), Error> {
    let part = |transfer: &GivenBack| match transfer {
        GivenBack::Failed(id) => (rows::bytes(id.0), 0),
        GivenBack::Stopped(id) => (rows::bytes(id.0), 1),
    };
    let (ids, untried): (Vec<_>, Vec<i32>) = transfers.iter().map(part).unzip();
    let give_back = "
        UPDATE drip_transfers t SET lessee = NULL, attempts = greatest(t.attempts - back.untried, 0)
        FROM unnest($1::bytea[], $2::int4[]) AS back (id, untried) WHERE t.id = back.id AND t.lessee = $3";
    client.execute(give_back, &[&ids, &untried, &process]).await.map(drop)
}

/// A transfer that another process has taken over in the meantime is left to that process.
pub(super) async fn finish_uploads(
    client: &mut Client,
    stored: &[Stored],
    process: i32,
) -> Result<(), Error> {
    let all = client.transaction().await?;
    let remove = all.prepare("DELETE FROM drip_transfers WHERE id = $1 AND lessee = $2").await?;
    let set = format!(
        "UPDATE drip_media SET {}, size = $9, checksum = $10, updated_at = $11, uploaded_at = $11, object_size = $12
         WHERE id = $1",
        Columns::SET
    );
    let set = all.prepare(&set).await?;
    let now = rows::now();
    for upload in stored {
        if all.execute(&remove, &[&rows::bytes(upload.transfer.0), &process]).await? == 0 {
            tracing::warn!(media = %upload.media, "another drip has taken over this upload");
            continue;
        }
        let (media, columns) = (rows::bytes(upload.media.0), Columns::of(&upload.attributes));
        let (size, object_size) = (rows::signed(upload.size), rows::signed(upload.object_size));
        let checksum = upload.checksum.to_vec();
        all.execute(&set, &columns.parameters(&media, &[&size, &checksum, &now, &object_size])).await?;
    }
    all.commit().await
}

pub(super) async fn finish_downloads(
    client: &Client,
    transfers: &[TransferId],
    process: i32,
) -> Result<(), Error> {
    let ids: Vec<_> = transfers.iter().map(|id| rows::bytes(id.0)).collect();
    client
        .execute("DELETE FROM drip_transfers WHERE id = ANY($1) AND lessee = $2", &[&ids, &process])
        .await
        .map(drop)
}

/// Returns the transfers of processes that have ended: the server has released their locks.
pub(super) async fn recover(client: &Client, process: i32) -> Result<Vec<Transfer>, Error> {
    let (media, transfer) = (rows::MEDIA, rows::TRANSFER);
    let recover = format!(
        "WITH dead AS MATERIALIZED (
             SELECT DISTINCT lessee FROM drip_transfers WHERE lessee IS NOT NULL AND NOT EXISTS (
                 SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid::int8 = $1::int4
                 AND objid::int8 = lessee AND objsubid = 2
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
         ), t AS (
             UPDATE drip_transfers AS left_over SET lessee = $2 FROM dead
             WHERE left_over.lessee = dead.lessee RETURNING left_over.*
         )
         SELECT {media}, {transfer} FROM t JOIN drip_media m ON m.id = t.media_id
         JOIN drip_users u ON u.id = m.user_id ORDER BY t.id"
    );
    rows::all(&client.query(&recover, &[&CLASS, &process]).await?, rows::transfer)
}

pub(super) async fn queued_after(
    client: &Client,
    after: Option<TransferId>,
    limit: usize,
) -> Result<Vec<Transfer>, Error> {
    let (media, transfer) = (rows::MEDIA, rows::TRANSFER);
    let queued = format!(
        "SELECT {media}, {transfer} FROM drip_transfers t JOIN drip_media m ON m.id = t.media_id
         JOIN drip_users u ON u.id = m.user_id WHERE t.id > $1 AND t.cause IS NULL ORDER BY t.id LIMIT $2"
    );
    let queued = client.query(&queued, &[&rows::after(after.map(|id| id.0)), &rows::limited(limit)]).await?;
    rows::all(&queued, rows::transfer)
}

pub(super) async fn forget_queued(client: &mut Client, transfers: &[TransferId]) -> Result<u64, Error> {
    let ids: Vec<_> = transfers.iter().map(|id| rows::bytes(id.0)).collect();
    let all = client.transaction().await?;
    let remove = "
        DELETE FROM drip_transfers WHERE id = ANY($1) AND lessee IS NULL AND cause IS NULL RETURNING media_id";
    let media = all.query(remove, &[&ids]).await?;
    let media: Vec<Vec<u8>> = rows::all(&media, |row| row.try_get(0))?;
    all.execute("DELETE FROM drip_media WHERE id = ANY($1) AND uploaded_at IS NULL", &[&media]).await?;
    all.commit().await?;
    Ok(media.len() as u64)
}
