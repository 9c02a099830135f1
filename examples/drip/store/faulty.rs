//! A wrapper that makes a storage slow and unreliable: see [`Faults`].

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

// object_store's traits are declared with this macro.
use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use object_store::path::Path as Key;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

use super::faults::{Fate, Faults};

/// A storage whose calls are delayed and may fail.
#[derive(Debug)]
pub(super) struct Faulty {
    inner: Arc<dyn ObjectStore>,
    calls: Calls,
}

/// The calls of one storage, numbered in the order in which they are made.
#[derive(Debug, Clone)]
struct Calls {
    faults: Faults,
    next: Arc<AtomicU64>,
}

impl Faulty {
    pub(super) fn new(inner: Arc<dyn ObjectStore>, faults: Faults) -> Self {
        Self { inner, calls: Calls { faults, next: Arc::new(AtomicU64::new(0)) } }
    }
}

impl Calls {
    /// Makes one call, subject to its fate.
    async fn make<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let fate = self.faults.fate(number);
        tokio::time::sleep(self.faults.delay()).await;
        match fate {
            Fate::Works => call.await,
            Fate::FailsBefore => Err(failed(number)),
            Fate::Refused => {
                let source = io::Error::from(io::ErrorKind::ConnectionRefused);
                Err(Error::Generic { store: "faulty storage", source: source.into() })
            }
            Fate::FailsBehind => call.await.and_then(|_| Err(failed(number))),
        }
    }
}

fn failed(call: u64) -> Error {
    let source = io::Error::other(format!("call {call} failed as configured"));
    Error::Generic { store: "faulty storage", source: source.into() }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, place: &Key, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.calls.make(self.inner.put_opts(place, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        place: &Key,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let upload = self.calls.make(self.inner.put_multipart_opts(place, options)).await?;
        Ok(Box::new(FaultyUpload { upload, calls: self.calls.clone() }))
    }

    async fn get_opts(&self, place: &Key, options: GetOptions) -> Result<GetResult> {
        self.calls.make(self.inner.get_opts(place, options)).await
    }

    fn delete_stream(&self, places: BoxStream<'static, Result<Key>>) -> BoxStream<'static, Result<Key>> {
        let (inner, calls) = (Arc::clone(&self.inner), self.calls.clone());
        let delete = move |place| {
            let (inner, calls) = (Arc::clone(&inner), calls.clone());
            async move {
                let mut deleted = inner.delete_stream(stream::iter([place]).boxed());
                let deleted = async move { deleted.next().await.unwrap_or_else(|| Err(failed(0))) };
                calls.make(deleted).await
            }
        };
        places.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Key>) -> Result<ListResult> {
        self.calls.make(self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Key, to: &Key, options: CopyOptions) -> Result<()> {
        self.calls.make(self.inner.copy_opts(from, to, options)).await
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {:?}", self.inner, self.calls.faults)
    }
}

/// A multipart upload whose parts are calls of their own.
#[derive(Debug)]
struct FaultyUpload {
    upload: Box<dyn MultipartUpload>,
    calls: Calls,
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        let (part, calls) = (self.upload.put_part(part), self.calls.clone());
        Box::pin(async move { calls.make(part).await })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.calls.make(self.upload.complete()).await
    }

    /// Aborting never fails: tests could not tell leftovers of a failed abort from leftovers of drip.
    async fn abort(&mut self) -> Result<()> {
        self.upload.abort().await
    }
}
