//! Pipelines on the queue, with workers and servers that are killed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use std::{env, io, thread};

use stage_connect::{PullOptions, source};
use stage_core::ack::Settlement;
use stage_core::policy::{FailurePolicy, each};
use stage_core::{Backoff, BoxError, Pipeline, StepOptions};
use stage_postgres::{Job, NewJob, Queue, QueueOptions, Server};

use crate::kit::Postgres;

fn options(table: &str) -> QueueOptions {
    let (lease, poll) = (Duration::from_millis(1500), Duration::from_millis(20));
    QueueOptions::new().table(table).lease(lease).poll(poll).attempts(20)
}

fn pulling() -> PullOptions {
    let fast = Backoff::new(Duration::from_millis(10), Duration::from_millis(100));
    PullOptions::new().retry(fast).reconnect(fast)
}

/// Handles all jobs of a queue; `handle` may fail.
async fn work<F>(queue: Queue, handle: impl Fn(Job) -> F + Clone + Send + 'static) -> Settlement
where
    F: Future<Output = Result<(), BoxError>> + Send,
{
    let pipeline = Pipeline::builder("work")
        .defaults(StepOptions::new().max_demand(8).min_demand(4))
        .start("queue", move || Ok(source::pulled(queue.pull().until_empty(), pulling())))
        .acknowledged()
        .finish_each("handle", FailurePolicy::skip(), move || Ok(each(handle.clone())));
    pipeline.start().await.unwrap().join().await.unwrap().settlement
}

#[tokio::test]
async fn a_pipeline_handles_all_jobs_retries_failures_and_keeps_the_hopeless_as_dead() {
    let Some(server) = Postgres::shared() else { return };
    let queue = Queue::new(server.server(), options(&server.table())).unwrap();
    queue.setup().await.unwrap();
    queue.enqueue((0..200).map(|number| NewJob::new(number.to_string()))).await.unwrap();
    let settlement = work(queue.clone(), |job| async move {
        match &*job.payload {
            b"7" if job.attempt < 3 => Err("a passing fault".into()),
            b"9" => Err("out of ink".into()),
            _ => Ok(()),
        }
    })
    .await;
    assert_eq!((settlement.acknowledged, settlement.rejected), (199, 2 + 5), "{settlement}");
    let dead = queue.dead(9).await.unwrap();
    assert_eq!((&*dead[0].payload, &*dead[0].cause, dead[0].attempts), (&b"9"[..], "out of ink", 5));
    assert!(queue.is_empty().await.unwrap());
}

#[tokio::test]
async fn jobs_of_a_stopped_pipeline_are_back_at_once_without_an_attempt() {
    let Some(server) = Postgres::shared() else { return };
    let table = server.table();
    let queue = Queue::new(server.server(), options(&table).lease(Duration::from_secs(3600))).unwrap();
    queue.setup().await.unwrap();
    queue.enqueue((0..50).map(|number| NewJob::new(number.to_string()))).await.unwrap();
    let (begun, mut wait) = tokio::sync::mpsc::channel(1);
    let start = queue.clone();
    let pipeline = Pipeline::builder("work")
        .start("queue", move || Ok(source::pulled(start.pull(), pulling())))
        .acknowledged()
        .finish_each("hang", FailurePolicy::skip(), move || {
            let begun = begun.clone();
            Ok(each(move |_: Job| {
                let begun = begun.clone();
                async move {
                    let _ = begun.send(()).await;
                    std::future::pending::<Result<(), BoxError>>().await
                }
            }))
        });
    let running = pipeline.start().await.unwrap();
    wait.recv().await.unwrap();
    running.stop().await.unwrap();
    let counts = queue.counts().await.unwrap();
    assert_eq!((counts.waiting, counts.leased), (50, 0));
    let tried = format!("SELECT count(*) FROM {table} WHERE attempts > 0");
    let tried: i64 = server.client().await.query_one(&tried, &[]).await.unwrap().get(0);
    assert_eq!(tried, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_survive_a_server_that_is_killed() {
    let Some(server) = Postgres::start() else { return };
    let server = Arc::new(server);
    let queue = Queue::new(server.server(), options("jobs")).unwrap();
    queue.setup().await.unwrap();
    let jobs = (0..400_u32).map(|number| {
        let job = NewJob::new(number.to_string());
        if number % 3 == 0 { job.key([0]) } else { job }
    });
    queue.enqueue(jobs).await.unwrap();
    let (count, at) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&server));
    let seen = Arc::clone(&count);
    let settlement = work(queue.clone(), move |_| {
        let (count, at) = (Arc::clone(&count), Arc::clone(&at));
        async move {
            if matches!(count.fetch_add(1, Ordering::Relaxed), 100 | 200 | 300) {
                tokio::task::spawn_blocking(move || {
                    at.kill();
                    at.restart();
                })
                .await?;
            }
            Ok(())
        }
    })
    .await;
    assert!(settlement.acknowledged >= 400 && seen.load(Ordering::Relaxed) >= 400, "{settlement}");
    let counts = queue.counts().await.unwrap();
    assert_eq!((counts.all(), counts.dead), (0, 0));
}

/// A process that works on a queue, and prints a line for each job.
struct Worker {
    child: Child,
}

impl Worker {
    fn start(server: &Postgres, table: &str, lines: mpsc::Sender<String>) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "pipelines::worker", "--nocapture"])
            .env("QUEUE_WORKER", format!("{} {table}", server.address()))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            let done = out.lines().map_while(Result::ok);
            let done = done.filter_map(|line| Some(line.split_once("done ")?.1.to_owned()));
            done.for_each(|line| drop(lines.send(line)));
        });
        Self { child }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The process of a [`Worker`]; does nothing in an ordinary run of the tests.
