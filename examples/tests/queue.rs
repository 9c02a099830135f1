//! The queue of a run: the fate of transfers that are done, lost, failed or stopped.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use drip::repository::sqlite::Sqlite;
use drip::repository::{NewUpload, Repository, Scope, Stored, Transfer};
use drip::store::{Location, Storage};
use drip::transfer::{ATTEMPTS, Failure, Finish, Gate, Lease, Piece, Queue, Starter, Witness};
use stage_core::piecewise::{Cut, CutPieces, Part};
use stage_core::{Consumer, Context, Events, Pipeline, Running, StageResult, StepOptions};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Records every report.
#[derive(Debug, Default)]
struct Notes(Mutex<Vec<String>>);

impl Notes {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Witness for Notes {
    fn moved(&self, bytes: u64) {
        self.note(format!("moved {bytes}"));
    }

    fn taken_back(&self, bytes: u64) {
        self.note(format!("took back {bytes}"));
    }

    fn done(&self, transfer: &Transfer, bytes: u64) {
        self.note(format!("{} done, {bytes}", transfer.path.display()));
    }

    fn failed(&self, transfer: &Transfer, cause: &str) {
        self.note(format!("{} failed: {cause}", transfer.path.display()));
    }

    fn waits(&self, cause: &str) {
        self.note(format!("waits: {cause}"));
    }

    fn goes_on(&self) {
        self.note("goes on".to_owned());
    }

    fn renamed(&self, transfer: &Transfer, name: &Path) {
        self.note(format!("{} is now {}", transfer.path.display(), name.display()));
    }
}

/// The result of the last stage: a size, or `None` to panic when it is recorded.
type End = Option<u64>;

/// Removes finished transfers from the queue, a batch for each permit; counts the transfers of each batch.
#[derive(Debug, Clone)]
struct Recording {
    repository: Arc<dyn Repository>,
    permits: Arc<Semaphore>,
    batches: Arc<Mutex<Vec<usize>>>,
}

impl Finish for Recording {
    type End = End;

    async fn finish(&self, ended: Vec<(Arc<Lease<End>>, End)>) -> Vec<Result<u64, Failure>> {
        self.batches.lock().unwrap().push(ended.len());
        self.permits.acquire().await.unwrap().forget();
        let transfers = ended.iter().map(|(lease, _)| lease.transfer.id).collect();
        self.repository.finish_downloads(transfers).await.unwrap();
        ended.into_iter().map(|(_, size)| Ok(size.expect("a size"))).collect()
    }
}

/// A transfer without chunks.
type Empty = Part<(), (), ()>;

/// Cuts every transfer into its beginning and its end.
#[derive(Debug)]
struct Ends;

impl CutPieces for Ends {
    type Whole = Lease<End>;
    type Out = Empty;
    type Open = ();
    type Error = Failure;

    async fn open(&mut self, _: &Lease<End>) -> Result<((), ()), Failure> {
        Ok(((), ()))
    }

    async fn next(&mut self, _: &Lease<End>, (): &mut ()) -> Result<Cut<Empty>, Failure> {
        Ok(Cut::End(()))
    }
}

/// Hands the beginnings of transfers to the test, which decides about them.
struct Hand {
    begun: UnboundedSender<Piece<End, Empty>>,
    /// The number of transfers whose end has arrived: their beginnings decide about them.
    ends: Arc<AtomicUsize>,
}

impl Consumer for Hand {
    type Event = Piece<End, Empty>;

