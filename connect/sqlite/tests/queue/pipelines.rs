//! The queue as the source of pipelines: handled jobs leave it, all others come back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use stage_core::ack::{Delivery, Reason};
use stage_core::policy::{FailurePolicy, each};
use stage_core::{Backoff, Consumer, Context, Events, Pipeline, StageResult, StepOptions};
use stage_sqlite::{Job, JobId, NewJob, Queue, QueueOptions, Synchronous};
use tempfile::TempDir;
use tokio::sync::mpsc;

fn options() -> QueueOptions {
    let soon = Backoff::new(Duration::from_millis(2), Duration::from_millis(2));
    QueueOptions::new()
        .synchronous(Synchronous::Normal)
        .retry_after(soon)
        .poll(Duration::from_millis(1))
        .linger(Duration::from_millis(1))
}

async fn queue(options: QueueOptions) -> (Queue, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Queue::open(folder.path().join("jobs.db"), options).await.unwrap(), folder)
}

fn text(job: &Job) -> String {
    String::from_utf8(job.payload.clone()).unwrap()
}

/// Passes its deliveries to the test.
struct Hand(mpsc::UnboundedSender<Delivery<Job>>);

impl Consumer for Hand {
    type Event = Delivery<Job>;

    async fn handle_events(&mut self, events: Events<'_, Delivery<Job>>, _: &mut Context<'_>) -> StageResult {
        for event in events {
            self.0.send(event).unwrap();
        }
        Ok(())
    }
}

#[tokio::test]
async fn jobs_that_fail_come_back_until_they_are_done_or_dead_and_the_books_are_exact() {
    let (queue, _folder) = queue(options().attempts(3)).await;
    queue.enqueue((0..50).map(|number| NewJob::new(format!("job {number}")))).await.unwrap();
    let tried = Arc::new(Mutex::new(Vec::new()));
    let (start, log) = (queue.clone(), Arc::clone(&tried));
    let pipeline = Pipeline::builder("jobs")
        .defaults(StepOptions::new().max_demand(8).min_demand(4))
        .start("queue", move || Ok(start.source().until_empty()))
        .acknowledged()
        .step_each(StepOptions::named("work").count(2), FailurePolicy::skip(), move || {
            let log = Arc::clone(&log);
            Ok(each(move |job: Job| {
                log.lock().unwrap().push((job.id.0, job.attempt));
                async move {
                    match job.id.0 % 10 {
                        // Once, and always.
                        3 if job.attempt == 1 => Err("once"),
                        7 => Err("always"),
                        _ => Ok(job),
                    }
                }
            }))
        })
        .finish_fn("done", drop);
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    let counts = queue.counts().await.unwrap();
    assert_eq!((counts.all(), counts.dead), (0, 5));
    let settlement = report.settlement;
    assert_eq!((settlement.acknowledged, settlement.rejected, settlement.open()), (45, 5 + 15, 0));
    for dead in queue.dead(9).await.unwrap() {
        assert_eq!((dead.id.0 % 10, dead.attempts, dead.cause.as_str()), (7, 3, "always"));
    }
    let mut tried = tried.lock().unwrap().clone();
    tried.sort_unstable();
    let times = |id: i64| match id % 10 {
        3 => 2,
        7 => 3,
        _ => 1,
    };
    let expected: Vec<_> =
        (1..=50).flat_map(|id| (1..=times(id)).map(move |attempt| (id, attempt))).collect();
    assert_eq!(tried, expected);
}

#[tokio::test]
async fn jobs_of_one_key_are_handled_in_order_despite_failures() {
    let (queue, _folder) = queue(options()).await;
    let jobs =
        (0..60_u8).map(|number| NewJob::new([number]).key([number % 4]).priority(i32::from(number % 7)));
    queue.enqueue(jobs).await.unwrap();
    let done = Arc::new(Mutex::new(Vec::new()));
    let (start, log) = (queue.clone(), Arc::clone(&done));
    let pipeline = Pipeline::builder("keys")
        .start("queue", move || Ok(start.source().until_empty()))
        .acknowledged()
        .finish_each(StepOptions::named("work").count(3), FailurePolicy::skip(), move || {
            let log = Arc::clone(&log);
            Ok(each(move |job: Job| {
                let log = Arc::clone(&log);
                async move {
                    if job.payload[0] % 5 == 2 && job.attempt == 1 {
                        return Err("on purpose");
                    }
                    log.lock().unwrap().push(job.payload[0]);
                    Ok(())
                }
            }))
        });
    pipeline.start().await.unwrap().join().await.unwrap();
    let done = done.lock().unwrap();
    assert_eq!(done.len(), 60);
    for key in 0..4 {
        let of_key: Vec<_> = done.iter().filter(|number| **number % 4 == key).collect();
        assert!(of_key.is_sorted(), "key {key}: {of_key:?}");
    }
}

