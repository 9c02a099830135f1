//! A failing stage fails only the transfers it held, and these return to the queue.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use drip::cache::{Bounds, ContentCache};
use drip::repository::sqlite::Sqlite;
use drip::repository::{NewUpload, Repository, Scope, Transfer};
use drip::seal::MasterKey;
use drip::store::{Location, Storage};
use drip::transfer::{Witness, key};
use drip::upload::{Encryption, Files, Lease, Notifier, Queue, Recorder, RemoteStorage, Sealed, Starter};
use stage_core::piecewise::{self, Part};
use stage_core::{
    Emitter, Events, Pipeline, Placement, ProducerConsumer, Report, Running, StageResult, StepOptions,
};

/// Records the end of every transfer.
#[derive(Debug, Default)]
struct Endings {
    done: Mutex<Vec<PathBuf>>,
    failed: Mutex<Vec<PathBuf>>,
}

impl Witness for Endings {
    fn moved(&self, _: u64) {}

    fn taken_back(&self, _: u64) {}

    fn done(&self, transfer: &Transfer, _: u64) {
        self.done.lock().unwrap().push(transfer.media.relative_path.clone());
    }

    fn failed(&self, transfer: &Transfer, _: &str) {
        self.failed.lock().unwrap().push(transfer.media.relative_path.clone());
    }

    fn renamed(&self, _: &Transfer, _: &Path) {}
}

impl Endings {
    fn done(&self) -> BTreeSet<PathBuf> {
        let done = self.done.lock().unwrap();
        let names: BTreeSet<_> = done.iter().cloned().collect();
        assert_eq!(names.len(), done.len(), "a transfer was done twice");
        names
    }

    fn failed(&self) -> BTreeSet<PathBuf> {
        self.failed.lock().unwrap().iter().cloned().collect()
    }
}

