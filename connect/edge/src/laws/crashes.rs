//! Laws of processes that are killed, as tests that start second processes of their test program.
//!
//! The test program of a server has a test that calls [`work`], which the second processes run, and a test for each law:
//!
//! ```no_run
//! use std::path::Path;
//!
//! use stage_connect::laws::Scale;
//! use stage_connect::laws::crashes::client_of_test;
//! use stage_edge::Edge;
//! use stage_edge::laws::crashes::*;
//! # use stage_edge::memory::MemoryEdge;
//! # fn open() -> impl Edge { MemoryEdge::new() }
//! # fn kill_and_restart() {}
//!
//! async fn worker() {
//!     work(async || open()).await;
//! }
//!
//! async fn workers_and_the_server_are_killed(log: &Path) {
//!     let worker = || client_of_test("worker");
//!     let kill = async || kill_and_restart();
//!     every_event_is_handled_while_workers_are_killed(open(), Scale::from_env(), log, worker, kill).await;
//! }
//!
//! async fn an_event_kills_its_worker(log: &Path) {
//!     an_event_that_ends_its_process_is_the_only_dead_one(open(), log, || client_of_test("worker")).await;
//! }
//! ```

use std::env;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio, abort};
use std::time::Duration;

use stage_connect::laws::crashes::{Worker, every_message_is_handled_through_crashes};
use stage_connect::laws::{Process, Scale};
use stage_core::{Backoff, Pipeline, StepOptions};
use tokio::time::sleep;

use super::kit::{self, LONG, format, sender};
use crate::edge::Edge;
use crate::source::{EdgeSource, SourceOptions};
use crate::spec::EdgeSpec;

/// The file in which the processes of the law of a deadly event note the events that they handled.
const LOG: &str = "LAW_EDGE_LOG";
/// The event that ends its process.
const DEADLY: u32 = 17;
/// The lease where each repetition is to be explained, long enough for a busy machine.
const EXPLAINED: Duration = Duration::from_secs(5);
/// The lease where no repetition is explained.
const SHORT: Duration = Duration::from_secs(2);

/// A pool with frames of about 20 events.
fn spec(lease: Duration) -> EdgeSpec {
    kit::spec().frame_bytes(350).ack_wait(lease).attempts(2)
}

/// Handles the events of a law until the process is killed. Returns at once in a process that no law started.
///
/// # Panics
///
/// If the pipeline fails, or the file of the law cannot be written.
pub async fn work<E: Edge>(open: impl AsyncFnOnce() -> E) {
    if let Some(worker) = Worker::from_env() {
        handle(open().await, EXPLAINED, move |number| worker.handled(number)).await;
    } else if let Some(log) = env::var_os(LOG) {
        let note = move |number| {
            if number == DEADLY {
                abort();
            }
            let mut log = OpenOptions::new().append(true).open(&log).expect("the log can be written");
            log.write_all(format!("{number}\n").as_bytes()).expect("the log can be written");
        };
        handle(open().await, SHORT, note).await;
    }
}

async fn handle(edge: impl Edge, lease: Duration, handler: impl Fn(u32) + Clone + Send + Sync + 'static) {
    let pause = Duration::from_millis(20);
    let options = SourceOptions::new("worker").retry(Backoff::new(pause, 10 * pause));
    let pipeline = Pipeline::builder("worker")
        .start("numbers.in", move || {
            Ok(EdgeSource::new(edge.clone(), spec(lease), format(), options.clone()))
        })
        .acknowledged()
        .finish_fn(StepOptions::named("do").max_demand(20), handler);
    pipeline.start().await.expect("the worker starts").join().await.expect("the worker goes on");
}

/// Each event is handled while workers and the server are killed, as often as `scale` says, and each that is handled again
/// was in the hands of a worker that was killed.
///
/// `worker` is the command of a process that calls [`work`], and `log` is an empty file. `kill_and_restart` kills the server
/// as by `kill -9`, and returns when it is back.
///
/// # Panics
///
/// If the server violates the law.
pub async fn every_event_is_handled_while_workers_are_killed(
    edge: impl Edge,
    scale: Scale,
    log: &Path,
    worker: impl Fn() -> Command,
    kill_and_restart: impl AsyncFnMut(),
) {
    let (sender, queue) = sender(edge, &spec(EXPLAINED), 0..scale.messages).await;
    let report = every_message_is_handled_through_crashes(scale, log, worker, kill_and_restart).await;
    // A process has four frames in hand, and as many may be handled and not be recorded yet.
    report.expect_explained(200, 0);
    queue.until(|counts| counts.all() == 0).await;
    sender.drain(LONG).await.expect("a drain");
}

/// An event that ends each process that handles it is dead after its attempts, and no other one is.
///
/// `worker` is the command of a process that calls [`work`], and `log` is an empty file.
///
/// # Panics
///
/// If the server violates the law.
pub async fn an_event_that_ends_its_process_is_the_only_dead_one(
    edge: impl Edge,
    log: &Path,
    worker: impl Fn() -> Command,
) {
    let letters = edge.dead(&spec(SHORT));
    let (sender, _) = sender(edge, &spec(SHORT), 0..100).await;
    let start = || {
        let mut command = worker();
        // The worker prints a message when it aborts, as expected.
        command.env(LOG, log).stderr(Stdio::null());
        Process::start(command)
    };
    let ended = until_handled(log, 100, start).await;
    // The first time, the process has other frames in hand, and it is not known which of them ended it.
    assert!((1..=3).contains(&ended), "{ended} processes ended");
    let dead = letters.list(0, 10).await.expect("the server answers");
    let dead: Vec<_> =
        dead.iter().map(|dead| (&dead.letter.event[..], dead.letter.attempts, &*dead.letter.cause)).collect();
    assert_eq!(dead, [(&[17_u8][..], 2, "the process ended while a step handled it")]);
    sender.drain(LONG).await.expect("a drain");
}

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
        let text = fs::read_to_string(log).expect("the log can be read");
        let mut handled: Vec<u32> = text.lines().filter_map(|line| line.parse().ok()).collect();
        handled.sort_unstable();
        handled.dedup();
        if handled == (0..count).filter(|number| *number != DEADLY).collect::<Vec<_>>() {
            return ended;
        }
        sleep(Duration::from_millis(10)).await;
    }
}
