//! A job that no handler saw has no counted attempt, however its consumer left; a locked file delays jobs but
//! loses none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use rusqlite::Connection;
use stage_core::ack::Delivery;
use stage_core::policy::{FailurePolicy, each};
use stage_core::spawn::{StageOptions, producer};
use stage_core::{
    Backoff, Consumer, Context, Events, ExitReason, Intensity, Pipeline, Running, StageResult, StepOptions,
    SubscribeOptions, Window,
};
use stage_sqlite::{Job, NewJob, Queue, QueueOptions, Synchronous};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

const ATTEMPTS: u32 = 3;

fn options() -> QueueOptions {
    QueueOptions::new()
        .attempts(ATTEMPTS)
        .retry_after(Backoff::new(Duration::ZERO, Duration::ZERO))
        .synchronous(Synchronous::Normal)
        .patience(Duration::from_millis(5))
        .poll(Duration::from_millis(20))
        .linger(Duration::from_millis(1))
}

async fn queue_of(jobs: usize, options: QueueOptions) -> (Queue, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path().join("jobs.db"), options).await.unwrap();
    queue.enqueue((0..jobs).map(|number| NewJob::new(number.to_string()))).await.unwrap();
    (queue, folder)
}

/// Returns the numbers of waiting, leased and dead jobs.
async fn counts(queue: &Queue) -> (u64, u64, u64) {
    let counts = queue.counts().await.unwrap();
    (counts.waiting, counts.leased, counts.dead)
}

/// Returns the number of jobs with a counted attempt.
fn tried(folder: &TempDir) -> i64 {
    let file = Connection::open(folder.path().join("jobs.db")).unwrap();
    file.query_row("SELECT count(*) FROM jobs WHERE attempts > 0", [], |row| row.get(0)).unwrap()
}

async fn joined(running: Running) {
    timeout(Duration::from_secs(60), running.join()).await.expect("the pipeline ends").unwrap();
}

#[tokio::test]
async fn a_reader_that_leaves_early_costs_the_remaining_jobs_no_attempt() {
    let (queue, folder) = queue_of(20, options()).await;
    for visit in 1..=u64::from(ATTEMPTS) + 1 {
        let start = queue.clone();
        let pipeline = Pipeline::builder("visit")
            .start("queue", move || Ok(start.source()))
            .acknowledged()
            .step_fn("same", |job| job)
            .deliveries()
            .open(Window::default());
        let (running, mut events) = pipeline.start().await.unwrap();
        let job = events.next().await.unwrap().unwrap();
        assert_eq!(job.attempt, 1);
        job.acknowledge();
        drop(events);
        joined(running).await;
        assert_eq!(counts(&queue).await, (20 - visit, 0, 0));
        assert_eq!(tried(&folder), 0);
    }
}

#[tokio::test]
async fn a_cancelled_subscription_gives_its_jobs_back_and_the_other_gets_them() {
    let (queue, folder) = queue_of(12, options()).await;
    let source = producer(queue.source(), StageOptions::named("queue")).await.unwrap();
    for _ in 0..=ATTEMPTS {
        let demand = || SubscribeOptions::new().max_demand(5).min_demand(0);
        let mut one = source.producer().stream(demand()).unwrap();
        let mut other = source.producer().stream(demand()).unwrap();
        let taken = [one.next().await.unwrap().unwrap(), other.next().await.unwrap().unwrap()];
        drop(one);
        drop(taken.map(|job| job.map(drop)));
        drop(other);
    }
    source.stop(ExitReason::Shutdown).await;
    // Verdicts are written by a separate task.
    while counts(&queue).await.1 > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!((counts(&queue).await, tried(&folder)), ((12, 0, 0), 0));
}

/// Handles the first event of a batch, then finishes or fails.
struct First(Then);

#[derive(Clone, Copy)]
enum Then {
    Finish,
    Panic,
}

impl Consumer for First {
    type Event = Delivery<Job>;

    async fn handle_events(
        &mut self,
        events: Events<'_, Delivery<Job>>,
        cx: &mut Context<'_>,
    ) -> StageResult {
        let mut events = events.into_iter();
        let first = events.next().unwrap();
        match self.0 {
            Then::Finish => {
                first.acknowledge();
                cx.finish();
            }
            Then::Panic => assert_ne!(first.payload, b"0", "on purpose"),
        }
        Ok(())
    }
}

#[tokio::test]
async fn the_unread_rest_of_a_batch_was_not_tried() {
    let (queue, folder) = queue_of(10, options()).await;
    for visit in 1..=u64::from(ATTEMPTS) + 1 {
        let start = queue.clone();
        let pipeline = Pipeline::builder("first")
            .start("queue", move || Ok(start.source()))
            .finish(StepOptions::named("first").max_demand(5).min_demand(0), || Ok(First(Then::Finish)));
        joined(pipeline.start().await.unwrap()).await;
        assert_eq!((counts(&queue).await, tried(&folder)), ((10 - visit, 0, 0), 0));
    }
}

