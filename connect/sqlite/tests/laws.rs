//! The queue keeps the laws of connectors.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::ops::Range;
use std::time::Duration;

use rusqlite::Connection;
use stage_connect::laws::{Counts, LawServer};
use stage_connect::{PullOptions, PushOptions, sink, source};
use stage_core::Pipeline;
use stage_sqlite::{Job, NewJob, Queue, QueueOptions, QueuePull, Synchronous, Table};
use tempfile::TempDir;

/// A file with a queue. Another process that keeps it locked takes it away.
struct File {
    folder: TempDir,
    queue: Queue,
    lock: Option<Connection>,
}

impl File {
    fn connection(&self) -> Connection {
        let connection = Connection::open(self.folder.path().join("jobs.db")).unwrap();
        connection.busy_timeout(Duration::from_secs(30)).unwrap();
        connection
    }
}

impl LawServer for File {
    type Pull = QueuePull;

    async fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options = QueueOptions::new()
            .attempts(3)
            .visibility(Duration::from_secs(2))
            .patience(Duration::from_millis(10))
            .poll(Duration::from_millis(10))
            .synchronous(Synchronous::Normal);
        let queue = Queue::open(folder.path().join("jobs.db"), options).await.unwrap();
        Some(Self { folder, queue, lock: None })
    }

    fn clients(&self) -> impl Fn() -> QueuePull + Send + 'static {
        let queue = self.queue.clone();
        move || queue.pull()
    }

    fn number(message: &Job) -> u64 {
        u64::from_be_bytes(message.payload[..].try_into().unwrap())
    }

    async fn publish(&mut self, numbers: Range<u64>) {
        let table = Table::new("jobs").unwrap();
        let jobs = numbers.map(|number| NewJob::new(number.to_be_bytes()));
        table.enqueue(&self.connection(), "", jobs, 0).unwrap();
    }

    async fn counts(&mut self) -> Counts {
        let counts = Table::new("jobs").unwrap().counts(&self.connection(), "").unwrap();
        Counts { ready: counts.waiting, in_flight: counts.leased, dead: counts.dead }
    }

    async fn stop(&mut self) {
        let lock = self.connection();
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        self.lock = Some(lock);
    }

    async fn restart(&mut self) {
        self.lock = None;
    }
}

stage_connect::laws!(File);

#[tokio::test]
async fn jobs_are_copied_from_one_queue_to_another() {
    let folder = tempfile::tempdir().unwrap();
    let open = async |name: &str| Queue::open(folder.path().join(name), QueueOptions::new()).await.unwrap();
    let (from, to) = (open("from.db").await, open("to.db").await);
    from.enqueue((0..30_u64).map(|number| NewJob::new(number.to_be_bytes()))).await.unwrap();
    let (client, store) = (from.clone(), to.clone());
    let pipeline = Pipeline::builder("copy")
        .start("from", move || Ok(source::pulled(client.pull(), PullOptions::new())))
        .acknowledged()
        .step_fn("copy", |job| NewJob::new(job.payload))
        .finish("to", move || Ok(sink::pushed(store.push(), PushOptions::new())));
    let running = pipeline.start().await.unwrap();
    while from.counts().await.unwrap().all() > 0 {
        tokio::task::yield_now().await;
    }
    running.drain(Duration::from_secs(30)).await.unwrap();
    assert_eq!(to.counts().await.unwrap().waiting, 30);
}
