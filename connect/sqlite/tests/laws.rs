//! The queue keeps the laws of connectors.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use rusqlite::Connection;
use stage_connect::laws::by_hand::put_all;
use stage_connect::laws::{Counts, LawServer};
use stage_connect::{MessageId, PullOptions, Push, PushOptions, sink, source};
use stage_core::Pipeline;
use stage_edge::{Edge, EdgeSpec, Partition};
use stage_sqlite::edge::{SqliteEdge, SqliteInlet};
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

/// A file with a pool.
struct Pool {
    file: File,
    edge: SqliteEdge,
}

fn spec() -> EdgeSpec {
    EdgeSpec::new("law", "numbers").ack_wait(Duration::from_secs(2)).frames_kept(1_000_000)
}

impl LawServer for Pool {
    type Pull = SqliteInlet;

    async fn start() -> Option<Self> {
        let file = File::start().await?;
        let edge = SqliteEdge::new(file.queue.clone()).await.unwrap();
        Some(Self { file, edge })
    }

    fn clients(&self) -> impl Fn() -> SqliteInlet + Send + 'static {
        let edge = self.edge.clone();
        move || edge.pool(&spec())
    }

    fn number(message: &Bytes) -> u64 {
        u64::from_be_bytes(message[..].try_into().unwrap())
    }

    async fn publish(&mut self, numbers: Range<u64>) {
        let path = self.file.folder.path().join("jobs.db");
        let other = Queue::open(path, QueueOptions::new().synchronous(Synchronous::Normal)).await.unwrap();
        let mut outlet = SqliteEdge::new(other).await.unwrap().outlet(&spec(), Partition(0));
        let frame =
            |number: u64| (MessageId::new(number.to_string()), Bytes::copy_from_slice(&number.to_be_bytes()));
        outlet.connect().await.unwrap();
        put_all(&mut outlet, &numbers.map(frame).collect::<Vec<_>>()).await;
    }

    async fn counts(&mut self) -> Counts {
        let counts = Table::new("jobs").unwrap().counts(&self.file.connection(), "law.numbers").unwrap();
        Counts { ready: counts.waiting, in_flight: counts.leased, dead: counts.dead }
    }

    async fn stop(&mut self) {
        self.file.stop().await;
    }

    async fn restart(&mut self) {
        self.file.restart().await;
    }
}

mod pool {
    stage_connect::laws!(super::Pool);
}

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