#[tokio::test]
async fn a_job_that_breaks_its_stage_costs_its_batch_no_attempt() {
    let (queue, _folder) = queue_of(8, options()).await;
    let start = queue.clone();
    let pipeline = Pipeline::builder("poison")
        .intensity(Intensity { max_restarts: 1_000, within: Duration::from_secs(3600) })
        .start("queue", move || Ok(start.source().until_empty()))
        .acknowledged()
        .step_fn("work", |job: Job| {
            assert_ne!(job.payload, b"0", "on purpose");
            job
        })
        .finish_fn("done", drop);
    joined(pipeline.start().await.unwrap()).await;
    assert_eq!(counts(&queue).await, (0, 0, 1));
    let dead = queue.dead(usize::MAX).await.unwrap();
    assert_eq!((dead[0].payload.as_slice(), dead[0].attempts), (b"0".as_slice(), ATTEMPTS));
}

#[tokio::test]
async fn a_stage_that_breaks_without_a_look_at_the_rest_of_its_batch_costs_only_the_first() {
    let (queue, _folder) = queue_of(1, options()).await;
    queue.enqueue((1..5).map(|number| NewJob::new(number.to_string()).priority(-1))).await.unwrap();
    let start = queue.clone();
    let pipeline = Pipeline::builder("poison")
        .intensity(Intensity { max_restarts: ATTEMPTS as usize - 1, within: Duration::from_secs(3600) })
        .start("queue", move || Ok(start.source()))
        .finish(StepOptions::named("first").max_demand(5).min_demand(0), || Ok(First(Then::Panic)));
    let failed = timeout(Duration::from_secs(60), pipeline.start().await.unwrap().join()).await;
    assert!(failed.expect("the pipeline ends").is_err());
    while counts(&queue).await.1 > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(counts(&queue).await, (4, 0, 1));
}

#[tokio::test]
async fn jobs_waiting_in_a_stage_restarted_with_another_count_no_attempt() {
    let (queue, _folder) = queue_of(30, options()).await;
    let (start, breaks) = (queue.clone(), Arc::new(AtomicU32::new(0)));
    let pipeline = Pipeline::builder("restarts")
        .intensity(Intensity { max_restarts: 1_000, within: Duration::from_secs(3600) })
        .defaults(StepOptions::new().max_demand(10).min_demand(5))
        .start("queue", move || Ok(start.source().until_empty()))
        .acknowledged()
        .step_fn("same", |job| job)
        .finish_fn("breaks", move |job: Job| {
            let broken = breaks.fetch_add(1, Ordering::Relaxed);
            assert!(job.payload != b"7" || broken > 500, "on purpose");
        });
    joined(pipeline.start().await.unwrap()).await;
    let dead = queue.dead(9).await.unwrap();
    assert_eq!(dead.iter().map(|job| job.payload.as_slice()).collect::<Vec<_>>(), [b"7"]);
}

#[test]
fn jobs_that_were_leased_for_a_source_that_is_cut_off_go_back_or_run_out_without_an_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jobs.db");
    for _ in 0..20 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let queue = Queue::open(&file, options()).await.unwrap();
            queue.enqueue([NewJob::new("one"), NewJob::new("two")]).await.unwrap();
            let start = queue.clone();
            let pipeline = Pipeline::builder("cut off")
                .start("queue", move || Ok(start.source()))
                .acknowledged()
                .deliveries()
                .open(Window::default());
            let (running, mut events) = pipeline.start().await.unwrap();
            events.connect();
            tokio::task::yield_now().await;
            drop((running, events));
        });
        drop(runtime);
        let connection = Connection::open(&file).unwrap();
        connection.execute("UPDATE jobs SET due = 1 WHERE lessee IS NOT NULL", []).unwrap();
    }
    let connection = Connection::open(&file).unwrap();
    let number = |of: &str| -> i64 {
        connection.query_row(&format!("SELECT count(*) FROM {of}"), [], |row| row.get(0)).unwrap()
    };
    let tried = "jobs WHERE lessee IS NULL AND attempts > 0";
    assert_eq!((number("jobs"), number("jobs_dead"), number(tried)), (40, 0, 0));
}

/// Another process that has the file locked.
struct Lock(Connection);

impl Lock {
    fn on(folder: &TempDir) -> Self {
        let connection = Connection::open(folder.path().join("jobs.db")).unwrap();
        connection.busy_timeout(Duration::from_secs(20)).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        Self(connection)
    }