#[tokio::test]
async fn a_waiting_source_is_woken_by_new_jobs_and_drained_at_once() {
    let (queue, _folder) = queue(options().poll(Duration::from_secs(3600))).await;
    let (hand, mut held) = mpsc::unbounded_channel();
    let start = queue.clone();
    let pipeline = Pipeline::builder("waiting")
        .start("queue", move || Ok(start.source()))
        .finish("hand", move || Ok(Hand(hand.clone())));
    let running = pipeline.start().await.unwrap();
    for number in 1..4 {
        let ids = queue.enqueue([NewJob::new("late")]).await.unwrap();
        assert_eq!(ids, [JobId(number)]);
        let job = held.recv().await.unwrap();
        assert_eq!((job.id, text(&job)), (JobId(number), "late".to_owned()));
        job.acknowledge();
    }
    let report = running.drain(Duration::from_secs(60)).await.unwrap();
    assert_eq!(report.settlement.acknowledged, 3);
    assert_eq!(queue.counts().await.unwrap().all(), 0);
}

#[tokio::test]
async fn jobs_returned_by_a_stop_count_no_attempt_and_rejected_ones_have_their_cause() {
    let (queue, _folder) = queue(options().retry_after(Backoff::new(Duration::ZERO, Duration::ZERO))).await;
    queue.enqueue((0..4).map(|number| NewJob::new(number.to_string()))).await.unwrap();
    let begin = async || {
        let (hand, mut held) = mpsc::unbounded_channel();
        let start = queue.clone();
        let pipeline = Pipeline::builder("stopped")
            .start("queue", move || Ok(start.source()))
            .finish("hand", move || Ok(Hand(hand.clone())));
        let running = pipeline.start().await.unwrap();
        let mut jobs = Vec::new();
        for _ in 0..queue.counts().await.unwrap().all() {
            jobs.push(held.recv().await.unwrap());
        }
        jobs.sort_by_key(|job| job.id);
        (running, jobs)
    };
    let (running, mut jobs) = begin().await;
    assert_eq!(jobs.iter().map(|job| job.attempt).collect::<Vec<_>>(), [1; 4]);
    jobs.remove(0).acknowledge();
    jobs.remove(0).reject(Reason::hopeless("unreadable"));
    jobs.remove(0).reject(Reason::Postponed(Duration::ZERO));
    let last = jobs.remove(0);
    // One delivery is dropped after the stop.
    let (report, ()) = tokio::join!(running.stop(), async move { drop_when_stopping(last).await });
    assert_eq!(report.unwrap().settlement.open(), 0);
    let (running, jobs) = begin().await;
    assert_eq!(jobs.iter().map(|job| (job.id.0, job.attempt)).collect::<Vec<_>>(), [(3, 1), (4, 1)]);
    jobs.into_iter().for_each(Delivery::acknowledge);
    running.stop().await.unwrap();
    let dead = queue.dead(9).await.unwrap();
    assert_eq!((dead.len(), dead[0].id, dead[0].cause.as_str()), (1, JobId(2), "unreadable"));
    let again = queue.revive(JobId(2)).await.unwrap();
    assert_eq!((again, queue.counts().await.unwrap().waiting), (Some(JobId(5)), 1));
    assert_eq!(queue.revive(JobId(2)).await.unwrap(), None);
    let (running, mut jobs) = begin().await;
    jobs.remove(0).reject(Reason::hopeless("unreadable"));
    running.stop().await.unwrap();
    assert_eq!(queue.counts().await.unwrap().dead, 1);
    assert!(queue.forget(JobId(5)).await.unwrap() && !queue.forget(JobId(5)).await.unwrap());
    assert_eq!(queue.counts().await.unwrap().dead, 0);
}

/// Drops the delivery late enough for the collector to have received the stop.
async fn drop_when_stopping(delivery: Delivery<Job>) {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    drop(delivery);
}

#[tokio::test]
async fn a_queue_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing").join("jobs.db");
    let error = Queue::open(&path, QueueOptions::new()).await.unwrap_err();
    let said = "is in a folder that does not exist; create the folder, or name another file";
    assert_eq!(error.to_string(), format!("the queue `{}` {said}", path.display()));
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "no database, but longer than the header of one. ".repeat(10)).unwrap();
    let error = Queue::open(&text, QueueOptions::new()).await.unwrap_err();
    let said = "is not a file of SQLite; name another file, which is created if it does not exist";
    assert_eq!(error.to_string(), format!("`{}` {said}", text.display()));
    let error = Queue::open(folder.path(), QueueOptions::new()).await.unwrap_err();
    let said = "is a directory; name a file in it, which is created if it does not exist";
    assert_eq!(error.to_string(), format!("the queue `{}` {said}", folder.path().display()));
}
