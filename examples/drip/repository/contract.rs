//! The trait between drip and its database: whole transactions, in batches, awaited.
//!
//! SQLite is what there is. PostgreSQL fits behind the same trait: every method is one transaction, every batch one
//! statement per table, paths are bytes (`BYTEA`), ids are made by us, and [`Repository::lease`] is what
//! `… FOR UPDATE SKIP LOCKED` is for.

use std::fmt::Debug;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use super::{
    DeadUpload, GivenBack, GivenUp, Known, Media, MediaId, NewDownload, NewUpload, RepositoryError, Scope,
    Stored, Transfer, TransferId, User, UserId, Waiting,
};

/// What a repository answers, once it is awaited. Dropped before, the transaction may or may not have happened.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, RepositoryError>> + Send + 'a>>;

/// Users, media and the queue of transfers. Every method is one transaction: it happens whole or not at all.
pub trait Repository: Debug + Send + Sync + 'static {
    /// The user with this e-mail address, known from now on.
    fn user(&self, email: &str) -> Answer<'_, UserId>;

    /// Queues uploads and answers how many were new: a file that this user has waiting is not queued twice, and one whose
    /// upload is dead is tried again.
    fn add_uploads(&self, user: UserId, uploads: Vec<NewUpload>) -> Answer<'_, u64>;

    /// Queues downloads and answers how many were new: a medium that waits for the same target is not queued twice.
    fn add_downloads(&self, downloads: Vec<NewDownload>) -> Answer<'_, u64>;

    /// How much a scope has to do.
    fn waiting(&self, scope: &Scope) -> Answer<'_, Waiting>;

    /// Takes up to `limit` transfers out of the queue; those that were never tried come first, then the oldest.
    fn lease(&self, scope: &Scope, limit: usize) -> Answer<'_, Vec<Transfer>>;

    /// Puts leased transfers back.
    fn give_back(&self, transfers: Vec<GivenBack>) -> Answer<'_, ()>;

    /// Takes transfers out that cannot be done. Uploads are kept as dead; answers with their storage keys: what is under
    /// them is no use.
    fn give_up(&self, transfers: Vec<GivenUp>) -> Answer<'_, Vec<String>>;

    /// How many uploads are dead.
    fn dead_count(&self) -> Answer<'_, u64>;

    /// The uploads that are dead, in the order in which they were queued, from behind `after` on.
    fn dead_uploads_after(&self, after: Option<TransferId>, limit: usize) -> Answer<'_, Vec<DeadUpload>>;

    /// Has all dead uploads tried again; answers how many they were.
    fn revive_uploads(&self) -> Answer<'_, u64>;

    /// Keeps a dead upload no longer; whoever forgets it has removed what may be under its storage key.
    fn forget_upload(&self, transfer: TransferId) -> Answer<'_, ()>;

    /// Everything that is in the queue, in the order in which it was queued, from behind `after` on.
    fn queued_after(&self, after: Option<TransferId>, limit: usize) -> Answer<'_, Vec<Transfer>>;

    /// Takes transfers out of the queue that nobody has leased, and answers how many; whoever forgets an upload has removed
    /// what may be under its storage key.
    fn forget_queued(&self, transfers: Vec<TransferId>) -> Answer<'_, u64>;

    /// Makes media of uploads that are whole, and takes their transfers out.
    fn finish_uploads(&self, stored: Vec<Stored>) -> Answer<'_, ()>;

    /// Takes downloads out that are whole.
    fn finish_downloads(&self, transfers: Vec<TransferId>) -> Answer<'_, ()>;

    /// Puts everything back that is leased, and answers with it. For when nobody else can be at work.
    fn recover(&self) -> Answer<'_, Vec<Transfer>>;

    /// An uploaded medium.
    fn media(&self, id: MediaId) -> Answer<'_, Option<Media>>;

    /// Uploaded media, in the order of their ids, from behind `after` on.
    fn media_after(&self, after: Option<MediaId>, limit: usize) -> Answer<'_, Vec<Media>>;

    /// What is stored of the files that this user uploaded from these paths, the latest of each, in the order of the paths.
    fn stored_at(&self, user: UserId, paths: Vec<PathBuf>) -> Answer<'_, Vec<Option<Known>>>;

    /// Remembers that files have the content of these media at other times of modification, in nanoseconds since 1970.
    fn seen(&self, media: Vec<(MediaId, Option<i64>)>) -> Answer<'_, ()>;

    /// As [`Repository::media_after`], without those of which a later version is stored.
    fn latest_after(&self, after: Option<MediaId>, limit: usize) -> Answer<'_, Vec<Media>>;

    /// How many media there are of which a later version is stored.
    fn superseded(&self) -> Answer<'_, u64>;

    /// The folders that uploaded media were uploaded with, in the order of their first media.
    fn roots(&self) -> Answer<'_, Vec<PathBuf>>;

    /// Takes media out of every list, and their downloads out of the queue. Answers which there were; they are forgotten once
    /// their objects are gone.
    fn remove_media(&self, ids: Vec<MediaId>) -> Answer<'_, Vec<Media>>;

    /// The media that were removed, and are not forgotten yet.
    fn removed_media(&self) -> Answer<'_, Vec<Media>>;

    /// Forgets media that were removed, and whose objects are gone.
    fn forget_media(&self, ids: Vec<MediaId>) -> Answer<'_, ()>;

    /// Takes in media as their objects say they are: new ones are added, known ones are corrected. Those that were removed, and
    /// those whose upload is still queued, stay as they are. Answers how many were added or corrected.
    fn restore_media(&self, media: Vec<Media>) -> Answer<'_, u64>;

    /// Users, in the order of their ids, from behind `after` on.
    fn users_after(&self, after: Option<UserId>, limit: usize) -> Answer<'_, Vec<User>>;

    /// A remembered value.
    fn setting(&self, name: &'static str) -> Answer<'_, Option<String>>;

    /// Remembers a value.
    fn set_setting(&self, name: &'static str, value: String) -> Answer<'_, ()>;
}
