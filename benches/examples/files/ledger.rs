//! Replacement of drip's database: a queue and a list in memory, so that no database is measured.

use std::{
    collections::VecDeque,
    future::ready,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use drip::{
    repository::{
        Answer, Attributes, DeadUpload, Direction, GivenBack, GivenUp, Known, Media, MediaId, NewDownload,
        NewUpload, Repository, Scope, Stored, Transfer, TransferId, User, UserId, Waiting,
    },
    seal::Trailer,
    transfer::Witness,
};

use super::fixture::{Done, Input};

/// Hands out each upload once and keeps the stored results. All other methods of the repository return
/// nothing.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    waiting: Mutex<VecDeque<Transfer>>,
    stored: Mutex<Vec<Stored>>,
}

impl Ledger {
    /// Creates a ledger with an upload of each file.
    pub(super) fn of(inputs: &[Input]) -> Self {
        Self { waiting: Mutex::new(inputs.iter().map(upload).collect()), stored: Mutex::default() }
    }

    /// Returns the stored results.
    pub(super) fn done(&self) -> Vec<Done> {
        let trailer = |stored: &Stored| {
            let chunks = stored.size.div_ceil(drip::seal::CHUNK as u64);
            Trailer { chunks, size: stored.size, checksum: stored.checksum }
        };
        locked(&self.stored).iter().map(|stored| (stored.media, trailer(stored))).collect()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn upload(input: &Input) -> Transfer {
    let media = Media {
        id: input.media,
        user: UserId(1),
        email: "joe_armstrong@erlang.uk".into(),
        relative_path: input.path.file_name().map(Into::into).unwrap_or_default(),
        full_path: input.path.clone(),
        root: None,
        size: input.trailer.size,
        attributes: Attributes::default(),
        storage_key: input.media.storage_key(),
        object_size: None,
        checksum: None,
        created_at: 0,
        updated_at: 0,
    };
    let path = input.path.clone();
    Transfer { id: TransferId::new(), direction: Direction::Upload, media, path, folder: None, attempts: 1 }
}

fn answer<'a, T: Send + 'a>(value: T) -> Answer<'a, T> {
    Box::pin(ready(Ok(value)))
}

impl Repository for Ledger {
    fn lease(&self, _: &Scope, limit: usize) -> Answer<'_, Vec<Transfer>> {
        let mut waiting = locked(&self.waiting);
        let taken = waiting.len().min(limit);
        answer(waiting.drain(..taken).collect())
    }

    fn finish_uploads(&self, stored: Vec<Stored>) -> Answer<'_, ()> {
        locked(&self.stored).extend(stored);
        answer(())
    }

    fn user(&self, _: &str) -> Answer<'_, UserId> {
        answer(UserId(1))
    }

    fn add_uploads(&self, _: UserId, _: Vec<NewUpload>) -> Answer<'_, u64> {
        answer(0)
    }

    fn add_downloads(&self, _: Vec<NewDownload>) -> Answer<'_, u64> {
        answer(0)
    }

    fn waiting(&self, _: &Scope) -> Answer<'_, Waiting> {
        answer(Waiting::default())
    }

    fn give_back(&self, _: Vec<GivenBack>) -> Answer<'_, ()> {
        answer(())
    }

    fn give_up(&self, _: Vec<GivenUp>) -> Answer<'_, Vec<String>> {
        answer(Vec::new())
    }

    fn dead_count(&self) -> Answer<'_, u64> {
        answer(0)
    }

    fn dead_uploads_after(&self, _: Option<TransferId>, _: usize) -> Answer<'_, Vec<DeadUpload>> {
        answer(Vec::new())
    }

    fn queued_after(&self, _: Option<TransferId>, _: usize) -> Answer<'_, Vec<Transfer>> {
        answer(Vec::new())
    }

    fn forget_queued(&self, _: Vec<TransferId>) -> Answer<'_, u64> {
        answer(0)
    }

    fn revive_uploads(&self) -> Answer<'_, u64> {
        answer(0)
    }

    fn revive_upload(&self, _: TransferId) -> Answer<'_, bool> {
        answer(false)
    }

    fn forget_upload(&self, _: TransferId) -> Answer<'_, ()> {
        answer(())
    }

    fn finish_downloads(&self, _: Vec<TransferId>) -> Answer<'_, ()> {
        answer(())
    }

    fn recover(&self) -> Answer<'_, Vec<Transfer>> {
        answer(Vec::new())
    }

    fn take_over(&self) -> Answer<'_, Vec<Transfer>> {
        answer(Vec::new())
    }

    fn media(&self, _: MediaId) -> Answer<'_, Option<Media>> {
        answer(None)
    }

    fn media_after(&self, _: Option<MediaId>, _: usize) -> Answer<'_, Vec<Media>> {
        answer(Vec::new())
    }

    fn stored_at(&self, _: UserId, paths: Vec<PathBuf>) -> Answer<'_, Vec<Option<Known>>> {
        answer(vec![None; paths.len()])
    }

    fn seen(&self, _: Vec<(MediaId, Option<i64>)>) -> Answer<'_, ()> {
        answer(())
    }

    fn latest_after(&self, _: Option<MediaId>, _: usize) -> Answer<'_, Vec<Media>> {
        answer(Vec::new())
    }

    fn superseded(&self) -> Answer<'_, u64> {
        answer(0)
    }

    fn roots(&self) -> Answer<'_, Vec<PathBuf>> {
        answer(Vec::new())
    }

    fn remove_media(&self, _: Vec<MediaId>) -> Answer<'_, Vec<Media>> {
        answer(Vec::new())
    }

    fn removed_media(&self) -> Answer<'_, Vec<Media>> {
        answer(Vec::new())
    }

    fn forget_media(&self, _: Vec<MediaId>) -> Answer<'_, ()> {
        answer(())
    }

    fn restore_media(&self, _: Vec<Media>) -> Answer<'_, u64> {
        answer(0)
    }

    fn users_after(&self, _: Option<UserId>, _: usize) -> Answer<'_, Vec<User>> {
        answer(Vec::new())
    }

    fn setting(&self, _: &'static str) -> Answer<'_, Option<String>> {
        answer(None)
    }

    fn set_setting(&self, _: &'static str, _: String) -> Answer<'_, ()> {
        answer(())
    }
}

/// Ignores all notices; a failed file is missing from the results.
#[derive(Debug)]
pub(super) struct Nobody;

impl Witness for Nobody {
    fn moved(&self, _: u64) {}

    fn taken_back(&self, _: u64) {}

    fn done(&self, _: &Transfer, _: u64) {}

    fn failed(&self, _: &Transfer, _: &str) {}

    fn renamed(&self, _: &Transfer, _: &Path) {}
}
