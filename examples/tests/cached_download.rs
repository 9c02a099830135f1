//! The cache saves small files, and only these, the access to the storage and the key.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drip::buffer::Buffers;
use drip::cache::{Bounds, ContentCache};
use drip::download::{self, Download, Publisher};
use drip::repository::sqlite::Sqlite;
use drip::repository::{NewDownload, NewUpload, Repository, Scope, Transfer};
use drip::seal::MasterKey;
use drip::store::{Location, Storage};
use drip::transfer::Witness;
use drip::upload::{self, Files, Recorder, Upload};

/// Records the failed transfers and their causes.
#[derive(Debug, Default)]
struct Failures(Mutex<Vec<(PathBuf, String)>>);

impl Witness for Failures {
    fn moved(&self, _: u64) {}

    fn taken_back(&self, _: u64) {}

    fn done(&self, _: &Transfer, _: u64) {}

    fn failed(&self, transfer: &Transfer, cause: &str) {
        self.0.lock().unwrap().push((transfer.media.relative_path.clone(), cause.to_owned()));
    }

    fn renamed(&self, _: &Transfer, _: &Path) {}
}

/// A small and a large uploaded file.
struct Case {
    folder: tempfile::TempDir,
    contents: BTreeMap<&'static str, Vec<u8>>,
    repository: Arc<dyn Repository>,
    storage: Storage,
    cache: ContentCache,
    master: MasterKey,
}

impl Case {
    async fn uploaded() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bounds = Bounds { total: 1 << 20, file: 1000, time_to_live: Duration::from_mins(10) };
        let case = Self {
            contents: BTreeMap::from([("small", vec![1; 1000]), ("large", vec![2; 600_000])]),
            repository: Arc::new(Sqlite::open(&folder.path().join("db")).unwrap()),
            storage: Storage::open(&Location::Folder(folder.path().join("objects"))).unwrap(),
            cache: ContentCache::new(bounds),
            master: MasterKey::new([3; 32]),
            folder,
        };
        let user = case.repository.user("daniel_caixinha@elixir.pt").await.unwrap();
        let mut uploads = Vec::new();
        for (name, content) in &case.contents {
            let full_path = case.folder.path().join(name);
            std::fs::write(&full_path, content).unwrap();
            let (relative_path, size) = (name.into(), content.len() as u64);
            uploads.push(NewUpload { full_path, relative_path, size, ..NewUpload::default() });
        }
        case.repository.add_uploads(user, uploads).await.unwrap();
        let failures = case.upload().await;
        assert_eq!(failures, []);
        case
    }

    async fn upload(&self) -> Vec<(PathBuf, String)> {
        let witness = Arc::new(Failures::default());
        let (repository, storage) = (self.repository.clone(), self.storage.clone());
        let recorder = Recorder::new(storage.clone(), repository.clone());
        let queue = upload::Queue::new(repository, Scope::Uploads, storage, witness.clone(), recorder);
        let upload = Upload::new(
            queue.clone(),
            Files::default(),
            self.master.clone(),
            self.cache.clone(),
            self.storage.clone(),
            witness.clone(),
            2,
        );
        upload.start().await.unwrap().join().await.unwrap();
        queue.settled().await;
        std::mem::take(&mut witness.0.lock().unwrap())
    }

    /// Downloads both files into a folder with this name; returns the failures.
    async fn download(&self, to: &str) -> Vec<(PathBuf, String)> {
        let folder = self.folder.path().join(to);
        let media = self.repository.media_after(None, 10).await.unwrap();
        let downloads = media.iter().map(|media| NewDownload {
            media: media.id,
            folder: folder.clone(),
            target: folder.join(&media.relative_path),
        });
        self.repository.add_downloads(downloads.collect()).await.unwrap();
        let witness = Arc::new(Failures::default());
        let scope = Scope::Downloads { folder };
        let (repository, storage) = (self.repository.clone(), self.storage.clone());
        let publisher = Publisher::new(repository.clone(), witness.clone());
        let queue = download::Queue::new(repository, scope, storage, witness.clone(), publisher);
        let download = Download::new(
            queue.clone(),
            self.storage.clone(),
            self.cache.clone(),
            Buffers::default(),
            self.master.clone(),
            witness.clone(),
            2,
        );
        download.start().await.unwrap().join().await.unwrap();
        queue.settled().await;
        std::mem::take(&mut witness.0.lock().unwrap())
    }

    fn assert_down(&self, to: &str, name: &str) {
        let content = std::fs::read(self.folder.path().join(to).join(name)).unwrap();
        assert!(content == self.contents[name], "{name} in {to} differs");
    }

    async fn remove_objects(&self) {
        for media in self.repository.media_after(None, 10).await.unwrap() {
            self.storage.remove(&media.storage_key).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_file_comes_out_of_the_cache_without_storage_and_a_large_one_does_not() {
    let case = Case::uploaded().await;
    case.remove_objects().await;
    let failed = case.download("to").await;
    case.assert_down("to", "small");
    assert_eq!(case.cache.hits(), 1);
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].0, Path::new("large"));
    assert!(failed[0].1.contains("missing"), "{}", failed[0].1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_fills_the_cache_for_the_next_one() {
    let uploaded = Case::uploaded().await;
    let bounds = Bounds { file: 1000, ..Bounds::default() };
    let case = Case { cache: ContentCache::new(bounds), ..uploaded };
    assert_eq!(case.download("first").await, []);
    assert_eq!(case.cache.hits(), 0);
    assert_eq!(case.download("second").await, []);
    assert_eq!(case.cache.hits(), 1);
    for to in ["first", "second"] {
        case.assert_down(to, "small");
        case.assert_down(to, "large");
    }
}
