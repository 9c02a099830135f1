//! A process that is killed with a single job in hand has made an attempt only if a handler had looked at it.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::StreamExt;
use rusqlite::Connection;
use stage_core::ack::Delivery;
use stage_core::into_stream::EventStream;
use stage_core::{Backoff, Pipeline, Running, StepOptions, Window};
use stage_sqlite::{Job, NewJob, Queue, QueueOptions, Synchronous};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

const ATTEMPTS: u32 = 3;

/// A file of a queue, which outlasts the runtimes of its processes.
struct Jobs {
    folder: TempDir,
    attempts: u32,
}

impl Jobs {
    /// Creates a queue with one job.
    fn one(attempts: u32) -> Self {
        let jobs = Self { folder: tempfile::tempdir().unwrap(), attempts };
        runtime().block_on(async { jobs.queue().await.enqueue([NewJob::new("one")]).await.unwrap() });
        jobs
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("jobs.db")
    }

    async fn queue(&self) -> Queue {
        let options = QueueOptions::new()
            .attempts(self.attempts)
            .retry_after(Backoff::new(Duration::ZERO, Duration::ZERO))
            .patience(Duration::from_millis(5))
            .linger(Duration::from_millis(1))
            .synchronous(Synchronous::Normal);
        Queue::open(self.path(), options).await.unwrap()
    }

    /// Opens a pipeline that leases the job; nothing looks at it before the reader of the stream.
    async fn open(&self) -> (Running, EventStream<Delivery<Job>>) {
        let queue = self.queue().await;
        let (running, mut events) = Pipeline::builder("visit")
            .start("queue", move || Ok(queue.source()))
            .acknowledged()
            .deliveries()
            .open(Window::new(1, 0).unwrap())
            .start()
            .await
            .unwrap();
        events.connect();
        (running, events)
    }

    /// Runs `work` on a job in a process that is killed afterwards. Returns the number of the attempt, or
    /// `None` if there is no job.
    fn killed_after(&self, work: &impl AsyncFn(&Delivery<Job>)) -> Option<u32> {
        let runtime = runtime();
        let (attempt, lost) = runtime.block_on(async {
            let (running, mut events) = self.open().await;
            // A dead job never comes.
            let next = tokio::time::timeout(Duration::from_secs(1), events.next()).await;
            let job = next.ok().flatten().transpose().unwrap();
            if let Some(job) = &job {
                work(job).await;
            }
            (job.as_ref().map(|job| job.peek().attempt), (running, events, job))
        });
        drop((runtime, lost));
        self.file().execute("UPDATE jobs SET due = 1 WHERE lessee > 0", []).unwrap();
        attempt
    }

    fn file(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    fn dead(&self) -> u64 {
        runtime().block_on(async { self.queue().await.counts().await.unwrap().dead })
    }

    /// Returns the names of the files beside the database and its log.
    fn marks(&self) -> Vec<String> {
        let files = fs::read_dir(self.folder.path()).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains("-begun-")).collect()
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

#[test]
fn a_job_that_no_handler_looked_at_survives_any_number_of_killed_processes() {
    for attempts in [1, ATTEMPTS] {
        let jobs = Jobs::one(attempts);
        for _ in 0..4 * ATTEMPTS {
            assert_eq!(jobs.killed_after(&async |_| {}), Some(1));
        }
        assert_eq!(jobs.dead(), 0);
    }
}

#[test]
fn a_job_whose_process_is_killed_after_each_first_look_is_dead_after_its_attempts() {
    for attempts in [1, ATTEMPTS] {
        let jobs = Jobs::one(attempts);
        for attempt in 1..=attempts {
            assert_eq!(jobs.killed_after(&async |job| assert_eq!(job.payload, b"one")), Some(attempt));
            // A process that is killed before it looks at the job changes nothing.
            if attempt < attempts {
                assert_eq!(jobs.killed_after(&async |_| {}), Some(attempt + 1));
            }
        }
        assert_eq!(jobs.killed_after(&async |_| {}), None);
        assert_eq!((jobs.dead(), jobs.marks()), (1, Vec::new()));
    }
}

#[test]
fn a_first_look_does_not_wait_for_a_locked_file_and_counts() {
    let jobs = Jobs::one(1);
    let looked = jobs.killed_after(&async |job| {
        let lock = jobs.file();
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert_eq!(job.payload, b"one");
        lock.execute_batch("COMMIT").unwrap();
    });
    assert_eq!(looked, Some(1));
    assert_eq!(jobs.killed_after(&async |_| {}), None);
    assert_eq!(jobs.dead(), 1);
}

#[test]
fn a_look_at_a_clone_is_a_look_at_the_job() {
    let jobs = Jobs::one(1);
    assert_eq!(jobs.killed_after(&async |job| assert_eq!(job.clone().payload, b"one")), Some(1));
    assert_eq!(jobs.killed_after(&async |_| {}), None);
    assert_eq!(jobs.dead(), 1);
}

#[test]
fn nothing_is_left_beside_the_file_when_the_jobs_are_done_or_given_back() {
    let jobs = Jobs::one(ATTEMPTS);
    runtime().block_on(async {
        let (running, mut events) = jobs.open().await;
        let job = events.next().await.unwrap().unwrap();
        assert_eq!(jobs.marks().len(), 1);
        // Given back without a look.
        drop(job);
        let again = events.next().await.unwrap().unwrap();
        assert_eq!(again.attempt, 1);
        again.acknowledge();
        running.stop().await.unwrap();
    });
    assert_eq!(jobs.marks(), Vec::<String>::new());
}

#[tokio::test]
async fn consumers_that_take_one_job_at_a_time_leave_no_file_behind() {
    let jobs = Jobs { folder: tempfile::tempdir().unwrap(), attempts: ATTEMPTS };
    let queue = jobs.queue().await;
    queue.enqueue((0..20_u8).map(|number| NewJob::new([number]))).await.unwrap();
    let start = queue.clone();
    let one = StepOptions::new().max_demand(1).min_demand(0);
    let pipeline = Pipeline::builder("one by one")
        .defaults(one)
        .start("queue", move || Ok(start.source().until_empty()))
        .acknowledged()
        .finish_fn("done", drop);
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(report.settlement.acknowledged, 20);
    assert_eq!(jobs.marks(), Vec::<String>::new());
}

#[test]
fn the_file_of_an_earlier_version_keeps_its_counts_and_takes_back_what_no_mark_confirms() {
    let jobs = Jobs::one(ATTEMPTS);
    // That version counted when it leased: the job has failed once, and its process was killed.
    jobs.file().execute("UPDATE jobs SET attempts = 2, leases = 2, lessee = 7, due = 1", []).unwrap();
    assert_eq!(jobs.killed_after(&async |_| {}), Some(2));
    assert_eq!(jobs.killed_after(&async |job| assert_eq!(job.attempt, 2)), Some(2));
    assert_eq!(jobs.killed_after(&async |_| {}), Some(3));
}
