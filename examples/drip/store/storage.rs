//! An opened storage: writes, reads, lists and removes objects by key.

use std::fmt;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::multipart::MultipartStore;
use object_store::path::Path as Key;
use object_store::{ClientConfigKey, MultipartUpload, ObjectStore, ObjectStoreExt, RetryConfig};
use url::Url;

use super::call::Call;
use super::error::one_line;
use super::faulty::Faulty;
use super::unfinished::Unfinished;
use super::{Faults, Location, Reader, StoreError, Writer};
use crate::durable::sync_files;

/// Maximum number of leftovers per object to look for; each attempt to write it leaves at most one.
const LEFTOVERS: u32 = 16;

/// Maximum time for a storage's first answer.
const ANSWER: Duration = Duration::from_secs(15);

/// A storage of objects; cheap to clone.
#[derive(Debug, Clone)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    prefix: Key,
    folder: Option<PathBuf>,
    name: Arc<str>,
    /// Whether the store works where it is polled when that is outside of a runtime.
    local: bool,
    /// How a bucket's multipart uploads are started, so that they can be recorded.
    in_parts: InParts,
}

/// How a multipart upload is started.
#[derive(Clone, Default)]
enum InParts {
    /// Directly by the store.
    #[default]
    Plainly,
    /// The store could record it, but has no folder for the records.
    Noteless(Arc<dyn MultipartStore>),
    /// Recorded.
    Noted(Unfinished),
}

impl fmt::Debug for InParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plainly | Self::Noteless(_) => f.write_str("without notes"),
            Self::Noted(unfinished) => unfinished.fmt(f),
        }
    }
}

