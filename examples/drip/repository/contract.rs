//! The trait between drip and its database: asynchronous, batched, one transaction per method.
//!
//! There are two implementations: a file of SQLite for one drip, and a PostgreSQL database that several drips share.

use std::fmt::Debug;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use super::{
    DeadUpload, GivenBack, GivenUp, Known, Media, MediaId, NewDownload, NewUpload, RepositoryError, Scope,
    Stored, Transfer, TransferId, User, UserId, Waiting,
};

/// The future of a repository's answer. If it is dropped early, the transaction may or may not take place.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, RepositoryError>> + Send + 'a>>;

/// Users, media and the queue of transfers. Every method is one transaction: it takes place completely or not
/// at all.
pub trait Repository: Debug + Send + Sync + 'static {
    /// Returns the user with this e-mail address, registering it if it is new.
    fn user(&self, email: &str) -> Answer<'_, UserId>;

    /// Queues uploads and returns the number of new ones. A file that this user has already queued is not
    /// queued twice; a dead upload is retried.
    fn add_uploads(&self, user: UserId, uploads: Vec<NewUpload>) -> Answer<'_, u64>;

    /// Queues downloads and returns the number of new ones. A medium that is already queued for the same
    /// target is not queued twice.
    fn add_downloads(&self, downloads: Vec<NewDownload>) -> Answer<'_, u64>;

    /// Returns how much work a scope has left.
    fn waiting(&self, scope: &Scope) -> Answer<'_, Waiting>;

    /// Leases up to `limit` transfers from the queue: first those never tried, then the oldest.
    fn lease(&self, scope: &Scope, limit: usize) -> Answer<'_, Vec<Transfer>>;

    /// Returns leased transfers to the queue.
    fn give_back(&self, transfers: Vec<GivenBack>) -> Answer<'_, ()>;

    /// Removes transfers that cannot be done from the queue. Uploads are kept as dead. Returns their storage
    /// keys: the objects under them are of no use.
    fn give_up(&self, transfers: Vec<GivenUp>) -> Answer<'_, Vec<String>>;

    /// Returns the number of dead uploads.
    fn dead_count(&self) -> Answer<'_, u64>;

    /// Returns dead uploads in the order they were queued, starting after `after`.
    fn dead_uploads_after(&self, after: Option<TransferId>, limit: usize) -> Answer<'_, Vec<DeadUpload>>;

    /// Returns all dead uploads to the queue; returns their number.
    fn revive_uploads(&self) -> Answer<'_, u64>;

    /// Returns a dead upload to the queue; returns whether it was dead.
    fn revive_upload(&self, transfer: TransferId) -> Answer<'_, bool>;

    /// Deletes a dead upload. The caller must already have removed any object under its storage key.
    fn forget_upload(&self, transfer: TransferId) -> Answer<'_, ()>;

    /// Returns all queued transfers in the order they were queued, starting after `after`.
    fn queued_after(&self, after: Option<TransferId>, limit: usize) -> Answer<'_, Vec<Transfer>>;

    /// Removes those of the transfers that are not leased from the queue, and returns their number. The
    /// caller of this method must already have removed any objects under the storage keys of uploads.
    fn forget_queued(&self, transfers: Vec<TransferId>) -> Answer<'_, u64>;

    /// Turns completed uploads into media and removes their transfers.
    fn finish_uploads(&self, stored: Vec<Stored>) -> Answer<'_, ()>;

    /// Removes completed downloads.
    fn finish_downloads(&self, transfers: Vec<TransferId>) -> Answer<'_, ()>;

    /// Returns the transfers of processes that have ended, all that are leased in a database that only one process can
    /// open. No process leases them before the caller has removed what they left and has given them back as failed. Call
    /// this before the first lease.
    fn recover(&self) -> Answer<'_, Vec<Transfer>>;

    /// Returns the transfers of other processes that have ended, like `recover`, but may be called at any time. There are
    /// none in a database that only one process can open.
    fn take_over(&self) -> Answer<'_, Vec<Transfer>>;

    /// Returns an uploaded medium.
    fn media(&self, id: MediaId) -> Answer<'_, Option<Media>>;

    /// Returns uploaded media in the order of their ids, starting after `after`.
    fn media_after(&self, after: Option<MediaId>, limit: usize) -> Answer<'_, Vec<Media>>;

    /// Returns the latest stored version of the files that this user uploaded from these paths, in the order
    /// of the paths.
    fn stored_at(&self, user: UserId, paths: Vec<PathBuf>) -> Answer<'_, Vec<Option<Known>>>;

    /// Records other modification times, in nanoseconds since 1970, at which files had the content of these
    /// media.
    fn seen(&self, media: Vec<(MediaId, Option<i64>)>) -> Answer<'_, ()>;

    /// As [`Repository::media_after`], without media that a later stored version supersedes.
    fn latest_after(&self, after: Option<MediaId>, limit: usize) -> Answer<'_, Vec<Media>>;

    /// Returns the number of media that a later stored version supersedes.
    fn superseded(&self) -> Answer<'_, u64>;

    /// Returns the root folders of uploaded media, in the order of their first media.
    fn roots(&self) -> Answer<'_, Vec<PathBuf>>;

    /// Removes media from every list, and their downloads from the queue. Returns those that existed; they
    /// are forgotten once their objects are removed.
    fn remove_media(&self, ids: Vec<MediaId>) -> Answer<'_, Vec<Media>>;

    /// Returns the media that are removed but not forgotten yet.
    fn removed_media(&self) -> Answer<'_, Vec<Media>>;

    /// Forgets removed media whose objects are gone.
    fn forget_media(&self, ids: Vec<MediaId>) -> Answer<'_, ()>;

    /// Restores media from their objects' records: new ones are added, known ones are corrected. Removed
    /// media and those whose upload is still queued stay unchanged. Returns the number added or corrected.
    fn restore_media(&self, media: Vec<Media>) -> Answer<'_, u64>;

    /// Returns users in the order of their ids, starting after `after`.
    fn users_after(&self, after: Option<UserId>, limit: usize) -> Answer<'_, Vec<User>>;

    /// Returns a stored setting.
    fn setting(&self, name: &'static str) -> Answer<'_, Option<String>>;

    /// Stores a setting.
    fn set_setting(&self, name: &'static str, value: String) -> Answer<'_, ()>;
}