    async fn handle_events(&mut self, events: Events<'_, Self::Event>, _: &mut Context<'_>) -> StageResult {
        for piece in events {
            match piece.part {
                Part::Begin(()) => self.begun.send(piece)?,
                Part::Next(()) | Part::End(()) | Part::Broken => {
                    piece.acknowledge();
                    self.ends.fetch_add(1, Ordering::AcqRel);
                }
            }
        }
        Ok(())
    }
}

/// A run over uploads of small files.
struct Case {
    _folder: tempfile::TempDir,
    repository: Arc<dyn Repository>,
    storage: Storage,
    recording: Recording,
    notes: Arc<Notes>,
    queue: Queue<Recording>,
    running: Running,
    begun: UnboundedReceiver<Piece<End, Empty>>,
    ends: Arc<AtomicUsize>,
}

impl Case {
    async fn of(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository: Arc<dyn Repository> = Arc::new(Sqlite::open(&folder.path().join("db")).unwrap());
        let storage = Storage::open(&Location::Folder(folder.path().join("objects"))).unwrap();
        let user = repository.user("a@b.c").await.unwrap();
        let upload = |name: &&str| NewUpload {
            full_path: name.into(),
            relative_path: name.into(),
            size: 1,
            ..NewUpload::default()
        };
        repository.add_uploads(user, names.iter().map(upload).collect()).await.unwrap();
        let recording = Recording {
            repository: repository.clone(),
            permits: Arc::new(Semaphore::new(1000)),
            batches: Arc::default(),
        };
        let notes = Arc::new(Notes::default());
        let queue =
            Queue::new(repository.clone(), Scope::Uploads, storage.clone(), notes.clone(), recording.clone());
        let (hand, begun) = unbounded_channel();
        let ends = Arc::new(AtomicUsize::new(0));
        let (leases, arrived) = (queue.clone(), Arc::clone(&ends));
        let running = Pipeline::builder("run")
            .defaults(StepOptions::new().max_demand(10).min_demand(1))
            .start("starter", move || Ok(Starter::new(leases.clone(), Ends)))
            .finish("hand", move || Ok(Hand { begun: hand.clone(), ends: arrived.clone() }))
            .start()
            .await
            .unwrap();
        Self { _folder: folder, repository, storage, recording, notes, queue, running, begun, ends }
    }

    /// Returns the beginning of the next transfer.
    async fn begun(&mut self) -> Piece<End, Empty> {
        self.begun.recv().await.unwrap()
    }

    /// Waits for the end of the run; returns the number of transfers left.
    async fn ended(&self) -> u64 {
        self.running.join().await.unwrap();
        assert_eq!(self.queue.open(), 0);
        self.queue.waiting().await.unwrap().files
    }