impl Storage {
    /// Opens the storage at `location`; a missing folder is created. S3 credentials come from the environment
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
        let folder = Some(folder);
        let in_parts = InParts::Plainly;
        let (store, prefix) = (Arc::new(store), Key::default());
        Ok(Self { store, prefix, folder, name: name.into(), local: true, in_parts })
    }

    fn open_bucket(url: &Url, prefix: Key) -> Result<Self, StoreError> {
        // Fails if a provider is installed already; that one serves TLS just as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let retry =
            RetryConfig { max_retries: 4, retry_timeout: Duration::from_secs(30), ..RetryConfig::default() };
        let name = format!("the storage {}/{prefix}", url.as_str().trim_end_matches('/'));
        let name = name.trim_end_matches('/');
        let builder = AmazonS3Builder::from_env().with_url(url.as_str()).with_retry(retry);
        if is_forbidden_http(&builder) {
            let reason = "its endpoint is http://, which is not encrypted; AWS_ALLOW_HTTP=true allows it";
            return Err(StoreError::Unusable { storage: name.to_owned(), reason: reason.to_owned() });
        }
        let store = builder.build().map_err(|error| StoreError::of(name, "open", "itself", error))?;
        let store = Arc::new(store);
        let in_parts = InParts::Noteless(store.clone());
        Ok(Self { store, prefix, folder: None, name: name.into(), local: false, in_parts })
    }

    /// Records multipart uploads to a bucket in the folder `notes`, and aborts those that a killed run left.
    pub async fn noting_in(self, notes: PathBuf) -> Self {
        let InParts::Noteless(store) = self.in_parts else { return self };
        let unfinished = Unfinished::new(store, notes);
        unfinished.give_up().await;
        Self { in_parts: InParts::Noted(unfinished), ..self }
    }

    /// Returns the same storage, slow and unreliable: for tests of drip's error handling.
    pub fn with_faults(self, faults: Faults) -> Self {
        // Delays need the runtime's clock.
        let store = Arc::new(Faulty::new(self.store, faults));
        Self { store, local: false, in_parts: InParts::Plainly, ..self }
    }

    /// Creates an in-memory storage for tests.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Self {
        let store = Arc::new(object_store::memory::InMemory::new());
        Self {
            store,
            prefix: Key::default(),
            folder: None,
            name: "the storage in memory".into(),
            local: false,
            in_parts: InParts::Plainly,
        }
    }

    /// The storage's name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder that holds the objects, if the storage is a folder.
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_deref()
    }

    /// Requests one object of a bucket, so that a fault of the whole bucket is reported once and not for
    /// every file.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if the bucket does not exist, [`StoreError::Unreachable`] if there is no
    /// answer within 15 s.
    pub async fn reach(&self) -> Result<(), StoreError> {
        if self.folder.is_some() {
            return Ok(());
        }
        let storage = self.name.to_string();
        let prefix = (!self.prefix.as_ref().is_empty()).then_some(&self.prefix);
        // The first page is enough. A missing object does not prove a missing bucket; a failed list does.
        match tokio::time::timeout(ANSWER, self.store.list(prefix).next()).await {
            Err(_) => {
                let reason = format!("no answer within {} s", ANSWER.as_secs());
                Err(StoreError::Unreachable { storage, reason })
            }
            // A user without permission to list a bucket may still be able to write to it.
            Ok(None | Some(Ok(_) | Err(object_store::Error::PermissionDenied { .. }))) => Ok(()),
            Ok(Some(Err(error))) => {
                let reason = one_line(&error);
                // object_store has no error kind for listing a bucket that does not exist.
                if matches!(error, object_store::Error::NotFound { .. })
                    || reason.contains("status code: 404")
                {
                    return Err(StoreError::Unusable {
                        storage,
                        reason: "there is no such bucket".to_owned(),
                    });
                }
                Err(StoreError::Unreachable { storage, reason })
            }
        }
    }

    /// Starts to write an object of `size` bytes. The object exists once [`Writer::finish`] returns, not
    /// before.
    pub fn write(&self, key: &str, size: u64) -> Writer {
        Writer::new(self.clone(), key, size)
    }

    /// Opens an object.
    ///
    /// # Errors
    /// [`StoreError::Missing`], or any other error of the storage.
    pub async fn read(&self, key: &str) -> Result<Reader, StoreError> {
        let object =
            self.store.get(&self.place(key)).await.map_err(|error| self.error("read", key, error))?;
        Ok(Reader::new(self.clone(), key, object))
    }

    /// Removes an object; succeeds if it does not exist.
    ///
    /// # Errors
    /// Any error of the storage.
    pub async fn remove(&self, key: &str) -> Result<(), StoreError> {
        match self.store.delete(&self.place(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.error("remove", key, error)),
        }
    }

    /// Whether the storage holds no object.
    ///
    /// # Errors
    /// Any error of the storage.
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        let first = self.store.list(Some(&self.prefix)).next().await;
        Ok(first.transpose().map_err(|error| self.error("list", "its objects", error))?.is_none())
    }

    /// Lists all objects: their keys and sizes in bytes.
    ///
    /// # Errors
    /// Any error of the storage.
    pub async fn list(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let mut objects = self.store.list(Some(&self.prefix));
        let mut listed = Vec::new();
        while let Some(object) = objects.next().await {
            let object = object.map_err(|error| self.error("list", "its objects", error))?;
            let key: Vec<_> = object.location.prefix_match(&self.prefix).into_iter().flatten().collect();
            listed.push((key.iter().map(AsRef::as_ref).collect::<Vec<_>>().join("/"), object.size));
        }
        Ok(listed)
    }

    /// Reads a range of an object's bytes.
    ///
    /// # Errors
    /// [`StoreError::Missing`], or any other error of the storage.
    pub async fn read_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StoreError> {
        let read = self.store.get_range(&self.place(key), range).await;
        read.map_err(|error| self.error("read", key, error))
    }

    /// Makes these objects of a folder survive a power cut. A bucket keeps every object that it has
    /// acknowledged.
    ///
    /// # Errors
    /// Any error of the storage, also if an object is missing. The state of the disk is then unknown.
    pub async fn sync(&self, keys: Vec<String>) -> Result<(), StoreError> {
        let Some(folder) = self.folder.clone() else { return Ok(()) };
        let objects = keys.iter().map(|key| folder.join(self.place(key).as_ref())).collect::<Vec<_>>();
        let synced = tokio::task::spawn_blocking(move || sync_files(&objects, &folder)).await;
        let synced = synced.map_err(io::Error::other).and_then(|synced| synced);
        synced.map_err(|error| self.io_error("sync", keys.first().map_or("", String::as_str), error))
    }

    /// Removes the partial files that a killed process left of this object in a folder; for a bucket see
    /// [`Storage::noting_in`].
    pub fn sweep(&self, key: &str) {
        let Some(folder) = &self.folder else { return };
        // object_store stages an object under its own name, `#` and a number.
        for attempt in 1..=LEFTOVERS {
            let leftover = folder.join(format!("{}#{attempt}", self.place(key)));
            if fs::remove_file(&leftover).is_ok() {
                tracing::info!(file = %leftover.display(), "removed partial objects of an interrupted run");
            }
        }
    }

    /// Starts a multipart upload.
    pub(super) fn begin(&self, key: &str) -> Call<object_store::Result<Box<dyn MultipartUpload>>> {
        let (store, place, in_parts) = (Arc::clone(&self.store), self.place(key), self.in_parts.clone());
        self.call(async move {
            match in_parts {
                InParts::Noted(unfinished) => unfinished.begin(&place).await,
                InParts::Plainly | InParts::Noteless(_) => store.put_multipart(&place).await,
            }
        })
    }

    /// Runs a call of the store.
    pub(super) fn call<T: Send + 'static>(&self, call: impl Future<Output = T> + Send + 'static) -> Call<T> {
        if self.local { Call::at_once(call) } else { Call::on_runtime(call) }
    }

    pub(super) fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    pub(super) fn place(&self, key: &str) -> Key {
        key.split('/').fold(self.prefix.clone(), Key::join)
    }

    /// Size of one part of an object of `size` bytes. S3 requires at least 5 MiB and at most 10,000 parts.
    /// For a folder, a part should fit into a processor's cache, so that its beginning is still cached when
    /// it is written.
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

    pub(super) fn io_error(&self, verb: &'static str, key: &str, error: io::Error) -> StoreError {
        StoreError::of_io(&self.name, verb, key, error)
    }
}

/// Whether the endpoint is an `http://` address and nothing allows that.
fn is_forbidden_http(builder: &AmazonS3Builder) -> bool {
    let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint);
    let allowed = builder.get_config_value(&AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp));
    endpoint.is_some_and(|endpoint| endpoint.starts_with("http://")) && allowed.as_deref() != Some("true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_bucket_that_does_not_answer_is_unreachable_by_name() {
        // Nothing listens on the discard port, and no credentials are looked up, so no traffic leaves this
        // machine.
        let store = AmazonS3Builder::new()
            .with_bucket_name("attic")
            .with_endpoint("http://127.0.0.1:9")
            .with_allow_http(true)
            .with_skip_signature(true)
            .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() });
        let _ = rustls::crypto::ring::default_provider().install_default();
        let store = Arc::new(store.build().unwrap());
        let name = "the storage s3://attic/prefix".into();
        let storage = Storage {
            store,
            prefix: Key::default(),
            folder: None,
            name,
            local: false,
            in_parts: InParts::Plainly,
        };
        let error = storage.reach().await.unwrap_err().to_string();
        assert!(error.starts_with("the storage s3://attic/prefix cannot be reached"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }

    #[tokio::test]
    async fn a_storage_that_answers_is_reached() {
        Storage::in_memory().reach().await.unwrap();
    }
}
