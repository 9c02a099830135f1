//! Helpers for tests of stages: a transfer.

use super::{Attributes, Direction, Media, MediaId, Transfer, TransferId, UserId};

/// Creates an upload of a file with this name.
pub(crate) fn transfer(name: &str) -> Transfer {
    let id = MediaId::new();
    let media = Media {
        id,
        user: UserId(1),
        email: "joe_armstrong@erlang.uk".into(),
        relative_path: name.into(),
        full_path: name.into(),
        root: None,
        size: 0,
        attributes: Attributes::default(),
        storage_key: id.storage_key(),
        object_size: None,
        checksum: None,
        created_at: 0,
        updated_at: 0,
    };
    Transfer {
        id: TransferId::new(),
        direction: Direction::Upload,
        path: name.into(),
        folder: None,
        media,
        attempts: 1,
    }
}
