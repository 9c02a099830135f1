//! The notes of the server in memory.

use stage_connect::ConnectError;

use super::fault::Fault;
use super::network::{Call, Link};
use crate::notes::{Note, NoteError, Notes};
use crate::spec::EdgeSpec;

/// The notes of an application.
#[derive(Debug)]
pub struct MemoryNotes {
    link: Link,
    app: String,
}

impl MemoryNotes {
    pub(super) fn new(link: Link, spec: &EdgeSpec) -> Self {
        Self { link, app: spec.app.clone() }
    }

    fn name(&self, name: &str) -> String {
        format!("{}.{name}", self.app)
    }
}

impl Notes for MemoryNotes {
    async fn get(&self, name: &str) -> Result<Option<Note>, ConnectError> {
        self.link.reach(Call::Data).await?;
        let note = self.link.inner.lock().notes.get(&self.name(name)).cloned();
        self.link.answer(note).await
    }

    async fn put(&self, name: &str, value: &[u8], expected: Option<u64>) -> Result<u64, NoteError> {
        self.link.reach(Call::Data).await?;
        let stored = {
            let mut state = self.link.inner.lock();
            let (name, loses) = (self.name(name), state.has(Fault::LosesNotes));
            let found = state.notes.get(&name).map(|note| note.revision);
            if loses {
                Some(1)
            } else if found == expected {
                state.revision += 1;
                let revision = state.revision;
                state.notes.insert(name, Note { value: value.to_vec(), revision });
                Some(revision)
            } else {
                None
            }
        };
        self.link.answer(stored).await?.ok_or(NoteError::Conflict)
    }

    async fn remove(&self, name: &str, expected: u64) -> Result<(), NoteError> {
        self.link.reach(Call::Data).await?;
        let removed = {
            let mut state = self.link.inner.lock();
            let name = self.name(name);
            match state.notes.get(&name).map(|note| note.revision) {
                None => true,
                Some(found) if found == expected => state.notes.remove(&name).is_some(),
                Some(_) => false,
            }
        };
        if self.link.answer(removed).await? { Ok(()) } else { Err(NoteError::Conflict) }
    }
}
