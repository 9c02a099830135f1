//! A database as the server of an edge: the laws of pools, and processes that are killed.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::{Command, abort};
use std::sync::Arc;
use std::time::Duration;

use stage_connect::laws::crashes::{Worker, client_of_test, every_message_is_handled_through_crashes};
use stage_connect::laws::{Process, Scale};
use stage_connect::memory::MemoryServer;
use stage_connect::{PullOptions, source};
use stage_core::{Backoff, Pipeline, Running, StepOptions};
use stage_edge::laws::PoolServer;
use stage_edge::{Edge, EdgeSink, EdgeSource, EdgeSpec, Format, SchemaId, SourceOptions};
use stage_postgres::edge::PostgresEdge;
use stage_postgres::{Queue, QueueOptions, Server};

use crate::kit::Postgres;

fn open(server: Server) -> PostgresEdge {
    let options = QueueOptions::new().poll(Duration::from_millis(20));
    PostgresEdge::new(Queue::new(server, options).unwrap())
}

/// A table of the server that the tests share.
struct Database(Arc<Postgres>, String);

impl PoolServer for Database {
    type Edge = PostgresEdge;

    async fn start() -> Option<Self> {
        let server = Postgres::shared()?;
        let table = server.table();
        Some(Self(server, table))
    }

    async fn client(&self) -> PostgresEdge {
        let options = QueueOptions::new().poll(Duration::from_millis(20)).table(&self.1);
        PostgresEdge::new(Queue::new(self.0.server(), options).unwrap())
    }
}

mod pool {
    stage_edge::pool_laws!(super::Database);
}

/// The lease where each repetition is to be explained, long enough for a busy machine, and where none is.
const LEASES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(2)];

/// Frames of about 20 events.
fn spec(lease: Duration) -> EdgeSpec {
    EdgeSpec::new("shop", "numbers").frame_bytes(350).ack_wait(lease).attempts(2).setup(true)
}

fn format() -> Format<u32> {
    Format::postcard(SchemaId::new("Number", 1))
}

async fn send(edge: impl Edge, lease: Duration, numbers: u32) -> (Running, MemoryServer<u32>) {
    let queue = MemoryServer::new().with_lease(Duration::from_secs(3600));
    queue.publish(0..numbers);
    let from = queue.clone();
    let pipeline = Pipeline::builder("sender")
        .start("queue", move || Ok(source::pulled(from.queue(), PullOptions::new())))
        .acknowledged()
        .finish("numbers.out", move || Ok(EdgeSink::pool(edge.clone(), spec(lease), format())));
    (pipeline.start().await.unwrap(), queue)
}

/// Handles numbers until the process is killed.
async fn work(edge: impl Edge, lease: Duration, handle: impl Fn(u32) + Clone + Send + Sync + 'static) {
    let pause = Duration::from_millis(20);
    let options = SourceOptions::new("worker").retry(Backoff::new(pause, 10 * pause));
    let pipeline = Pipeline::builder("worker")
        .start("numbers.in", move || {
            Ok(EdgeSource::new(edge.clone(), spec(lease), format(), options.clone()))
        })
        .acknowledged()
        .finish_fn(StepOptions::named("do").max_demand(20), handle);
    pipeline.start().await.unwrap().join().await.unwrap();
}

/// The process that is killed: a second one of this test program.
#[tokio::test]
async fn worker() {
    let Some(worker) = Worker::from_env() else { return };
    work(open(Server::new(&std::env::var("WORKER_URL").unwrap()).unwrap()), LEASES[0], move |number| {
        worker.handled(number);
    })
    .await;
}

/// The process that one number ends.
#[tokio::test]
async fn fragile_worker() {
    let Some(log) = std::env::var_os("FRAGILE_LOG") else { return };
    work(open(Server::new(&std::env::var("WORKER_URL").unwrap()).unwrap()), LEASES[1], move |number| {
        if number == DEADLY {
            abort();
        }
        let mut log = OpenOptions::new().append(true).open(&log).unwrap();
        log.write_all(format!("{number}\n").as_bytes()).unwrap();
    })
    .await;
}

const DEADLY: u32 = 17;

/// Waits until all numbers below `count` but the deadly one are handled. Returns the number of processes that ended.
async fn until_handled(log: &Path, count: u32, start: impl Fn() -> Process) -> usize {
    let mut workers = [start(), start()];
    let mut ended = 0;
    loop {
        for worker in &mut workers {
            if worker.ended().is_some() {
                ended += 1;
                *worker = start();
            }
        }
        let text = std::fs::read_to_string(log).unwrap();
        let mut handled: Vec<u32> = text.lines().filter_map(|line| line.parse().ok()).collect();
        handled.sort_unstable();
        handled.dedup();
        if handled == (0..count).filter(|number| *number != DEADLY).collect::<Vec<_>>() {
            return ended;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_handled_while_workers_are_killed() {
    let Some(server) = Postgres::start() else { return };
    let scale = Scale::from_env();
    let (sender, queue) = send(open(server.server()), LEASES[0], scale.messages).await;
    let log = tempfile::NamedTempFile::new().unwrap();
    let client = || {
        let mut command = client_of_test("edges::worker");
        command.env("WORKER_URL", server.address());
        command
    };
    let report = every_message_is_handled_through_crashes(scale, log.path(), client, async || {
        server.kill();
        server.restart();
    })
    .await;
    // A process has four frames in hand, and as many may be handled and not be recorded yet.
    report.expect_explained(200, 0);
    queue.until(|counts| counts.all() == 0).await;
    sender.drain(Duration::from_secs(60)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_ends_its_process_is_the_only_dead_one() {
    let Some(server) = Postgres::start() else { return };
    let edge = open(server.server());
    let (sender, _) = send(edge.clone(), LEASES[1], 100).await;
    let log = tempfile::NamedTempFile::new().unwrap();
    let start = || {
        let mut command: Command = client_of_test("edges::fragile_worker");
        // Its abort is expected.
        command
            .env("WORKER_URL", server.address())
            .env("FRAGILE_LOG", log.path())
            .stderr(std::process::Stdio::null());
        Process::start(command)
    };
    let ended = until_handled(log.path(), 100, start).await;
    // The first time, the process has other frames in hand, and it is not known which of them ended it.
    assert!((1..=3).contains(&ended), "{ended} processes ended");
    let dead = edge.dead(&spec(LEASES[1])).list(0, 10).await.unwrap();
    let dead: Vec<_> =
        dead.iter().map(|dead| (&dead.letter.event[..], dead.letter.attempts, &*dead.letter.cause)).collect();
    assert_eq!(dead, [(&[17_u8][..], 2, "the process ended while a step handled it")]);
    sender.drain(Duration::from_secs(60)).await.unwrap();
}
