//! Helpers for tests of stages: a transfer, pieces, and a recording witness.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::Witness;
use crate::repository::{Attributes, Direction, Media, MediaId, Transfer, TransferId, UserId};

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

/// Records every report.
#[derive(Debug, Default)]
pub(crate) struct Notes(Mutex<Vec<String>>);

impl Notes {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

impl Witness for Notes {
    fn moved(&self, bytes: u64) {
        self.note(format!("moved {bytes}"));
    }

    fn taken_back(&self, bytes: u64) {
        self.note(format!("took back {bytes}"));
    }

    fn done(&self, transfer: &Transfer, bytes: u64) {
        self.note(format!("{} done, {bytes}", transfer.path.display()));
    }

    fn failed(&self, transfer: &Transfer, cause: &str) {
        self.note(format!("{} failed: {cause}", transfer.path.display()));
    }

    fn waits(&self, cause: &str) {
        self.note(format!("waits: {cause}"));
    }

    fn goes_on(&self) {
        self.note("goes on".to_owned());
    }

    fn renamed(&self, transfer: &Transfer, name: &Path) {
        self.note(format!("{} is now {}", transfer.path.display(), name.display()));
    }
}
