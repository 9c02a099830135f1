//! Writes an object: gathers bytes into parts, sends two parts at a time, publishes all or nothing.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};

use super::call::Call;
use super::{Storage, StoreError};

/// Maximum number of an object's parts in flight. With the part being gathered, it limits an object's memory
/// to three parts.
const UNDER_WAY: usize = 2;

/// Writes one object. Dropping it unfinished publishes nothing; [`Writer::abort`] also removes the parts
/// already sent.
#[derive(Debug)]
pub struct Writer {
    storage: Storage,
    key: String,
    part_size: usize,
    gathered: Vec<Bytes>,
    room: usize,
    upload: Option<Box<dyn MultipartUpload>>,
    /// Set once publishing has begun; no more bytes can be sent.
    ended: bool,
    under_way: FuturesUnordered<Call<object_store::Result<()>>>,
}

impl Writer {
    pub(super) fn new(storage: Storage, key: &str, size: u64) -> Self {
        let part_size = storage.part_size(size);
        Self {
            storage,
            key: key.to_owned(),
            part_size,
            gathered: Vec::new(),
            room: part_size,
            upload: None,
            ended: false,
            under_way: FuturesUnordered::new(),
        }
    }

    /// Takes the next bytes; waits while the maximum number of parts is in flight.
    ///
    /// # Errors
    /// Any error of the storage, possibly about bytes taken earlier. After an error, only [`Writer::abort`]
    /// remains useful.
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<(), StoreError> {
        while bytes.len() >= self.room {
            self.gathered.push(bytes.split_to(self.room));
            self.send().await?;
        }
        if !bytes.is_empty() {
            self.room -= bytes.len();
            self.gathered.push(bytes);
        }
        Ok(())
    }

    /// Publishes the object.
    ///
    /// # Errors
    /// Any error of the storage. Then nothing is published and nothing is left behind.
    pub async fn finish(mut self) -> Result<(), StoreError> {
        let finished = self.publish().await;
        if finished.is_err() {
            self.abort().await;
        }
        finished
    }

    /// Abandons the object and removes the parts already sent.
    pub async fn abort(mut self) {
        self.under_way.iter().for_each(Call::abort);
        while self.under_way.next().await.is_some() {}
        let warn = |error: &object_store::Error| {
            tracing::warn!(key = self.key, %error, "cannot remove the parts of an abandoned object");
        };
        let failed = match self.upload.take() {
            Some(mut upload) => upload.abort().await.inspect_err(warn).is_err(),
            None => false,
        };
        // An interrupted publication may leave files behind even if the upload is aborted afterwards.
        if failed || self.ended {
            self.sweep().await;
        }
    }

    async fn sweep(&mut self) {
        let (storage, key) = (self.storage.clone(), self.key.clone());
        let _ = tokio::task::spawn_blocking(move || storage.sweep(&key)).await;
    }

    async fn publish(&mut self) -> Result<(), StoreError> {
        if self.upload.is_none() {
            let payload = PutPayload::from_iter(std::mem::take(&mut self.gathered));
            let (store, place) = (Arc::clone(self.storage.store()), self.storage.place(&self.key));
            let put = self.storage.call(async move { store.put(&place, payload).await.map(drop) });
            let put = put.await;
            return self.judge(put);
        }
        if !self.gathered.is_empty() {
            self.send().await?;
        }
        self.wait_below(1).await?;
        let Some(mut upload) = self.upload.take() else { return Ok(()) };
        self.ended = true;
        let complete = self.storage.call(async move {
            let completed = upload.complete().await;
            Ok((upload, completed))
        });
        let complete = complete.await;
        let (upload, completed) = self.judge(complete)?;
        self.upload = Some(upload);
        completed.map(drop).map_err(|error| self.error(error))
    }

