//! Users, media, their versions, and settings.

use std::path::PathBuf;

use tokio_postgres::{Client, Error, GenericClient};

use super::rows;
use crate::repository::path_bytes::{from_bytes, to_bytes};
use crate::repository::{Known, Media, MediaId, User, UserId};

/// Whether the medium `m` is stored and not removed.
const IS_STORED: &str = "m.uploaded_at IS NOT NULL AND m.removed_at IS NULL";

/// Whether a later version of the medium `m` is stored. Ids created later sort later.
const IS_SUPERSEDED: &str = "EXISTS (SELECT 1 FROM drip_media later WHERE later.user_id = m.user_id
     AND later.full_path = m.full_path AND later.id > m.id
     AND later.uploaded_at IS NOT NULL AND later.removed_at IS NULL)";

/// The media with their users.
fn select(more: &str, wanted: &str) -> String {
    format!(
        "SELECT {}{more} FROM drip_media m JOIN drip_users u ON u.id = m.user_id WHERE {wanted}",
        rows::MEDIA
    )
}

pub(super) async fn user(client: &impl GenericClient, email: &str) -> Result<UserId, Error> {
    let add = "INSERT INTO drip_users (email, created_at) VALUES ($1, $2) ON CONFLICT (email) DO NOTHING";
    client.execute(add, &[&email, &rows::now()]).await?;
    let row = client.query_one("SELECT id FROM drip_users WHERE email = $1", &[&email]).await?;
    row.try_get(0).map(UserId)
}

pub(super) async fn media(client: &impl GenericClient, id: MediaId) -> Result<Option<Media>, Error> {
    let sql = select("", &format!("m.id = $1 AND {IS_STORED}"));
    client.query_opt(&sql, &[&rows::bytes(id.0)]).await?.as_ref().map(rows::media).transpose()
}

pub(super) async fn media_after(
    client: &Client,
    after: Option<MediaId>,
    limit: usize,
) -> Result<Vec<Media>, Error> {
    let sql = select("", &format!("m.id > $1 AND {IS_STORED} ORDER BY m.id LIMIT $2"));
    let found = client.query(&sql, &[&rows::after(after.map(|id| id.0)), &rows::limited(limit)]).await?;
    rows::all(&found, rows::media)
}

pub(super) async fn latest_after(
    client: &Client,
    after: Option<MediaId>,
    limit: usize,
) -> Result<Vec<Media>, Error> {
    let wanted = format!("m.id > $1 AND {IS_STORED} AND NOT {IS_SUPERSEDED} ORDER BY m.id LIMIT $2");
    let found = client
        .query(&select("", &wanted), &[&rows::after(after.map(|id| id.0)), &rows::limited(limit)])
        .await?;
    rows::all(&found, rows::media)
}

pub(super) async fn superseded(client: &Client) -> Result<u64, Error> {
    let count = format!("SELECT count(*) FROM drip_media m WHERE {IS_STORED} AND {IS_SUPERSEDED}");
    Ok(rows::unsigned(client.query_one(&count, &[]).await?.try_get(0)?))
}

pub(super) async fn stored_at(
    client: &Client,
    user: UserId,
    paths: &[PathBuf],
) -> Result<Vec<Option<Known>>, Error> {
    let wanted = format!("m.user_id = $1 AND m.full_path = $2 AND {IS_STORED} ORDER BY m.id DESC LIMIT 1");
    let latest = client.prepare(&select(", m.seen", &wanted)).await?;
    let mut known = Vec::with_capacity(paths.len());
    for path in paths {
        let row = client.query_opt(&latest, &[&user.0, &to_bytes(path)]).await?;
        let read =
            |row: &tokio_postgres::Row| Ok(Known { media: rows::media(row)?, seen: row.try_get("seen")? });
        known.push(row.as_ref().map(read).transpose()?);
    }
    Ok(known)
}

pub(super) async fn seen(client: &Client, media: &[(MediaId, Option<i64>)]) -> Result<(), Error> {
    let (ids, times): (Vec<_>, Vec<_>) = media.iter().map(|(id, time)| (rows::bytes(id.0), *time)).unzip();
    let seen = "
        UPDATE drip_media m SET seen = new.time FROM unnest($1::bytea[], $2::int8[]) AS new (id, time)
        WHERE m.id = new.id";
    client.execute(seen, &[&ids, &times]).await.map(drop)
}

pub(super) async fn roots(client: &Client) -> Result<Vec<PathBuf>, Error> {
    let roots = format!(
        "SELECT root FROM drip_media m WHERE {IS_STORED} AND root IS NOT NULL
         GROUP BY root ORDER BY min(created_at), root"
    );
    rows::all(&client.query(&roots, &[]).await?, |row| row.try_get(0).map(from_bytes))
}

pub(super) async fn users_after(
    client: &Client,
    after: Option<UserId>,
    limit: usize,
) -> Result<Vec<User>, Error> {
    let users = "SELECT id, email FROM drip_users WHERE id > $1 ORDER BY id LIMIT $2";
    let after = after.map_or(i64::MIN, |user| user.0);
    let users = client.query(users, &[&after, &rows::limited(limit)]).await?;
    rows::all(&users, |row| Ok(User { id: UserId(row.try_get(0)?), email: row.try_get(1)? }))
}

pub(super) async fn setting(client: &Client, name: &str) -> Result<Option<String>, Error> {
    let row = client.query_opt("SELECT value FROM drip_settings WHERE name = $1", &[&name]).await?;
    row.map(|row| row.try_get(0)).transpose()
}

pub(super) async fn set_setting(client: &Client, name: &str, value: &str) -> Result<(), Error> {
    let set = "
        INSERT INTO drip_settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    client.execute(set, &[&name, &value]).await.map(drop)
}
