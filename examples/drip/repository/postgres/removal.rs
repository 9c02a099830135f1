//! Removing media, and restoring them from their objects.

use tokio_postgres::{Client, Error};

use super::rows::{self, Columns};
use super::{connection::CLASS, media};
use crate::repository::path_bytes::to_bytes;
use crate::repository::{Media, MediaId};

/// Marks media as removed. Their rows stay until their objects are gone, so a killed run leaves no untracked object.
pub(super) async fn remove(client: &mut Client, ids: &[MediaId]) -> Result<Vec<Media>, Error> {
    let all = client.transaction().await?;
    let mut removed = Vec::new();
    for id in ids {
        let Some(found) = media::media(&all, *id).await? else { continue };
        let id = rows::bytes(id.0);
        all.execute("DELETE FROM drip_transfers WHERE media_id = $1", &[&id]).await?;
        all.execute("UPDATE drip_media SET removed_at = $2 WHERE id = $1", &[&id, &rows::now()]).await?;
        removed.push(found);
    }
    all.commit().await?;
    Ok(removed)
}

pub(super) async fn removed(client: &Client) -> Result<Vec<Media>, Error> {
    let removed = format!(
        "SELECT {} FROM drip_media m JOIN drip_users u ON u.id = m.user_id WHERE m.removed_at IS NOT NULL ORDER BY m.id",
        rows::MEDIA
    );
    rows::all(&client.query(&removed, &[]).await?, rows::media)
}

pub(super) async fn forget(client: &Client, ids: &[MediaId]) -> Result<(), Error> {
    let ids: Vec<_> = ids.iter().map(|id| rows::bytes(id.0)).collect();
    let forget = "DELETE FROM drip_media WHERE id = ANY($1) AND removed_at IS NOT NULL";
    client.execute(forget, &[&ids]).await.map(drop)
}

pub(super) async fn restore(client: &mut Client, restored: &[Media]) -> Result<u64, Error> {
    let all = client.transaction().await?;
    // Two drips that rebuild at once agree on who adds a medium.
    all.execute("SELECT pg_advisory_xact_lock($1, 0)", &[&CLASS]).await?;
    let known = "SELECT uploaded_at IS NOT NULL AND removed_at IS NULL FROM drip_media WHERE id = $1";
    let put = "INSERT INTO drip_media (id, user_id, relative_path, full_path, size, storage_key, checksum, created_at, updated_at,
                                 uploaded_at, root, object_size)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11)
         ON CONFLICT (id) DO UPDATE SET user_id = $2, relative_path = $3, full_path = $4, size = $5, checksum = $7,
             updated_at = $9, root = $10, object_size = $11";
    let mut count = 0;
    for medium in restored {
        let id = rows::bytes(medium.id.0);
        let found = all.query_opt(known, &[&id]).await?.map(|row| row.try_get(0)).transpose()?;
        match found {
            Some(false) => continue,
            Some(true) if media::media(&all, medium.id).await?.is_some_and(|now| is_as(&now, medium)) => {
                continue;
            }
            None | Some(true) => {}
        }
        let user = media::user(&all, &medium.email).await?;
        let (relative, full) = (to_bytes(&medium.relative_path), to_bytes(&medium.full_path));
        let (size, object_size) = (rows::signed(medium.size), medium.object_size.map(rows::signed));
        let (checksum, root) =
            (medium.checksum.map(|hash| hash.to_vec()), medium.root.as_deref().map(to_bytes));
        let (key, created, now) = (&medium.storage_key, medium.created_at, rows::now());
        all.execute(
            put,
            &[&id, &user.0, &relative, &full, &size, key, &checksum, &created, &now, &root, &object_size],
        )
        .await?;
        let set = format!("UPDATE drip_media SET {} WHERE id = $1", Columns::SET);
        all.execute(&set, &Columns::of(&medium.attributes).parameters(&id, &[])).await?;
        count += 1;
    }
    all.commit().await?;
    Ok(count)
}

/// Whether a row agrees with the object's record.
fn is_as(row: &Media, object: &Media) -> bool {
    let Media { user, updated_at, .. } = row.clone();
    *row == Media { user, updated_at, ..object.clone() }
}
