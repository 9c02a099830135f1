//! Conversion between attributes and columns.

use rusqlite::{Row, Transaction, params};

use crate::repository::path_bytes::{from_bytes, to_bytes};
use crate::repository::{Attributes, Kind, LinkGroup};

/// Number of columns that [`read`] reads: kind, `link_target`, mode, modified, `link_group`, sparse,
/// `folder_modes`.
pub(super) const WIDTH: usize = 7;

/// Reads the attributes from the columns starting at `first`.
pub(super) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Attributes> {
    let kind: String = row.get(first)?;
    let target: Option<Vec<u8>> = row.get(first + 1)?;
    let folder_modes: Option<Vec<u8>> = row.get(first + 6)?;
    Ok(Attributes {
        kind: match kind.as_str() {
            "symlink" => Kind::Symlink { target: from_bytes(target.unwrap_or_default()) },
            "followed" => Kind::Followed,
            _ => Kind::File,
        },
        mode: row.get(first + 2)?,
        modified: row.get(first + 3)?,
        link_group: row.get::<_, Option<[u8; 16]>>(first + 4)?.map(LinkGroup::from_bytes),
        sparse: row.get(first + 5)?,
        folder_modes: modes(&folder_modes.unwrap_or_default()),
    })
}

/// Writes the attributes of a medium.
pub(super) fn write(
    transaction: &Transaction<'_>,
    media: &[u8; 16],
    attributes: &Attributes,
) -> rusqlite::Result<()> {
    let mut update = transaction.prepare_cached(
        "UPDATE media SET kind = ?2, link_target = ?3, mode = ?4, modified = ?5, link_group = ?6, sparse = ?7,
         folder_modes = ?8 WHERE id = ?1",
    )?;
    let (kind, target) = match &attributes.kind {
        Kind::File => ("file", None),
        Kind::Followed => ("followed", None),
        Kind::Symlink { target } => ("symlink", Some(to_bytes(target))),
    };
    update.execute(params![
        media,
        kind,
        target,
        attributes.mode,
        attributes.modified,
        attributes.link_group.map(LinkGroup::to_bytes),
        attributes.sparse,
        attributes.folder_modes.iter().flat_map(|mode| mode.to_be_bytes()).collect::<Vec<_>>(),
    ])?;
    Ok(())
}

fn modes(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|mode| mode.iter().fold(0, |all, byte| (all << 8) | u32::from(*byte))).collect()
}