/// When a saboteur fails.
#[derive(Debug, Clone)]
enum Plot {
    /// After this many pieces, counted over all its restarts.
    At(&'static [u64]),
    /// On every chunk of this file. Like all stages, it ignores dead transfers.
    On(&'static str),
    /// As [`Plot::At`], but returns an error instead of panicking.
    ErrorAt(&'static [u64]),
}

/// A stage between two others that forwards everything until it fails.
#[derive(Debug)]
struct Saboteur {
    plot: Plot,
    seen: Arc<AtomicU64>,
}

impl ProducerConsumer for Saboteur {
    type In = piecewise::Event<Lease, Sealed>;
    type Out = piecewise::Event<Lease, Sealed>;

    async fn handle_events(
        &mut self,
        events: Events<'_, Self::In>,
        out: &mut Emitter<'_, Self::Out>,
    ) -> StageResult {
        for piece in events {
            let seen = self.seen.fetch_add(1, Ordering::Relaxed);
            match &self.plot {
                Plot::At(times) => assert!(!times.contains(&seen), "the saboteur breaks"),
                Plot::On(name) => {
                    let is_victim = piece.whole.transfer.media.relative_path == Path::new(name);
                    let is_work = matches!(piece.part, Part::Next(_)) && !piece.token().is_rejected();
                    assert!(!(is_victim && is_work), "the saboteur breaks");
                }
                Plot::ErrorAt(times) if times.contains(&seen) => return Err("the saboteur gives up".into()),
                Plot::ErrorAt(_) => {}
            }
            out.emit(piece);
        }
        Ok(())
    }
}

/// A folder of files, the resources of an upload, and its outcome.
struct Case {
    folder: tempfile::TempDir,
    sources: BTreeMap<PathBuf, Vec<u8>>,
    repository: Arc<dyn Repository>,
    storage: Storage,
    endings: Arc<Endings>,
    queue: Queue,
}

impl Case {
    async fn with_files(count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository: Arc<dyn Repository> = Arc::new(Sqlite::open(&folder.path().join("db")).unwrap());
        let storage = Storage::open(&Location::Folder(folder.path().join("objects"))).unwrap();
        let mut sources = BTreeMap::new();
        for number in 0..count {
            let content = vec![u8::try_from(number % 251).unwrap(); number * 40_000];
            std::fs::write(folder.path().join(number.to_string()), &content).unwrap();
            sources.insert(PathBuf::from(number.to_string()), content);
        }
        let uploads = sources.iter().map(|(name, content)| NewUpload {
            full_path: folder.path().join(name),
            relative_path: name.clone(),
            size: content.len() as u64,
            ..NewUpload::default()
        });
        let user = repository.user("joe_armstrong@erlang.uk").await.unwrap();
        repository.add_uploads(user, uploads.collect()).await.unwrap();
        let endings = Arc::new(Endings::default());
        let queue = queue(&repository, &storage, &endings);
        Self { folder, sources, repository, storage, endings, queue }
    }

    /// Starts the upload pipeline with a saboteur between encryption and storage.
    async fn start(&self, plot: Plot) -> Running {
        let queue = self.queue.clone();
        let cache = ContentCache::new(Bounds::default());
        let storage = self.storage.clone();
        let endings = self.endings.clone();
        let seen = Arc::new(AtomicU64::new(0));
        Pipeline::builder("upload")
            .defaults(StepOptions::new().max_demand(10).min_demand(1))
            .start(StepOptions::named("starter").placement(Placement::Blocking), move || {
                Ok(Starter::new(queue.clone(), Files::default()))
            })
            .acknowledged()
            .by(key)
            .step(StepOptions::named("encryption").count(2), move || {
                Ok(piecewise::step(Encryption::new(MasterKey::new([7; 32]), cache.clone())))
            })
            .step(StepOptions::named("saboteur"), move || {
                Ok(Saboteur { plot: plot.clone(), seen: seen.clone() })
            })
            .by(key)
            .step(StepOptions::named("remote_storage").count(2), move || {
                Ok(piecewise::step(RemoteStorage::new(storage.clone())))
            })
            .finish(StepOptions::named("notifier"), move || {
                Ok(piecewise::sink(Notifier::new(endings.clone())))
            })
            .start()
            .await
            .unwrap()
    }

    async fn run(&self, plot: Plot) -> Report {
        let report = self.start(plot).await.join().await.unwrap();
        self.queue.settled().await;
        assert_eq!(self.queue.open(), 0);
        report
    }

    fn names(&self) -> BTreeSet<PathBuf> {
        self.sources.keys().cloned().collect()
    }

    /// Asserts that exactly the done files are recorded and stored: no object without a medium, and no
    /// partial object.
    async fn assert_stored(&self, done: &BTreeSet<PathBuf>) {
        let media = self.repository.media_after(None, 1000).await.unwrap();
        let recorded: BTreeSet<_> = media.iter().map(|media| media.relative_path.clone()).collect();
        assert_eq!(&recorded, done);
        for media in &media {
            let content = &self.sources[&media.relative_path];
            assert_eq!(media.checksum, Some(*blake3::hash(content).as_bytes()));
        }
        let expected: BTreeSet<_> =
            media.iter().map(|media| self.folder.path().join("objects").join(&media.storage_key)).collect();
        let objects =
            walkdir::WalkDir::new(self.folder.path().join("objects")).into_iter().map(Result::unwrap);
        let objects: BTreeSet<_> =
            objects.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect();
        assert_eq!(objects, expected);
    }
}

fn queue(repository: &Arc<dyn Repository>, storage: &Storage, endings: &Arc<Endings>) -> Queue {
    let recorder = Recorder::new(storage.clone(), repository.clone());
    Queue::new(repository.clone(), Scope::Uploads, storage.clone(), endings.clone(), recorder)
}

fn restarts(report: &Report, step: &str) -> u64 {
    report.stages.iter().filter(|stage| stage.step == step).map(|stage| stage.restarts).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stage_that_panics_costs_no_transfer() {
    let case = Case::with_files(30).await;
    let report = case.run(Plot::At(&[9, 70])).await;
    assert_eq!((restarts(&report, "encryption"), restarts(&report, "saboteur")), (0, 2));
    assert_eq!(case.endings.done(), case.names());
    assert_eq!(case.endings.failed(), BTreeSet::new());
    case.assert_stored(&case.names()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stage_that_returns_an_error_costs_no_transfer() {
    let case = Case::with_files(30).await;
    let report = case.run(Plot::ErrorAt(&[33])).await;
    assert_eq!(restarts(&report, "saboteur"), 1);
    assert_eq!(case.endings.done(), case.names());
    case.assert_stored(&case.names()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_breaks_a_stage_every_time_fails_alone() {
    let case = Case::with_files(30).await;
    case.run(Plot::On("17")).await;
    let victim = BTreeSet::from([PathBuf::from("17")]);
    assert_eq!(case.endings.failed(), victim);
    let rest: BTreeSet<_> = case.names().difference(&victim).cloned().collect();
    assert_eq!(case.endings.done(), rest);
    case.assert_stored(&rest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_returns_transfers_in_progress_and_a_second_run_finishes_them() {
    let case = Case::with_files(30).await;
    let running = case.start(Plot::At(&[])).await;
    case.queue.stop();
    running.stop().await.unwrap();
    drop(running);
    case.queue.settled().await;
    let first = case.endings.done();
    let left = case.repository.waiting(&Scope::Uploads).await.unwrap();
    assert_eq!(first.len() as u64 + left.files, 30, "nothing is lost");

    let again = queue(&case.repository, &case.storage, &case.endings);
    let case = Case { queue: again, ..case };
    case.run(Plot::At(&[])).await;
    assert_eq!(case.endings.done(), case.names());
    case.assert_stored(&case.names()).await;
}
