//! The notes of a lane: attempts that other processes must know of.

use super::lane::{Halt, Lane, Origin};
use super::notes::{put_note, read_note};
use crate::edge::Edge;
use crate::frame::FrameId;
use crate::notes::{NoteError, Notes};
use crate::tries::{Resume, Tries, WHOLE, note_name};

impl<E: Edge, T: Send + 'static> Lane<E, T> {
    fn note_name(&self, frame: FrameId) -> String {
        match self.origin {
            Origin::Partition(partition, _) => note_name(&self.spec, partition),
            Origin::Pool(_) => format!("tries.{}.{frame}", self.spec.name),
        }
    }

    /// Reads the note of the partition and marks it as open.
    pub(super) async fn begin_notes(&mut self) -> Result<(), Halt> {
        if let Origin::Pool(_) = self.origin {
            return Ok(());
        }
        self.read_note(FrameId::default()).await?;
        let before = self.tries;
        self.write_note(FrameId::default(), Tries { open: true, ..before }).await?;
        // The first frame is judged by the state in which the partition was found.
        self.tries = before;
        Ok(())
    }

    /// Marks the partition as given back.
    pub(super) async fn end_notes(&mut self) -> Result<(), Halt> {
        if let Origin::Pool(_) = self.origin {
            return Ok(());
        }
        let tries = Tries { open: false, ..self.tries };
        self.write_note(FrameId::default(), tries).await
    }

    /// Returns the place at which a frame begins.
    pub(super) async fn resume(&mut self, id: FrameId, attempt: u32) -> Result<Resume, Halt> {
        if let Origin::Partition(..) = self.origin {
            let resume = self.tries.resume(id, self.spec.attempts);
            // Suspicion concerns the first frame only.
            self.tries.open = false;
            return Ok(resume);
        }
        if attempt <= 1 {
            (self.tries, self.revision) = (Tries::default(), None);
            return Ok(Resume::FRESH);
        }
        self.read_note(id).await?;
        self.tries.open = true;
        Ok(self.tries.resume(id, self.spec.attempts))
    }

    /// Notes that attempt `begun` at an event begins.
    pub(super) async fn note(&mut self, frame: FrameId, index: usize, begun: u32) -> Result<(), Halt> {
        // A frame has far fewer events.
        let index = u32::try_from(index).unwrap_or(WHOLE - 1);
        self.write_note(frame, Tries { open: true, frame: Some(frame), index, begun }).await
    }

    /// Stores a note that the attempt `begun` to handle a whole frame begins.
    pub(super) async fn note_whole(&mut self, frame: FrameId, begun: u32) -> Result<(), Halt> {
        self.write_note(frame, Tries { open: true, frame: Some(frame), index: WHOLE, begun }).await
    }

    /// Returns whether a frame of a pool has a note.
    pub(super) fn is_noted(&self) -> bool {
        matches!(self.origin, Origin::Pool(_)) && self.revision.is_some()
    }

    /// Clears the note of a frame that is handled.
    pub(super) async fn forget(&mut self, frame: FrameId) -> Result<(), Halt> {
        if let Origin::Partition(..) = self.origin {
            self.write_note(frame, Tries { open: true, ..Tries::default() }).await?;
            // Suspicion concerns the frames of earlier owners.
            self.tries.open = false;
            return Ok(());
        }
        let Some(revision) = self.revision.take() else { return Ok(()) };
        let name = self.note_name(frame);
        let removed = async {
            match self.notes.remove(&name, revision).await {
                Ok(()) | Err(NoteError::Conflict) => Ok(()),
                Err(NoteError::Connect(error)) => Err(error),
            }
        };
        if let Err(error) = self.calls.answer("cannot remove a note", removed).await {
            tracing::warn!(%error, name, "a note remains on the server");
        }
        Ok(())
    }

    async fn read_note(&mut self, frame: FrameId) -> Result<(), Halt> {
        let name = self.note_name(frame);
        let note = read_note(&*self.notes, &name, &mut self.calls, &self.shared).await?;
        self.revision = note.as_ref().map(|note| note.revision);
        self.tries = note.map(|note| Tries::read(&note.value)).unwrap_or_default();
        Ok(())
    }

    async fn write_note(&mut self, frame: FrameId, tries: Tries) -> Result<(), Halt> {
        let (name, value) = (self.note_name(frame), tries.write());
        loop {
            let Self { notes, revision, calls, shared, .. } = self;
            match put_note(&**notes, &name, &value, *revision, calls, shared).await? {
                Some(revision) => {
                    (self.revision, self.tries) = (Some(revision), tries);
                    return Ok(());
                }
                // A pool has no owner; the note is of another attempt at the frame.
                None if matches!(self.origin, Origin::Pool(_)) => self.read_note(frame).await?,
                None => return Err(Halt),
            }
        }
    }
}