    /// Sends the gathered bytes as one part.
    async fn send(&mut self) -> Result<(), StoreError> {
        self.wait_below(UNDER_WAY).await?;
        let payload = PutPayload::from_iter(std::mem::take(&mut self.gathered));
        self.room = self.part_size;
        let mut upload = match self.upload.take() {
            Some(upload) => upload,
            None => self.begin().await?,
        };
        self.under_way.push(self.storage.call(upload.put_part(payload)));
        self.upload = Some(upload);
        Ok(())
    }

    async fn begin(&mut self) -> Result<Box<dyn MultipartUpload>, StoreError> {
        let begun = self.storage.begin(&self.key).await;
        self.judge(begun)
    }

    async fn wait_below(&mut self, limit: usize) -> Result<(), StoreError> {
        while self.under_way.len() >= limit
            && let Some(sent) = self.under_way.next().await
        {
            self.judge(sent)?;
        }
        Ok(())
    }

    /// Turns the result of a call that may have been aborted into a storage result.
    fn judge<T>(&self, called: io::Result<object_store::Result<T>>) -> Result<T, StoreError> {
        let done = called.map_err(|broken| self.storage.io_error("write", &self.key, broken))?;
        done.map_err(|error| self.error(error))
    }

    fn error(&self, error: object_store::Error) -> StoreError {
        self.storage.error("write", &self.key, error)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Location;
    use super::*;

    fn folder_storage(folder: &Path) -> Storage {
        Storage::open(&Location::Folder(folder.to_owned())).unwrap()
    }

    fn files(folder: &Path) -> Vec<String> {
        let all = walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap);
        all.filter(|e| e.file_type().is_file())
            .map(|e| e.file_name().to_string_lossy().into_owned())
            .collect()
    }

    async fn read_all(storage: &Storage, key: &str) -> Vec<u8> {
        let mut reader = storage.read(key).await.unwrap();
        let mut bytes = Vec::new();
        let size = usize::try_from(reader.size()).unwrap();
        reader.read(&mut bytes, size).await.unwrap().unwrap();
        bytes
    }

    #[tokio::test]
    async fn an_object_of_many_parts_is_read_back_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let storage = folder_storage(folder.path());
        let content: Vec<u8> = (0..3_500_000_u32).map(|n| (n % 251) as u8).collect();
        let mut writer = storage.write("ab/object", content.len() as u64);
        for piece in content.chunks(300_000) {
            writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        assert!(!folder.path().join("ab/object").exists(), "published too early");
        writer.finish().await.unwrap();
        assert_eq!(read_all(&storage, "ab/object").await, content);
    }

    #[tokio::test]
    async fn an_aborted_object_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let storage = folder_storage(folder.path());
        let mut writer = storage.write("ab/object", 3_000_000);
        writer.write(Bytes::from(vec![1; 2_500_000])).await.unwrap();
        writer.abort().await;
        assert_eq!(files(folder.path()), Vec::<String>::new());
    }

    #[tokio::test]
    async fn an_empty_object_is_an_object() {
        let storage = Storage::in_memory();
        storage.write("ab/empty", 0).finish().await.unwrap();
        assert_eq!(storage.read("ab/empty").await.unwrap().size(), 0);
    }

    #[tokio::test]
    async fn partial_objects_of_a_killed_process_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let storage = folder_storage(folder.path());
        std::fs::create_dir(folder.path().join("ab")).unwrap();
        std::fs::write(folder.path().join("ab/object#1"), "half").unwrap();
        std::fs::write(folder.path().join("ab/other#1"), "of another writer").unwrap();
        storage.sweep("ab/object");
        assert_eq!(files(folder.path()), ["other#1"]);
    }

    #[tokio::test]
    async fn a_missing_object_and_a_removed_one_are_missing() {
        let storage = Storage::in_memory();
        assert!(matches!(storage.read("ab/none").await, Err(StoreError::Missing { .. })));
        storage.write("ab/one", 0).finish().await.unwrap();
        storage.remove("ab/one").await.unwrap();
        storage.remove("ab/one").await.unwrap();
        assert!(matches!(storage.read("ab/one").await, Err(StoreError::Missing { .. })));
    }
}
