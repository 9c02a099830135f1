//! Section 19: children started by hand, and restarts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stage_core::per_event::{ChildRestart, ChildState, PerEvent, StartChildError};
use stage_core::testing::settle;
use stage_core::{ExitReason, Intensity};

use super::support::{
    Begun, Job, Work, ending_when_told, endless, job, jobs, start, until, workers_and_active,
};
use crate::support::{assert_reason, oops, soon};

fn surviving(max_restarts: usize) -> PerEvent<Job> {
    let within = Duration::from_secs(5);
    jobs().restart(ChildRestart::Transient).intensity(Intensity { max_restarts, within })
}

#[tokio::test(start_paused = true)]
async fn g181_a_child_that_is_started_by_hand_runs_fails_or_is_skipped() {
    let (_stage, children) = start(jobs()).await;
    let first = children.start(endless()).unwrap().expect("a child");
    let second = children.start(endless()).unwrap().expect("another child");
    assert_ne!(first, second);
    let StartChildError::Failed { reason } = children.start(job(|_| Err("found".into()))).unwrap_err() else {
        panic!("the recipe failed");
    };
    assert_eq!(reason.to_string(), "failed: found");
    assert_eq!(children.start(job(|_| Ok(None))).unwrap(), None);
    assert_eq!(workers_and_active(&children), (2, 2));
    let counts = children.counts();
    assert_eq!((counts.started, counts.failed, counts.skipped), (2, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn g182_a_recipe_that_panics_is_an_error_for_the_caller() {
    let (stage, children) = start(jobs()).await;
    let throws: [fn() -> Begun; 3] = [
        || panic!("thrown"),
        || std::panic::panic_any(String::from("raised")),
        || Err(ExitReason::Custom("exits".to_owned()).into()),
    ];
    for (begin, expected) in throws.into_iter().zip(["panicked: thrown", "panicked: raised", "exits"]) {
        match children.start(job(move |_| begin())) {
            Err(StartChildError::Failed { reason }) => assert_eq!(reason.to_string(), expected),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(workers_and_active(&children), (0, 0));
    assert!(stage.inspect().await.is_ok(), "the stage lives");
}

#[tokio::test(start_paused = true)]
async fn g184_a_transient_child_is_restarted_unless_its_end_was_orderly() {
    for (reason, left) in [(ExitReason::Normal, 0), (ExitReason::Shutdown, 0), (oops(), 1)] {
        let (_stage, children) = start(surviving(3)).await;
        let (end, job) = ending_when_told();
        children.start(job).unwrap();
        end.send(reason.clone()).unwrap();
        settle().await;
        assert_eq!(workers_and_active(&children), (left, left), "after {reason}");
    }
    let (_stage, children) = start(surviving(3).restart(ChildRestart::Temporary)).await;
    let (end, job) = ending_when_told();
    children.start(job).unwrap();
    end.send(oops()).unwrap();
    settle().await;
    assert_eq!(workers_and_active(&children), (0, 0), "a temporary one does not");
}

/// Returns a child that fails on request, and is then restarted as `again` decides.
fn killed_then(again: impl Fn() -> Begun + Send + Sync + 'static) -> (Arc<tokio::sync::Notify>, Job) {
    let kill = Arc::new(tokio::sync::Notify::new());
    let killed = Arc::clone(&kill);
    let job = job(move |child| {
        if child.attempt() > 0 {
            return again();
        }
        let killed = Arc::clone(&killed);
        let work: Work = Box::pin(async move {
            killed.notified().await;
            ExitReason::Aborted
        });
        Ok(Some(work))
    });
    (kill, job)
}

#[tokio::test(start_paused = true)]
async fn g185_the_result_of_the_recipe_at_a_restart_decides_about_the_child() {
    let (stage, children) = start(surviving(100_000)).await;
    let works = || -> Begun { Ok(Some(Box::pin(std::future::pending()))) };
    // The fifth of the original returns junk; here it panics.
    let cases: [(fn() -> Begun, _); 5] = [
        (works, (1, 1)),
        (works, (2, 2)),
        (|| Ok(None), (2, 2)),
        (|| Err("not yet".into()), (3, 2)),
        (|| panic!("junk"), (4, 2)),
    ];
    for (number, (again, expected)) in cases.into_iter().enumerate() {
        let (kill, job) = killed_then(again);
        let before = children.counts();
        let child = children.start(job).unwrap().expect("a child");
        until(&children, (workers_and_active(&children).0, before.active + 1)).await;
        kill.notify_one();
        while children.counts().restarts == before.restarts {
            tokio::task::yield_now().await;
        }
        until(&children, expected).await;
        let child = children.list().into_iter().find(|info| info.id == child);
        let states = [Some(ChildState::Active), None, Some(ChildState::Restarting)];
        assert_eq!(child.map(|info| info.state), states[[0, 0, 1, 2, 2][number]], "case {number}");
    }
    soon(stage.stop(ExitReason::Shutdown)).await;
    assert_eq!(workers_and_active(&children), (0, 0));
}

/// Returns a child that fails, and whose recipe then fails for `attempts` attempts.
fn failing(attempts: usize) -> (Arc<AtomicUsize>, Job) {
    let begun = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&begun);
    let job = job(move |child| {
        count.fetch_add(1, Ordering::Relaxed);
        match child.attempt() {
            0 => Ok(Some(Box::pin(async { oops() }))),
            attempt if attempt <= attempts => Err("not yet".into()),
            _ => Ok(Some(Box::pin(std::future::pending()))),
        }
    });
    (begun, job)
}

#[tokio::test(start_paused = true)]
async fn g186_a_child_that_fails_to_restart_is_retried() {
    let (_stage, children) = start(surviving(2)).await;
    let (begun, job) = failing(1);
    children.start(job).unwrap();
    settle().await;
    assert_eq!(begun.load(Ordering::Relaxed), 3, "started, failed, started");
    assert_eq!(workers_and_active(&children), (1, 1));
    assert_eq!(children.list()[0].restarts, 2);
}

#[tokio::test(start_paused = true)]
async fn g187_restarts_beyond_the_limit_end_the_stage_with_shutdown() {
    let (stage, children) = start(surviving(1)).await;
    let (begun, job) = failing(usize::MAX);
    children.start(job).unwrap();
    assert_reason(&soon(stage.ended()).await, &ExitReason::Shutdown);
    assert_eq!(begun.load(Ordering::Relaxed), 2);
    assert_eq!(workers_and_active(&children), (0, 0));
    assert!(matches!(children.start(endless()), Err(StartChildError::NotRunning { .. })));
}

#[tokio::test(start_paused = true)]
async fn g189_attempts_that_fail_count_as_restarts() {
    let (stage, children) = start(surviving(10)).await;
    let (begun, job) = failing(usize::MAX);
    children.start(job).unwrap();
    assert_reason(&soon(stage.ended()).await, &ExitReason::Shutdown);
    assert_eq!(begun.load(Ordering::Relaxed), 11);
    assert_eq!(children.counts().restarts, 10);
}