    fn failures(&self) -> Vec<String> {
        self.notes.lines().into_iter().filter(|line| line.contains("failed")).collect()
    }
}

fn fail(piece: Piece<End, Empty>, failure: Failure) {
    piece.token().fail(failure.into());
    piece.acknowledge();
}

fn done(piece: Piece<End, Empty>, bytes: u64) {
    piece.whole.end(Some(bytes));
    piece.acknowledge();
}

/// Drops a piece as a stage does that fails while it works on it.
fn lose(piece: Piece<End, Empty>) {
    drop(piece.into_parts());
}

#[tokio::test]
async fn a_transfer_that_is_lost_is_tried_three_times_and_then_failed_once() {
    let mut case = Case::of(&["a"]).await;
    let mut lost = Instant::now();
    for wait in [0, 100, 400].map(Duration::from_millis) {
        let piece = case.begun().await;
        assert!(lost.elapsed() >= wait, "it waits before it is tried again");
        lost = Instant::now();
        lose(piece);
    }
    assert_eq!(ATTEMPTS, 3);
    assert_eq!(case.ended().await, 0);
    assert_eq!(case.failures(), ["a failed: a stage that held a piece of it was restarted"]);
}

#[tokio::test]
async fn a_permanent_failure_is_not_retried() {
    let mut case = Case::of(&["a", "b"]).await;
    fail(case.begun().await, Failure::permanent("the stored object is missing"));
    done(case.begun().await, 7);
    assert_eq!(case.ended().await, 0);
    let mut notes = case.notes.lines();
    notes.sort();
    assert_eq!(notes, ["a failed: the stored object is missing", "b done, 7", "took back 0"]);
}

#[tokio::test]
async fn a_stopped_transfer_returns_and_does_not_count_as_an_attempt() {
    let mut case = Case::of(&["a"]).await;
    let piece = case.begun().await;
    case.queue.stop();
    lose(piece);
    assert_eq!(case.ended().await, 1);
    assert_eq!(case.notes.lines(), ["took back 0"]);
    let again = case.repository.lease(&Scope::Uploads, 1).await.unwrap();
    assert_eq!(again[0].attempts, 1);
}

#[tokio::test]
async fn a_transfer_that_no_stage_saw_returns_and_does_not_count_as_an_attempt() {
    let mut case = Case::of(&["a"]).await;
    // Handed on, and dropped before a stage looked at it.
    drop(case.begun().await.map(|piece| piece));
    let piece = case.begun().await;
    assert_eq!(piece.whole.transfer.attempts, 1);
    done(piece, 1);
    assert_eq!((case.ended().await, case.failures().len()), (0, 0));
}

#[tokio::test]
async fn an_outage_costs_no_attempt_and_ends_with_the_first_transfer_that_gets_through() {
    let mut case = Case::of(&["a", "b"]).await;
    let outage = Instant::now();
    for _ in 0..2 {
        fail(case.begun().await, Failure::Unavailable("no answer".to_owned()));
    }
    let piece = case.begun().await;
    assert!(outage.elapsed() >= Duration::from_secs(1), "all wait");
    assert_eq!((case.queue.gate(), piece.whole.transfer.attempts), (Gate::One, 1));
    assert!(case.begun.try_recv().is_err(), "one is tried alone");
    done(piece, 1);
    done(case.begun().await, 2);
    assert_eq!(case.ended().await, 0);
    assert_eq!((case.queue.gate(), case.queue.gave_up()), (Gate::Open, None));
    let notes: Vec<_> = case.notes.lines().into_iter().filter(|line| !line.starts_with("took")).collect();
    assert_eq!(notes, ["a done, 1", "b done, 2"], "an outage of a second is not worth a line");
}

#[tokio::test]
async fn a_transfer_waiting_for_a_retry_returns_at_once_at_the_end_of_the_run() {
    let mut case = Case::of(&["a"]).await;
    lose(case.begun().await);
    while case.notes.lines().is_empty() {
        tokio::task::yield_now().await;
    }
    case.running.stop().await.unwrap();
    case.queue.settled().await;
    assert_eq!(case.queue.waiting().await.unwrap().files, 1);
    assert_eq!(case.repository.lease(&Scope::Uploads, 1).await.unwrap()[0].attempts, 2);
}

#[tokio::test]
async fn the_partial_object_of_a_failed_upload_is_removed() {
    let mut case = Case::of(&["a"]).await;
    let piece = case.begun().await;
    let key = piece.whole.transfer.media.storage_key.clone();
    case.storage.write(&key, 0).finish().await.unwrap();
    fail(piece, Failure::permanent("stored, but not recorded"));
    case.ended().await;
    assert!(case.storage.read(&key).await.is_err());
}

#[tokio::test]
async fn an_upload_that_was_recorded_before_it_failed_keeps_its_object() {
    let mut case = Case::of(&["a"]).await;
    let piece = case.begun().await;
    let transfer = piece.whole.transfer.clone();
    let key = &transfer.media.storage_key;
    case.storage.write(key, 0).finish().await.unwrap();
    let stored = Stored {
        transfer: transfer.id,
        media: transfer.media.id,
        size: 0,
        checksum: [0; 32],
        attributes: transfer.media.attributes.clone(),
        object_size: 0,
    };
    case.repository.finish_uploads(vec![stored]).await.unwrap();
    fail(piece, Failure::permanent("too late"));
    case.ended().await;
    case.storage.read(key).await.unwrap();
}

#[tokio::test]
async fn transfers_that_end_during_a_commit_form_the_next_batch_and_stay_open_until_they_are_recorded() {
    let mut case = Case::of(&["a", "b", "c", "d", "e"]).await;
    case.recording.permits.forget_permits(1000);
    done(case.begun().await, 0);
    while case.ends.load(Ordering::Acquire) < 5 || case.recording.batches.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    for _ in 0..4 {
        done(case.begun().await, 1);
    }
    assert_eq!((case.queue.open(), case.notes.lines().len()), (5, 0));
    case.recording.permits.add_permits(2);
    assert_eq!(case.ended().await, 0);
    assert_eq!(*case.recording.batches.lock().unwrap(), [1, 4]);
    assert_eq!(case.notes.lines().len(), 5);
}

#[tokio::test]
async fn a_panic_while_verdicts_are_settled_ends_the_run_and_keeps_nothing_open() {
    let mut case = Case::of(&["a"]).await;
    let piece = case.begun().await;
    piece.whole.end(None);
    piece.acknowledge();
    let error = case.running.join().await.unwrap_err().to_string();
    assert!(error.contains("the ends of transfers can no longer be recorded"), "{error}");
    assert_eq!(case.queue.open(), 0);
}
