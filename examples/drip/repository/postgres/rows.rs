//! Conversion from rows to values, and of attributes to columns.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

use crate::repository::path_bytes::{from_bytes, to_bytes};
use crate::repository::{
    Attributes, Direction, Kind, LinkGroup, Media, MediaId, Transfer, TransferId, UserId,
};

/// The columns that [`media`] reads, of `drip_media m JOIN drip_users u`.
pub(super) const MEDIA: &str =
    "m.id, m.user_id, u.email, m.relative_path, m.full_path, m.size, m.storage_key, m.checksum, m.created_at,
     m.updated_at, m.root, m.object_size, m.kind, m.link_target, m.mode, m.modified, m.link_group, m.sparse,
     m.folder_modes";

/// The columns behind them that [`transfer`] reads, of `drip_transfers t`.
pub(super) const TRANSFER: &str = "t.id, t.direction, t.path, t.attempts, t.folder";

const MEDIA_WIDTH: usize = 19;

/// Reads a medium from the first columns.
pub(super) fn media(row: &Row) -> Result<Media, Error> {
    let target: Option<Vec<u8>> = row.try_get(13)?;
    let mode: Option<i64> = row.try_get(14)?;
    let group: Option<Vec<u8>> = row.try_get(16)?;
    let folder_modes: Option<Vec<u8>> = row.try_get(18)?;
    let checksum: Option<Vec<u8>> = row.try_get(7)?;
    Ok(Media {
        id: MediaId(id(row, 0)?),
        user: UserId(row.try_get(1)?),
        email: row.try_get(2)?,
        relative_path: from_bytes(row.try_get(3)?),
        full_path: from_bytes(row.try_get(4)?),
        size: unsigned(row.try_get(5)?),
        storage_key: row.try_get(6)?,
        checksum: checksum.and_then(|bytes| bytes.try_into().ok()),
        created_at: row.try_get(8)?,
        updated_at: row.try_get(9)?,
        root: row.try_get::<_, Option<_>>(10)?.map(from_bytes),
        object_size: row.try_get::<_, Option<_>>(11)?.map(unsigned),
        attributes: Attributes {
            kind: match row.try_get(12)? {
                "symlink" => Kind::Symlink { target: from_bytes(target.unwrap_or_default()) },
                "followed" => Kind::Followed,
                _ => Kind::File,
            },
            mode: mode.and_then(|mode| mode.try_into().ok()),
            modified: row.try_get(15)?,
            link_group: group.and_then(|bytes| bytes.try_into().ok()).map(LinkGroup::from_bytes),
            sparse: row.try_get(17)?,
            folder_modes: folder_modes.unwrap_or_default().chunks_exact(4).map(mode_of).collect(),
        },
    })
}

fn mode_of(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |all, byte| (all << 8) | u32::from(*byte))
}

/// Reads a transfer; its columns follow those of its medium.
pub(super) fn transfer(row: &Row) -> Result<Transfer, Error> {
    Ok(Transfer {
        id: TransferId(id(row, MEDIA_WIDTH)?),
        direction: match row.try_get(MEDIA_WIDTH + 1)? {
            "upload" => Direction::Upload,
            _ => Direction::Download,
        },
        media: media(row)?,
        path: from_bytes(row.try_get(MEDIA_WIDTH + 2)?),
        attempts: row.try_get::<_, i32>(MEDIA_WIDTH + 3)?.unsigned_abs(),
        folder: row.try_get::<_, Option<_>>(MEDIA_WIDTH + 4)?.map(from_bytes),
    })
}

pub(super) fn all<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    rows.iter().map(read).collect()
}

fn id(row: &Row, column: usize) -> Result<Uuid, Error> {
    let bytes: Vec<u8> = row.try_get(column)?;
    Ok(Uuid::from_slice(&bytes).unwrap_or_default())
}

/// Attributes as the values of columns.
#[derive(Debug)]
pub(super) struct Columns {
    kind: &'static str,
    target: Option<Vec<u8>>,
    mode: Option<i64>,
    modified: Option<i64>,
    link_group: Option<Vec<u8>>,
    sparse: bool,
    folder_modes: Vec<u8>,
}

impl Columns {
    /// The columns to set, with parameters from `$2` on.
    pub(super) const SET: &str = "kind = $2, link_target = $3, mode = $4, modified = $5, link_group = $6, sparse = $7, folder_modes = $8";

    pub(super) fn of(attributes: &Attributes) -> Self {
        let (kind, target) = match &attributes.kind {
            Kind::File => ("file", None),
            Kind::Followed => ("followed", None),
            Kind::Symlink { target } => ("symlink", Some(to_bytes(target))),
        };
        Self {
            kind,
            target,
            mode: attributes.mode.map(i64::from),
            modified: attributes.modified,
            link_group: attributes.link_group.map(|group| group.to_bytes().to_vec()),
            sparse: attributes.sparse,
            folder_modes: attributes.folder_modes.iter().flat_map(|mode| mode.to_be_bytes()).collect(),
        }
    }

    /// Whether a stored version, as `size, modified, mode, kind, link_target`, has this size and these attributes.
    pub(super) fn is_stored(&self, row: &Row, size: i64) -> Result<bool, Error> {
        let Self { kind, target, mode, modified, .. } = self;
        let is_same = row.try_get::<_, i64>(0)? == size
            && modified.is_some()
            && row.try_get::<_, Option<i64>>(1)? == *modified
            && row.try_get::<_, Option<i64>>(2)? == *mode
            && row.try_get::<_, &str>(3)? == *kind
            && row.try_get::<_, Option<Vec<u8>>>(4)? == *target;
        Ok(is_same)
    }

    /// Returns the parameters: the id of the medium, the columns, then `more`.
    pub(super) fn parameters<'a>(
        &'a self,
        media: &'a (dyn ToSql + Sync),
        more: &[&'a (dyn ToSql + Sync)],
    ) -> Vec<&'a (dyn ToSql + Sync)> {
        let Self { kind, target, mode, modified, link_group, sparse, folder_modes } = self;
        let mut all: Vec<&'a (dyn ToSql + Sync)> =
            vec![media, kind, target, mode, modified, link_group, sparse, folder_modes];
        all.extend(more);
        all
    }
}

/// The bytes of an id.
pub(super) fn bytes(id: Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}

/// The number of a transfer or medium after which a list begins.
pub(super) fn after(id: Option<Uuid>) -> Vec<u8> {
    id.map(bytes).unwrap_or_default()
}

pub(super) fn limited(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(super) fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(size: i64) -> u64 {
    u64::try_from(size).unwrap_or(0)
}

/// The current time, in milliseconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
