//! Reads and stores notes, and tries again after transient errors.

use super::lane::{Halt, failed, succeeded};
use super::shared::{Phase, Shared};
use crate::calls::Calls;
use crate::notes::{Note, NoteError, Notes};

/// Reads a note.
pub(crate) async fn read_note<T>(
    notes: &impl Notes,
    name: &str,
    calls: &mut Calls,
    shared: &Shared<T>,
) -> Result<Option<Note>, Halt> {
    loop {
        calls.pause().await;
        match calls.answer("cannot read a note", notes.get(name)).await {
            Ok(note) => {
                succeeded(calls, shared);
                return Ok(note);
            }
            Err(error) => failed(calls, shared, error)?,
        }
    }
}

/// Stores a note in place of the `expected` revision. Returns its revision; `None` if another process has stored it.
pub(crate) async fn put_note<T>(
    notes: &impl Notes,
    name: &str,
    value: &[u8],
    expected: Option<u64>,
    calls: &mut Calls,
    shared: &Shared<T>,
) -> Result<Option<u64>, Halt> {
    let mut repeated = false;
    loop {
        calls.pause().await;
        let put = async {
            match notes.put(name, value, expected).await {
                Ok(revision) => Ok(Some(revision)),
                Err(NoteError::Conflict) => Ok(None),
                Err(NoteError::Connect(error)) => Err(error),
            }
        };
        match calls.answer("cannot store a note", put).await {
            Ok(Some(revision)) => {
                succeeded(calls, shared);
                return Ok(Some(revision));
            }
            // An earlier call may have stored it, though its answer was lost.
            Ok(None) if repeated => {
                let note = read_note(notes, name, calls, shared).await?;
                return Ok(note.filter(|note| note.value == value).map(|note| note.revision));
            }
            Ok(None) => return Ok(None),
            Err(error) => {
                repeated = true;
                failed(calls, shared, error)?;
                if shared.phase() == Phase::Closed {
                    return Err(Halt);
                }
            }
        }
    }
}
