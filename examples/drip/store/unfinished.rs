//! Multipart uploads, each recorded in a file until it is completed or aborted. The next run aborts those
//! that a killed run left in a bucket.

use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

// object_store's traits are declared with this macro.
use async_trait::async_trait;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path as Key;
use object_store::{Error, MultipartId, MultipartUpload, PutPayload, PutResult, Result, UploadPart};

/// Starts multipart uploads, and aborts those that were left.
#[derive(Clone)]
pub(super) struct Unfinished {
    store: Arc<dyn MultipartStore>,
    /// Folder with one file per upload: its first line is the key, the second one the upload's id.
    notes: PathBuf,
}

impl Unfinished {
    /// Uploads to `store`, recorded in the folder `notes`.
    pub(super) fn new(store: Arc<dyn MultipartStore>, notes: PathBuf) -> Self {
        Self { store, notes }
    }

    /// Starts an upload.
    pub(super) async fn begin(&self, place: &Key) -> Result<Box<dyn MultipartUpload>> {
        let id = self.store.create_multipart(place).await?;
        let note = self.notes.join(place.as_ref().replace('/', "-"));
        let upload = Noted {
            store: Arc::clone(&self.store),
            place: place.clone(),
            id,
            note,
            parts: Arc::default(),
            sent: 0,
        };
        let written = fs::create_dir_all(&self.notes)
            .and_then(|()| fs::write(&upload.note, format!("{}\n{}", upload.place, upload.id)));
        if let Err(error) = written {
            // Without a record it could not be aborted after a crash, so the upload does not start.
            upload.store.abort_multipart(&upload.place, &upload.id).await?;
            return Err(Error::Generic { store: "notes of uploads", source: error.into() });
        }
        Ok(Box::new(upload))
    }

    /// Aborts the uploads that earlier runs left; an upload that cannot be aborted now keeps its record.
    pub(super) async fn give_up(&self) {
        for note in fs::read_dir(&self.notes).into_iter().flatten().flatten().map(|note| note.path()) {
            let text = fs::read_to_string(&note).unwrap_or_default();
            let Some((place, id)) = text.split_once('\n') else {
                // The run was killed while it wrote the record, so no part was sent.
                let _ = fs::remove_file(&note);
                continue;
            };
            match self.store.abort_multipart(&Key::from(place), &id.to_owned()).await {
                Ok(()) | Err(Error::NotFound { .. }) => drop(fs::remove_file(&note)),
                Err(error) => {
                    tracing::warn!(key = place, %error, "cannot abort an unfinished upload");
                }
            }
        }
    }
}

impl fmt::Debug for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unfinished").field("notes", &self.notes).finish_non_exhaustive()
    }
}

/// A recorded upload.
struct Noted {
    store: Arc<dyn MultipartStore>,
    place: Key,
    id: MultipartId,
    note: PathBuf,
    /// The parts that arrived, with their positions.
    parts: Arc<Mutex<Vec<(usize, PartId)>>>,
    sent: usize,
}

impl fmt::Debug for Noted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Noted").field("place", &self.place).field("sent", &self.sent).finish_non_exhaustive()
    }
}

#[async_trait]
impl MultipartUpload for Noted {
    fn put_part(&mut self, payload: PutPayload) -> UploadPart {
        let place = self.sent;
        self.sent += 1;
        let (store, key, id) = (Arc::clone(&self.store), self.place.clone(), self.id.clone());
        let parts = Arc::clone(&self.parts);
        Box::pin(async move {
            let part = store.put_part(&key, &id, place, payload).await?;
            parts.lock().unwrap_or_else(PoisonError::into_inner).push((place, part));
            Ok(())
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let mut parts = std::mem::take(&mut *self.parts.lock().unwrap_or_else(PoisonError::into_inner));
        parts.sort_unstable_by_key(|(place, _)| *place);
        if parts.len() != self.sent {
            let source = io::Error::other(format!("{} of {} parts arrived", parts.len(), self.sent));
            return Err(Error::Generic { store: "an upload in parts", source: source.into() });
        }
        let parts = parts.into_iter().map(|(_, part)| part).collect();
        let completed = self.store.complete_multipart(&self.place, &self.id, parts).await?;
        // A stale record costs the next run one call.
        let _ = fs::remove_file(&self.note);
        Ok(completed)
    }

    async fn abort(&mut self) -> Result<()> {
        self.store.abort_multipart(&self.place, &self.id).await?;
        let _ = fs::remove_file(&self.note);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;
    use object_store::memory::InMemory;

    use super::*;

    fn notes(folder: &std::path::Path) -> usize {
        fs::read_dir(folder).map_or(0, Iterator::count)
    }

    #[tokio::test]
    async fn a_completed_upload_in_parts_is_whole_and_its_note_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(InMemory::new());
        let unfinished = Unfinished::new(store.clone(), folder.path().join("notes"));
        let place = Key::from("ab/object");
        let mut upload = unfinished.begin(&place).await.unwrap();
        assert_eq!(notes(&folder.path().join("notes")), 1);
        let (first, second) = (upload.put_part("one, ".into()), upload.put_part("two".into()));
        // Parts arrive in any order.
        second.await.unwrap();
        first.await.unwrap();
        upload.complete().await.unwrap();
        assert_eq!(notes(&folder.path().join("notes")), 0);
        let stored = store.get(&place).await.unwrap().bytes().await.unwrap();
        assert_eq!(&stored[..], b"one, two");
    }

    #[tokio::test]
    async fn uploads_left_by_a_killed_run_are_aborted_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(InMemory::new());
        let run = || Unfinished::new(store.clone(), folder.path().to_owned());
        let mut left = run().begin(&Key::from("ab/object")).await.unwrap();
        left.put_part("half".into()).await.unwrap();
        fs::write(folder.path().join("torn"), "ab/no-id").unwrap();
        run().give_up().await;
        assert_eq!(notes(folder.path()), 0);
        left.complete().await.expect_err("nothing is left of it");
    }
}