#[tokio::test]
async fn worker() {
    let Ok(work_on) = env::var("QUEUE_WORKER") else { return };
    let (address, table) = work_on.split_once(' ').unwrap();
    let queue = Queue::new(Server::new(address).unwrap(), options(table)).unwrap();
    work(queue, |job| async move {
        tokio::task::yield_now().await;
        let key = job.key.map_or("-".to_owned(), |key| key[0].to_string());
        let mut out = io::stdout().lock();
        writeln!(out, "done {} {key}", String::from_utf8_lossy(&job.payload))?;
        out.flush()?;
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn jobs_survive_workers_that_are_killed_and_keep_their_order() {
    let Some(server) = Postgres::shared() else { return };
    let table = server.table();
    let queue = Queue::new(server.server(), options(&table)).unwrap();
    queue.setup().await.unwrap();
    let jobs = (0..300_u32).map(|number| {
        let job = NewJob::new(number.to_string());
        if number % 2 == 0 { job.key([u8::try_from(number % 8).unwrap()]) } else { job }
    });
    queue.enqueue(jobs).await.unwrap();
    let (lines, done) = mpsc::channel();
    let mut workers: Vec<_> = (0..2).map(|_| Worker::start(&server, &table, lines.clone())).collect();
    let at = Arc::clone(&server);
    let done = tokio::task::spawn_blocking(move || {
        let mut all: Vec<String> = Vec::new();
        for kill in 0..4 {
            all.extend(done.iter().take(40));
            let victim = &mut workers[kill % 2];
            victim.kill();
            *victim = Worker::start(&at, &table, lines.clone());
        }
        drop(lines);
        all.extend(done);
        for worker in &mut workers {
            assert!(worker.child.wait().unwrap().success());
        }
        all
    });
    let done = done.await.unwrap();
    let mut by_job: BTreeMap<u32, usize> = BTreeMap::new();
    let mut by_key: BTreeMap<String, u32> = BTreeMap::new();
    for line in &done {
        let (number, key) = line.split_once(' ').unwrap();
        let number: u32 = number.parse().unwrap();
        *by_job.entry(number).or_default() += 1;
        if key != "-" {
            let last = by_key.entry(key.to_owned()).or_default();
            assert!(number >= *last, "{number} after {last} of key {key}");
            *last = number;
        }
    }
    assert_eq!(by_job.len(), 300, "a job was lost");
    // A killed worker held at most the jobs of its windows.
    let again = done.len() - by_job.len();
    assert!(again <= 4 * 32, "{again} jobs were handled again");
    let counts = queue.counts().await.unwrap();
    assert_eq!((counts.all(), counts.dead), (0, 0));
}
