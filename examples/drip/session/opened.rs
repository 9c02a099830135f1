//! A session: the data folder, database, storage and cache, after cleaning up what an earlier run left
//! behind.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::dead_uploads::DeadUploads;
use super::{DataFolder, SessionError, Settings, Shown, keys};
use crate::cache::{Bounds, ContentCache};
use crate::download::temporary_name;
use crate::repository::{self, Database, Direction, GivenBack, Repository};
use crate::seal::MasterKey;
use crate::store::{Faults, Location, Storage};
use crate::walk::Avoid;

/// The locations that a session opens.
#[derive(Debug, Clone)]
pub struct Places {
    /// The data folder.
    pub data: PathBuf,
    /// The storage; by default the data folder's own.
    pub storage: Option<Location>,
    /// The database; by default the data folder's own.
    pub database: Option<Database>,
    /// The file with the pipelines' options, if any.
    pub config: Option<PathBuf>,
    /// Faults to inject into the storage, if any.
    pub faults: Option<Faults>,
    /// The address of the page that shows the pipelines, if there is one.
    pub panel: Option<SocketAddr>,
}

/// How a missing database is interpreted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// Nothing was stored yet.
    Whole,
    /// The database is to be rebuilt.
    Loss,
}

/// The resources that a command works with.
#[derive(Debug)]
pub struct Session {
    /// The data folder, kept locked.
    pub folder: DataFolder,
    /// Users, media and the queue.
    pub repository: Arc<dyn Repository>,
    /// Sealed objects.
    pub storage: Storage,
    /// Clear content of small files.
    pub cache: ContentCache,
    /// Options of the pipelines.
    pub settings: Settings,
    /// The pipelines that run, and the page that shows them.
    pub shown: Shown,
}

impl Session {
    /// Opens the resources at these places, creating missing ones. Transfers that a killed run had started
    /// return to the queue.
    ///
    /// # Errors
    /// [`SessionError`], naming the place; [`SessionError::DatabaseLost`] if there are objects but no database.
    pub async fn open(places: &Places) -> Result<Self, SessionError> {
        Self::open_expecting(places, Expect::Whole).await
    }

    /// Opens the resources at these places although the database may be lost.
    ///
    /// # Errors
    /// [`SessionError::NoFolder`], and all of [`Session::open`] but [`SessionError::DatabaseLost`].
    pub async fn open_to_rebuild(places: &Places) -> Result<Self, SessionError> {
        Self::must_exist(places)?;
        Self::open_expecting(places, Expect::Loss).await
    }

    async fn open_expecting(places: &Places, expect: Expect) -> Result<Self, SessionError> {
        let settings = Settings::read(places.config.as_deref())?;
        let folder = DataFolder::enter(&places.data)?;
        let database = places.database.clone().unwrap_or_else(|| Database::Sqlite(folder.database()));
        let location = places.storage.clone().unwrap_or_else(|| Location::Folder(folder.objects()));
        let storage = Storage::open(&location)?;
        let storage = match places.faults {
            Some(faults) => storage.with_faults(faults),
            None => storage.noting_in(folder.unfinished()).await,
        };
        if expect == Expect::Whole && database.is_missing().await? {
            must_be_new(&folder, &storage, &database).await?;
        }
        let repository = repository::open(&database).await?;
        let dead = DeadUploads { repository: Arc::clone(&repository), storage: storage.clone() };
        let shown = Shown::open(places.panel, dead).await?;
        let cache = ContentCache::new(Bounds::default());
        let session = Self { folder, repository, storage, cache, settings, shown };
        session.recover().await?;
        Ok(session)
    }

    /// Opens the resources at these places without creating a data folder: a command that restores files
    /// expects one.
    ///
    /// # Errors
    /// [`SessionError::NoFolder`], and all of [`Session::open`].
    pub async fn open_existing(places: &Places) -> Result<Self, SessionError> {
        Self::must_exist(places)?;
        Self::open(places).await
    }

    fn must_exist(places: &Places) -> Result<(), SessionError> {
        if !places.data.exists() && places.database.is_none() {
            return Err(SessionError::NoFolder(places.data.clone()));
        }
        Ok(())
    }

    /// Returns the master key for sealing, created if nothing was ever sealed here.
    ///
    /// # Errors
    /// [`SessionError`] if the key is needed but missing, unreadable, or not the one used so far.
    pub async fn sealing_key(&self) -> Result<MasterKey, SessionError> {
        keys::for_sealing(&self.folder.master_key(), self.repository.as_ref()).await
    }

    /// Returns the master key for opening.
    ///
    /// # Errors
    /// [`SessionError`] if it is missing or unreadable.
    pub async fn opening_key(&self) -> Result<MasterKey, SessionError> {
        keys::for_opening(&self.folder.master_key(), self.repository.as_ref()).await
    }

    /// Returns the master key for rebuilding the database from the objects.
    ///
    /// # Errors
    /// [`SessionError`] if it is missing or unreadable.
    pub async fn rebuilding_key(&self) -> Result<MasterKey, SessionError> {
        keys::for_rebuilding(&self.folder.master_key(), self.repository.as_ref()).await
    }

    /// Removes the objects of removed media, and forgets each medium once its object is gone.
    ///
    /// # Errors
    /// Any error of the storage or the repository. The next run removes the remaining objects.
    pub async fn sweep_removed(&self) -> Result<(), SessionError> {
        for media in self.repository.removed_media().await? {
            self.storage.remove(&media.storage_key).await?;
            self.repository.forget_media(vec![media.id]).await?;
        }
        Ok(())
    }

    /// The folders that uploads must skip: drip's own.
    pub fn avoid(&self) -> Avoid {
        Avoid::new([self.folder.path()].into_iter().chain(self.storage.folder()))
    }

    /// Recovers the leases of runs that have ended: this process holds the lock of a file, and a server knows its
    /// connections.
    async fn recover(&self) -> Result<(), SessionError> {
        let left = self.repository.recover().await?;
        for transfer in &left {
            match transfer.direction {
                Direction::Upload => self.storage.sweep(&transfer.media.storage_key),
                Direction::Download => drop(fs::remove_file(temporary_name(&transfer.path, transfer.id))),
            }
        }
        if let Err(error) = self.sweep_removed().await {
            tracing::warn!(%error, "cannot remove the object of a removed file; the next run retries");
        }
        if !left.is_empty() {
            // Behind the removal, since another drip may begin them again.
            let back = left.iter().map(|transfer| GivenBack::Failed(transfer.id)).collect();
            self.repository.give_back(back).await?;
            tracing::info!(
                transfers = left.len(),
                "an earlier run was interrupted; its unfinished transfers are back in the queue"
            );
        }
        Ok(())
    }
}

/// Fails if objects exist without a database: it was lost, and creating a new one would hide the stored
/// files.
async fn must_be_new(
    folder: &DataFolder,
    storage: &Storage,
    database: &Database,
) -> Result<(), SessionError> {
    // Objects in a bucket may belong to another drip; a data folder without a key has stored none of them.
    let may_be_ours = storage.folder() == Some(folder.objects().as_path()) || folder.master_key().exists();
    if may_be_ours && !storage.is_empty().await? {
        let (database, storage) = (database.to_string(), storage.name().to_owned());
        return Err(SessionError::DatabaseLost { database, storage });
    }
    Ok(())
}
