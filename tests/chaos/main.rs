//! Chaos test: pipelines on a durable queue whose stages panic, fail and stall, and are restarted and cut
//! off, whose subscribers come and go, and which are stopped and drained midway, repeatedly, until no job is
//! left.
//!
//! Afterwards the accounts must be exact: every job left the queue once, as handled or as dead; it was
//! handled; the jobs of each key were handled in order; every delivery was acknowledged or rejected, and the
//! queue counts as many repeated deliveries as the pipelines. Memory must not grow with the number of jobs.
//! (If the machine stalls for longer than a lease lasts, the jobs whose leases expired are handled at least
//! once; the rest holds for every other job.)
//!
//! Runs `CHAOS_SEEDS` seeds of `CHAOS_EVENTS` jobs from the seed `CHAOS_FIRST` on, by default two of 1,000;
//! or, for `CHAOS_SECONDS`, as many fresh seeds as there is time for:
//!
//! ```sh
//! CHAOS_SEEDS=200 CHAOS_EVENTS=20000 cargo test --release -p tests --test chaos -- --nocapture
//! CHAOS_SECONDS=60 cargo test -p tests --test chaos -- --nocapture
//! ```
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

mod books;
mod chance;
mod log;
mod meddle;
mod memory;
mod pipeline;
mod stages;
mod visitor;
mod watch;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use stage_core::Backoff;
use stage_core::pipeline::Outcome;
use stage_sqlite::{NewJob, Queue, QueueOptions, Synchronous};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tokio::time::timeout;

use books::{Books, Ledger};
use chance::Chance;
use log::Log;
use memory::Memory;
use watch::Watch;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

/// Number of attempts per job.
const ATTEMPTS: u32 = 8;

/// Duration of a lease without renewal.
const VISIBILITY: Duration = Duration::from_secs(30);

/// Maximum duration of a run.
const PATIENCE: Duration = Duration::from_mins(20);

/// Number of jobs that are enqueued at once.
const AT_ONCE: u64 = 1_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

async fn queue_of(jobs: u64, file: &std::path::Path) -> Queue {
    let options = QueueOptions::new()
        .attempts(ATTEMPTS)
        .visibility(VISIBILITY)
        .retry_after(Backoff::new(Duration::ZERO, Duration::ZERO))
        .poll(Duration::from_millis(1))
        .linger(Duration::from_millis(1))
        .synchronous(Synchronous::Normal);
    let queue = Queue::open(file, options).await.unwrap();
    // Every fourth job has no key.
    let new = |number: u64| {
        let job = NewJob::new(number.to_string());
        if number.is_multiple_of(4) { job } else { job.key((number % 50).to_string()) }
    };
    for first in (0..jobs).step_by(usize::try_from(AT_ONCE).unwrap()) {
        queue.enqueue((first..jobs.min(first + AT_ONCE)).map(new)).await.unwrap();
    }
    queue
}

/// Runs all jobs of one seed.
async fn chaos(seed: u64, jobs: u64) -> Books {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jobs.db");
    let queue = queue_of(jobs, &file).await;
    let ledger = Ledger::kept_in(&file);
    let (chance, log) = (Chance::new(seed), Log::of(jobs));
    let (memory, watch) = (Memory::now(), Watch::over(&queue));
    let mut books = Books::default();
    loop {
        let pipeline = pipeline::pipeline(&queue, &chance, &log);
        let report = meddle::run(pipeline, &chance, &log, &mut books).await;
        books.add(&report);
        if report.outcome == Outcome::Finished {
            break;
        }
    }
    assert_eq!(queue.counts().await.unwrap().all(), 0);
    let dead = queue.dead(usize::MAX >> 1).await.unwrap();
    assert!(dead.iter().all(|job| job.attempts == ATTEMPTS && !job.cause.is_empty()));
    books.grown = memory.assert_bounded(log.peak());
    let expired = ledger.expired();
    (books.expired, books.longest) = (expired.len() as u64, watch.longest());
    assert!(
        expired.is_empty() || books.longest > VISIBILITY / 2,
        "leases of jobs in progress ran out: {expired:?}"
    );
    log.expect_in_order(&expired);
    log.expect_each_once(dead.iter().map(|job| job.id), &expired);
    ledger.expect_agreement(jobs, dead.len() as u64, log.handled(), &mut books);
    books
}

async fn one(seed: u64, jobs: u64) {
    println!("seed {seed}: begins; to see it again: CHAOS_FIRST={seed} CHAOS_SEEDS=1 CHAOS_EVENTS={jobs}");
    let begin = Instant::now();
    let done = timeout(PATIENCE, chaos(seed, jobs)).await;
    let books = done.unwrap_or_else(|_| panic!("seed {seed} does not end"));
    println!("seed {seed}: {:.1} s, {books}, {}", begin.elapsed().as_secs_f64(), memory::resident());
    books.expect_trouble(seed, jobs);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_job_is_handled_or_dead_and_those_of_a_key_in_order_despite_failures() {
    let jobs = number("CHAOS_EVENTS").unwrap_or(1_000);
    let begin = Instant::now();
    if let Some(seconds) = number("CHAOS_SECONDS") {
        // The time gives fresh seeds.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let first = number("CHAOS_FIRST").unwrap_or(since * 1_000);
        let seeds = (first..).take_while(|_| begin.elapsed() < Duration::from_secs(seconds));
        for seed in seeds {
            one(seed, jobs).await;
        }
    } else {
        let first = number("CHAOS_FIRST").unwrap_or(0);
        for seed in first..first + number("CHAOS_SEEDS").unwrap_or(2) {
            one(seed, jobs).await;
        }
    }
    println!("all seeds in {:.1} s", begin.elapsed().as_secs_f64());
}
