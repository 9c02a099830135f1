//! Small values by name.

use rusqlite::{OptionalExtension, Transaction, params};
use stage_connect::ConnectError;
use stage_edge::{EdgeSpec, Note, NoteError, Notes};

use super::server::Place;
use super::statements::Statements;

/// The notes of an application, as rows of `TABLE_notes`.
#[derive(Debug)]
pub struct SqliteNotes {
    place: Place,
    app: String,
}

impl SqliteNotes {
    pub(super) fn new(place: Place, spec: &EdgeSpec) -> Self {
        Self { place, app: spec.app.clone() }
    }

    fn name(&self, name: &str) -> (String, String) {
        (self.app.clone(), name.to_owned())
    }
}

fn find(
    statements: &Statements,
    tx: &Transaction<'_>,
    (app, name): &(String, String),
) -> rusqlite::Result<Option<Note>> {
    let mut note = tx.prepare_cached(&statements.note)?;
    let note = note.query_row([app, name], |row| {
        let revision: i64 = row.get(0)?;
        Ok(Note { revision: revision.unsigned_abs(), value: row.get(1)? })
    });
    note.optional()
}

impl Notes for SqliteNotes {
    async fn get(&self, name: &str) -> Result<Option<Note>, ConnectError> {
        let name = self.name(name);
        self.place.run("cannot read a note", move |statements, _, _, tx| find(statements, tx, &name)).await
    }

    async fn put(&self, name: &str, value: &[u8], expected: Option<u64>) -> Result<u64, NoteError> {
        let (name, value) = (self.name(name), value.to_vec());
        let stored = self.place.run("cannot store a note", move |statements, _, _, tx| {
            if find(statements, tx, &name)?.map(|note| note.revision) != expected {
                return Ok(None);
            }
            tx.prepare_cached(&statements.put_note)?.execute(params![name.0, name.1, value])?;
            Ok(Some(tx.last_insert_rowid().unsigned_abs()))
        });
        stored.await?.ok_or(NoteError::Conflict)
    }

    async fn remove(&self, name: &str, expected: u64) -> Result<(), NoteError> {
        let name = self.name(name);
        let removed = self.place.run("cannot remove a note", move |statements, _, _, tx| {
            match find(statements, tx, &name)?.map(|note| note.revision) {
                None => Ok(true),
                Some(found) if found == expected => {
                    let revision = i64::try_from(found).unwrap_or(i64::MAX);
                    tx.prepare_cached(&statements.remove_note)?.execute([revision])?;
                    Ok(true)
                }
                Some(_) => Ok(false),
            }
        });
        if removed.await? { Ok(()) } else { Err(NoteError::Conflict) }
    }
}