    fn release(self) {
        self.0.execute_batch("COMMIT").unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_locked_file_delays_a_source_and_its_verdicts_and_nothing_else() {
    let (queue, folder) = queue_of(3, options()).await;
    let (begun, mut jobs) = mpsc::unbounded_channel();
    let start = queue.clone();
    let pipeline = Pipeline::builder("locked")
        .start("queue", move || Ok(start.source().until_empty()))
        .acknowledged()
        .finish_each(StepOptions::named("work"), FailurePolicy::skip(), move || {
            let begun = begun.clone();
            Ok(each(move |job: Job| {
                let (go, word) = oneshot::channel::<()>();
                begun.send((job.attempt, go)).unwrap();
                async move { word.await.map_err(|_| "the test has ended") }
            }))
        });
    let running = pipeline.start().await.unwrap();
    let (attempt, go) = jobs.recv().await.unwrap();
    assert_eq!(attempt, 1);
    let lock = Lock::on(&folder);
    // Time passes while the file is locked: the source checks repeatedly, for jobs and for the end.
    tokio::time::sleep(Duration::from_secs(1)).await;
    go.send(()).unwrap();
    for _ in 0..2 {
        let (attempt, go) = jobs.recv().await.unwrap();
        assert_eq!(attempt, 1);
        go.send(()).unwrap();
    }
    // The verdicts wait longer than those of another acknowledger would.
    tokio::time::sleep(Duration::from_secs(1)).await;
    lock.release();
    let report =
        timeout(Duration::from_secs(3600), running.join()).await.expect("the pipeline ends").unwrap();
    assert_eq!(report.stages.iter().map(|stage| stage.restarts).collect::<Vec<_>>(), [0, 0]);
    let settlement = report.settlement;
    assert_eq!((settlement.acknowledged, settlement.rejected, settlement.untold), (3, 0, 0), "{settlement}");
    assert_eq!(counts(&queue).await, (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_source_starts_while_the_file_is_locked() {
    let (queue, folder) = queue_of(3, options()).await;
    let lock = Lock::on(&folder);
    let start = queue.clone();
    let pipeline = Pipeline::builder("locked")
        .start("queue", move || Ok(start.source().until_empty()))
        .acknowledged()
        .finish_fn("done", drop);
    let running = pipeline.start().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    lock.release();
    let report =
        timeout(Duration::from_secs(3600), running.join()).await.expect("the pipeline ends").unwrap();
    assert_eq!((report.settlement.acknowledged, report.stages[0].restarts), (3, 0));
}

#[tokio::test]
async fn an_open_waits_while_another_process_changes_the_journal_mode() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jobs.db");
    let other = Connection::open(&file).unwrap();
    other.execute_batch("CREATE TABLE other (id); BEGIN EXCLUSIVE").unwrap();
    let open = Queue::open(&file, options().patience(Duration::from_secs(60)));
    tokio::pin!(open);
    assert!(timeout(Duration::from_millis(50), &mut open).await.is_err(), "it waits");
    other.execute_batch("COMMIT").unwrap();
    let queue = timeout(Duration::from_secs(60), open).await.unwrap().unwrap();
    assert_eq!(queue.counts().await.unwrap().all(), 0);
}

#[tokio::test]
async fn an_open_that_times_out_reports_a_locked_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jobs.db");
    let other = Connection::open(&file).unwrap();
    other.execute_batch("CREATE TABLE other (id); BEGIN EXCLUSIVE").unwrap();
    let error = Queue::open(&file, options()).await.unwrap_err();
    assert_eq!(error.to_string(), format!("the queue `{}` is locked by another process", file.display()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_may_open_a_new_file_at_once() {
    const OPENERS: usize = 16;
    for _ in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        let gate = Arc::new(tokio::sync::Barrier::new(OPENERS));
        let open = || {
            let (file, gate) = (folder.path().join("jobs.db"), Arc::clone(&gate));
            tokio::spawn(async move {
                gate.wait().await;
                Queue::open(file, options().patience(Duration::from_secs(60))).await.map(drop)
            })
        };
        let openers: Vec<_> = (0..OPENERS).map(|_| open()).collect();
        for opener in openers {
            opener.await.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn every_duration_of_a_queue_may_be_the_longest_one() {
    let never = Duration::MAX;
    let options = options().linger(never).visibility(never).poll(never).patience(never);
    let (queue, _folder) = queue_of(5, options).await;
    let start = queue.clone();
    let pipeline = Pipeline::builder("never")
        .start("queue", move || Ok(start.source().until_empty()))
        .acknowledged()
        .finish_fn("done", drop);
    joined(pipeline.start().await.unwrap()).await;
    assert_eq!(counts(&queue).await, (0, 0, 0));
    assert_eq!(queue.dead(usize::MAX).await.unwrap(), []);
}
