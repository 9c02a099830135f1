//! Transfers that failed for good. Uploads are kept, as nothing else records them; a download can be requested again.

use tokio_postgres::{Client, Error};

use super::rows;
use crate::repository::{DeadUpload, GivenUp, TransferId};

/// Gives up transfers; returns the storage keys of the uploads.
pub(super) async fn give_up(
    client: &mut Client,
    transfers: &[GivenUp],
    process: i32,
) -> Result<Vec<String>, Error> {
    let all = client.transaction().await?;
    let bury = "
        UPDATE drip_transfers t SET cause = $2, lessee = NULL FROM drip_media m
        WHERE t.id = $1 AND t.direction = 'upload' AND t.lessee = $3 AND m.id = t.media_id RETURNING m.storage_key";
    let remove = "DELETE FROM drip_transfers WHERE id = $1 AND direction = 'download' AND lessee = $2";
    let mut keys = Vec::new();
    for GivenUp { transfer, cause } in transfers {
        let (transfer, cause) = (rows::bytes(transfer.0), cause.replace('\0', " "));
        match all.query_opt(bury, &[&transfer, &cause, &process]).await? {
            Some(row) => keys.push(row.try_get(0)?),
            None => drop(all.execute(remove, &[&transfer, &process]).await?),
        }
    }
    all.commit().await?;
    Ok(keys)
}

pub(super) async fn count(client: &Client) -> Result<u64, Error> {
    let count = "SELECT count(*) FROM drip_transfers WHERE cause IS NOT NULL";
    Ok(rows::unsigned(client.query_one(count, &[]).await?.try_get(0)?))
}

pub(super) async fn uploads_after(
    client: &Client,
    after: Option<TransferId>,
    limit: usize,
) -> Result<Vec<DeadUpload>, Error> {
    let (media, transfer) = (rows::MEDIA, rows::TRANSFER);
    let dead = format!(
        "SELECT {media}, {transfer}, t.cause FROM drip_transfers t JOIN drip_media m ON m.id = t.media_id
         JOIN drip_users u ON u.id = m.user_id WHERE t.id > $1 AND t.cause IS NOT NULL ORDER BY t.id LIMIT $2"
    );
    let dead = client.query(&dead, &[&rows::after(after.map(|id| id.0)), &rows::limited(limit)]).await?;
    rows::all(&dead, |row| Ok(DeadUpload { transfer: rows::transfer(row)?, cause: row.try_get("cause")? }))
}

pub(super) async fn revive_uploads(client: &Client) -> Result<u64, Error> {
    let revive = "UPDATE drip_transfers SET cause = NULL, attempts = 0 WHERE cause IS NOT NULL";
    client.execute(revive, &[]).await
}

pub(super) async fn revive_upload(client: &Client, transfer: TransferId) -> Result<bool, Error> {
    let revive = "UPDATE drip_transfers SET cause = NULL, attempts = 0 WHERE id = $1 AND cause IS NOT NULL";
    Ok(client.execute(revive, &[&rows::bytes(transfer.0)]).await? > 0)
}

pub(super) async fn forget(client: &mut Client, transfer: TransferId) -> Result<(), Error> {
    let all = client.transaction().await?;
    // An upload that was revived meanwhile is kept.
    let remove = "DELETE FROM drip_transfers WHERE id = $1 AND cause IS NOT NULL RETURNING media_id";
    if let Some(row) = all.query_opt(remove, &[&rows::bytes(transfer.0)]).await? {
        let media: Vec<u8> = row.try_get(0)?;
        all.execute("DELETE FROM drip_media WHERE id = $1 AND uploaded_at IS NULL", &[&media]).await?;
    }
    all.commit().await
}
