//! Small values by name.

use stage_connect::ConnectError;
use stage_edge::{EdgeSpec, Note, NoteError, Notes};

use super::server::Place;

/// The notes of an application, as rows of `TABLE_notes`.
#[derive(Debug)]
pub struct PostgresNotes {
    place: Place,
    app: String,
}

impl PostgresNotes {
    pub(super) fn new(place: Place, spec: &EdgeSpec) -> Self {
        Self { place, app: spec.app.clone() }
    }
}

/// Converts a revision to the type of its column.
fn number(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

impl Notes for PostgresNotes {
    async fn get(&self, name: &str) -> Result<Option<Note>, ConnectError> {
        let note = &self.place.statements.note;
        let rows = self.place.query("cannot read a note", note, &[&self.app, &name]).await?;
        let notes = self.place.read(&rows, |row| {
            Ok(Note { revision: row.try_get::<_, i64>(0)?.unsigned_abs(), value: row.try_get(1)? })
        })?;
        Ok(notes.into_iter().next())
    }

    async fn put(&self, name: &str, value: &[u8], expected: Option<u64>) -> Result<u64, NoteError> {
        let (statements, what) = (&self.place.statements, "cannot store a note");
        let rows = match expected {
            None => self.place.query(what, &statements.new_note, &[&self.app, &name, &value]).await?,
            Some(expected) => {
                let expected = number(expected);
                self.place.query(what, &statements.put_note, &[&self.app, &name, &value, &expected]).await?
            }
        };
        let revisions = self.place.read(&rows, |row| Ok(row.try_get::<_, i64>(0)?.unsigned_abs()))?;
        revisions.into_iter().next().ok_or(NoteError::Conflict)
    }

    async fn remove(&self, name: &str, expected: u64) -> Result<(), NoteError> {
        let (statement, what) = (&self.place.statements.remove_note, "cannot remove a note");
        let removed = self.place.execute(what, statement, &[&self.app, &name, &number(expected)]).await?;
        if removed > 0 || self.get(name).await?.is_none() { Ok(()) } else { Err(NoteError::Conflict) }
    }
}
