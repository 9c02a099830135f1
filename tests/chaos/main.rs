//! Is anything lost when everything fails? Pipelines on a durable queue whose stages panic, fail, dawdle and are
//! restarted, and which are stopped, drained and dropped in the middle, again and again, until no job is left.
//!
//! Then the books must be exact: every job was handled or is dead, never both; those of one key were handled in
//! order; and every delivery was acknowledged or rejected. `CHAOS_SEEDS` runs of `CHAOS_EVENTS` jobs, or else two of
//! 1,000:
//!
//! ```sh
//! CHAOS_SEEDS=200 CHAOS_EVENTS=20000 cargo test --release -p tests --test chaos -- --nocapture
//! ```
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

mod chance;
mod stages;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stage_core::policy::{FailurePolicy, each};
use stage_core::sqlite::{Job, NewJob, Queue, QueueOptions, Synchronous};
use stage_core::{Backoff, ExitReason, Intensity, Outcome, Pipeline, PipelineError, Report, StepOptions};
use tokio::time::timeout;

use chance::Chance;
use stages::Shaky;

/// How often a job is tried.
const ATTEMPTS: u32 = 8;

/// One run of all jobs may take so long.
const PATIENCE: Duration = Duration::from_mins(10);

/// Restarts are no reason to give up.
const LIFTED: Intensity = Intensity { max_restarts: usize::MAX, within: Duration::from_secs(1) };

/// What the last stage handled: the key of a job, its number, and which attempt it was.
type Handled = Arc<Mutex<Vec<(Option<Vec<u8>>, i64, u32)>>>;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// What all pipelines of one seed came to.
#[derive(Debug, Default)]
struct Books {
    pipelines: u64,
    delivered: u64,
    acknowledged: u64,
    rejected: u64,
    restarts: u64,
}

impl Books {
    fn add(&mut self, report: &Report) {
        let settlement = &report.settlement;
        assert_eq!((settlement.untold, settlement.open()), (0, 0), "{settlement}: {:?}", settlement.errors);
        self.pipelines += 1;
        self.delivered += settlement.delivered;
        self.acknowledged += settlement.acknowledged;
        self.rejected += settlement.rejected;
        self.restarts += report.stages.iter().map(|stage| stage.restarts).sum::<u64>();
    }
}

fn pipeline(queue: &Queue, chance: &Chance, handled: &Handled) -> Pipeline {
    let copies = || usize::try_from(1 + chance.below(4)).unwrap();
    let (start, shaky, tried, last, log) =
        (queue.clone(), chance.clone(), chance.clone(), chance.clone(), Arc::clone(handled));
    let soon = Backoff::new(Duration::from_micros(100), Duration::from_millis(1)).attempts(2);
    Pipeline::builder("chaos")
        .intensity(LIFTED)
        .defaults(StepOptions::new().max_demand(20).min_demand(10))
        .start("queue", move || Ok(start.source().until_empty()))
        .acknowledged()
        .by(|job: &Job| job.id)
        .step(StepOptions::named("shaky").count(copies()), move || Ok(Shaky::new(&shaky)))
        .step_each(
            StepOptions::named("tried").count(copies()),
            FailurePolicy::skip().retry(soon),
            move || {
                let chance = tried.clone();
                Ok(each(move |job| stages::handle(job, chance.clone())))
            },
        )
        .step_fn(StepOptions::named("passed").count(copies()), |job| job)
        .finish_each(
            StepOptions::named("last").count(copies()),
            FailurePolicy::restart().deadline(Duration::from_secs(5)),
            move || {
                let (chance, log) = (last.clone(), Arc::clone(&log));
                Ok(each(move |job| {
                    let (chance, log) = (chance.clone(), Arc::clone(&log));
                    async move {
                        let job = stages::handle(job, chance).await?;
                        log.lock().unwrap().push((job.key, job.id.0, job.attempt));
                        Ok::<_, stage_core::BoxError>(())
                    }
                }))
            },
        )
}

/// Runs one pipeline until it ends, or does not let it.
async fn run(pipeline: Pipeline, chance: &Chance, handled: &Handled) -> Report {
    let running = pipeline.start().await.unwrap();
    let enough = handled.lock().unwrap().len() + usize::try_from(chance.below(400)).unwrap();
    let until_enough = async {
        while handled.lock().unwrap().len() < enough {
            tokio::task::yield_now().await;
        }
    };
    let ended = tokio::select! {
        ended = running.join() => ended,
        () = until_enough => match chance.below(3) {
            0 => running.stop().await,
            1 => running.drain(Duration::from_millis(chance.below(20))).await,
            _ => running.drain(PATIENCE).await,
        },
    };
    match ended {
        Ok(report) => report,
        Err(PipelineError::Failed { stage, reason, .. }) => panic!("{stage} {}", told(&reason)),
        Err(error) => panic!("{error}"),
    }
}

fn told(reason: &ExitReason) -> String {
    reason.to_string()
}

async fn chaos(seed: u64, jobs: u64) -> Books {
    let folder = tempfile::tempdir().unwrap();
    let options = QueueOptions::new()
        .attempts(ATTEMPTS)
        .retry_after(Backoff::new(Duration::ZERO, Duration::ZERO))
        .poll(Duration::from_millis(1))
        .linger(Duration::from_millis(1))
        .synchronous(Synchronous::Normal);
    let queue = Queue::open(folder.path().join("jobs.db"), options).await.unwrap();
    let chance = Chance::new(seed);
    // Every fourth job has no key.
    let new = |number: u64| {
        let job = NewJob::new(number.to_string());
        if number.is_multiple_of(4) { job } else { job.key((number % 50).to_string()) }
    };
    queue.enqueue((0..jobs).map(new)).await.unwrap();
    let (handled, mut books) = (Handled::default(), Books::default());
    loop {
        let report = run(pipeline(&queue, &chance, &handled), &chance, &handled).await;
        books.add(&report);
        if report.outcome == Outcome::Finished {
            break;
        }
    }
    let counts = queue.counts().await.unwrap();
    assert_eq!(counts.all(), 0);
    let dead = queue.dead(usize::MAX >> 1).await.unwrap();
    let handled = handled.lock().unwrap();
    assert!(dead.iter().all(|job| job.attempts == ATTEMPTS && !job.cause.is_empty()));
    // Each job once: handled, or dead.
    let mut all: Vec<_> =
        handled.iter().map(|(_, id, _)| *id).chain(dead.iter().map(|job| job.id.0)).collect();
    all.sort_unstable();
    assert!(all.iter().copied().eq(1..=i64::try_from(jobs).unwrap()), "a job is missing, or there twice");
    let mut last = BTreeMap::new();
    for (key, id, _) in handled.iter() {
        let before = key.as_ref().and_then(|key| last.insert(key, id));
        assert!(before.is_none_or(|before| before < id), "job {id} of {key:?} was handled behind {before:?}");
    }
    assert_eq!(books.acknowledged, handled.len() as u64);
    assert_eq!(books.delivered, books.acknowledged + books.rejected);
    books
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_every_job_is_handled_or_dead_and_those_of_a_key_in_order() {
    let (seeds, jobs) = (number("CHAOS_SEEDS", 2), number("CHAOS_EVENTS", 1_000));
    let first = number("CHAOS_FIRST", 0);
    for seed in first..first + seeds {
        let books =
            timeout(PATIENCE, chaos(seed, jobs)).await.unwrap_or_else(|_| panic!("seed {seed} does not end"));
        println!("seed {seed}: {books:?}");
        assert!(books.rejected > 0 && books.restarts > 0, "seed {seed}: nothing happened");
    }
}
