//! An opened storage: objects by key, in and out.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, RetryConfig};
use url::Url;

use super::{Location, Reader, StoreError, Writer};

/// How many leftovers of one object are looked for; each attempt to write it leaves at most one.
const LEFTOVERS: u32 = 16;

/// Where objects are, cheap to clone.
#[derive(Debug, Clone)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    prefix: Key,
    folder: Option<PathBuf>,
    name: Arc<str>,
}

impl Storage {
    /// Opens the storage at `location`; a folder is made if it is missing. Credentials of S3 come from the environment
    /// (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT`, …).
    ///
    /// # Errors
    /// [`StoreError`], naming the place.
    pub fn open(location: &Location) -> Result<Self, StoreError> {
        match location {
            Location::Folder(folder) => Self::open_folder(folder.clone()),
            Location::Bucket { url, prefix } => Self::open_bucket(url, prefix.clone()),
        }
    }

    fn open_folder(folder: PathBuf) -> Result<Self, StoreError> {
        let name = format!("the storage folder {}", folder.display());
        let store = fs::create_dir_all(&folder)
            .map_err(|error| StoreError::of_io(&name, "make", "itself", error))
            .and_then(|()| {
                LocalFileSystem::new_with_prefix(&folder)
                    .map_err(|error| StoreError::of(&name, "open", "itself", error))
            })?;
        Ok(Self { store: Arc::new(store), prefix: Key::default(), folder: Some(folder), name: name.into() })
    }

    fn open_bucket(url: &Url, prefix: Key) -> Result<Self, StoreError> {
        // Whoever came first chose the provider; ring does for TLS what any other would.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let retry =
            RetryConfig { max_retries: 4, retry_timeout: Duration::from_secs(30), ..RetryConfig::default() };
        let name = format!("the storage {}", url.as_str().trim_end_matches('/'));
        let store = AmazonS3Builder::from_env().with_url(url.as_str()).with_retry(retry).build();
        let store = store.map_err(|error| StoreError::of(&name, "open", "itself", error))?;
        Ok(Self { store: Arc::new(store), prefix, folder: None, name: name.into() })
    }

    /// A storage of this process alone, for tests.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Self {
        let store = Arc::new(object_store::memory::InMemory::new());
        Self { store, prefix: Key::default(), folder: None, name: "the storage in memory".into() }
    }

    /// What the storage is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder that holds the objects, if a folder does.
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_deref()
    }

    /// Starts to write an object of `size` bytes. It is there when [`Writer::finish`] returns, and not before.
    pub fn write(&self, key: &str, size: u64) -> Writer {
        Writer::new(self.clone(), key, size)
    }

    /// Opens an object.
    ///
    /// # Errors
    /// [`StoreError::Missing`] and whatever the storage has to say.
    pub async fn read(&self, key: &str) -> Result<Reader, StoreError> {
        let object =
            self.store.get(&self.place(key)).await.map_err(|error| self.error("read", key, error))?;
        Ok(Reader::new(self.clone(), key, object))
    }

    /// Removes an object; one that is not there is removed already.
    ///
    /// # Errors
    /// Whatever the storage has to say.
    pub async fn remove(&self, key: &str) -> Result<(), StoreError> {
        match self.store.delete(&self.place(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.error("remove", key, error)),
        }
    }

    /// Removes what a killed process left half-written of this object. In a bucket, that is for the bucket's lifecycle rule.
    pub fn sweep(&self, key: &str) {
        let Some(folder) = &self.folder else { return };
        // The names object_store stages under: the object's own, `#` and a number.
        for attempt in 1..=LEFTOVERS {
            let leftover = folder.join(format!("{}#{attempt}", self.place(key)));
            if fs::remove_file(&leftover).is_ok() {
                tracing::info!(file = %leftover.display(), "removed what an interrupted run had half-written");
            }
        }
    }

    pub(super) fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    pub(super) fn place(&self, key: &str) -> Key {
        key.split('/').fold(self.prefix.clone(), Key::join)
    }

    /// Bytes of one part of an object of `size` bytes. S3 wants at least 5 MiB and at most 10,000 of them; a folder
    /// wants few hops to the thread that writes.
    pub(super) fn part_size(&self, size: u64) -> usize {
        const MIB: u64 = 1024 * 1024;
        let bytes = match self.folder {
            Some(_) => MIB,
            None => (5 * MIB).max(size.div_ceil(9_000)),
        };
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    pub(super) fn error(&self, verb: &'static str, key: &str, error: object_store::Error) -> StoreError {
        StoreError::of(&self.name, verb, key, error)
    }

    pub(super) fn io_error(&self, verb: &'static str, key: &str, error: std::io::Error) -> StoreError {
        StoreError::of_io(&self.name, verb, key, error)
    }
}
