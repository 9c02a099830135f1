//! One task per event, in a pipeline: a drain waits for children, a stop does not, and their number stays
//! limited.
#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stage_core::per_event::{ChildRestart, PerEvent, Shutdown};
use stage_core::pipeline::Outcome;
use stage_core::spawn::{self, StageOptions};
use stage_core::testing::{ManualProducer, settle};
use stage_core::{ExitReason, Pipeline, StepOptions, SubscribeOptions, Window};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn every_event_gets_its_task_within_the_limit_of_concurrency() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let highest = Arc::clone(&most);
    let workers = PerEvent::new(move |_event: u64| {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            now.fetch_sub(1, Ordering::SeqCst);
        }
    });
    let children = workers.children();
    let pipeline = Pipeline::builder("work")
        .start_fn("numbers", || Ok(0..5_000_u64))
        .finish(StepOptions::named("workers").max_demand(8), move || Ok(workers.clone()));
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    let counts = children.counts();
    assert_eq!((counts.started, counts.finished, counts.active), (5_000, 5_000, 0));
    assert_eq!(report.stages[1].events_in, 5_000);
    let highest = highest.load(Ordering::SeqCst);
    assert!((2..=8).contains(&highest), "{highest} ran at once");
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_the_children_and_a_stop_ends_them() {
    for (drains, took, finished) in [(true, SECOND, 5), (false, Duration::from_millis(100), 0)] {
        let workers =
            PerEvent::new(|_: u64| sleep(SECOND)).shutdown(Shutdown::After(Duration::from_millis(100)));
        let children = workers.children();
        let pipeline = Pipeline::builder("work")
            .start_fn("numbers", || Ok(0..))
            .finish(StepOptions::named("workers").max_demand(5), move || Ok(workers.clone()));
        let running = pipeline.start().await.unwrap();
        while children.counts().active < 5 {
            tokio::task::yield_now().await;
        }
        let began = Instant::now();
        let report = if drains { running.drain(SECOND * 10).await } else { running.stop().await }.unwrap();
        assert_eq!(report.outcome, if drains { Outcome::Drained } else { Outcome::Stopped });
        assert!(began.elapsed() >= took && began.elapsed() < took * 3, "{:?}", began.elapsed());
        let counts = children.counts();
        assert_eq!(counts.active, 0);
        assert!(counts.finished >= finished && counts.finished + counts.terminated == counts.started);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_takes_effect_while_the_end_waits_for_children() {
    let workers = PerEvent::new(|_: u64| std::future::pending::<()>()).shutdown(Shutdown::Abort);
    let children = workers.children();
    let stage = spawn::consumer(workers, StageOptions::named("workers")).await.unwrap();
    let source = ManualProducer::spawn(StageOptions::named("source")).await;
    stage.subscribe(&source.producer(), SubscribeOptions::new()).await.unwrap();
    source.emit([1]);
    source.finish();
    source.ended().await;
    settle().await;
    // Children can still be started by hand, and the stage waits for their ends.
    children.start(2).unwrap();
    assert_eq!(children.counts().active, 2);
    assert!(matches!(stage.stop(ExitReason::Shutdown).await, ExitReason::Shutdown));
    assert_eq!(children.counts().terminated, 2);
}

#[tokio::test(start_paused = true)]
async fn children_that_fail_too_often_have_the_pipeline_restart_their_stage() {
    let attempts = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&attempts);
    let workers = PerEvent::new(move |event: u64| {
        let attempt = count.fetch_add(1, Ordering::Relaxed);
        async move { if event == 0 && attempt < 4 { Err("not yet") } else { Ok(()) } }
    })
    .restart(ChildRestart::Transient);
    let children = workers.children();
    let pipeline = Pipeline::builder("work")
        .start_fn("numbers", || Ok(0..3_u64))
        .finish(StepOptions::named("workers").max_demand(1), move || Ok(workers.clone()));
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    // Three restarts are tolerated; the fourth failure ends the stage, and the event is lost because it
    // failed for good.
    assert_eq!(report.stages[1].restarts, 1);
    let counts = children.counts();
    assert_eq!((counts.restarts, counts.failed, counts.finished), (3, 1, 2));
    assert_eq!(attempts.load(Ordering::Relaxed), 6);
}

#[tokio::test(start_paused = true)]
async fn every_producer_has_its_own_slots() {
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let workers = PerEvent::new(move |_: u64| {
        let gate = Arc::clone(&gate);
        async move { gate.acquire().await.map(tokio::sync::SemaphorePermit::forget) }
    });
    let children = workers.children();
    let stage = spawn::consumer(workers, StageOptions::named("workers")).await.unwrap();
    let mut sources = Vec::new();
    for max in [2, 3] {
        let mut source = ManualProducer::spawn(StageOptions::named("source")).await;
        stage.subscribe(&source.producer(), SubscribeOptions::new().max_demand(max)).await.unwrap();
        assert_eq!(source.next_demand().await, max);
        source.emit(0..max as u64);
        sources.push(source);
    }
    settle().await;
    assert_eq!(children.counts().active, 5);
    opened.add_permits(1);
    settle().await;
    let asked: Vec<_> = sources.iter_mut().map(ManualProducer::demands).collect();
    assert_eq!(asked, [vec![1], vec![]], "the oldest child was of the first source");
}

#[tokio::test(start_paused = true)]
async fn another_window_takes_hold_as_children_end() {
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let workers = PerEvent::new(move |_: u64| {
        let gate = Arc::clone(&gate);
        async move { gate.acquire().await.map(tokio::sync::SemaphorePermit::forget) }
    });
    let stage = spawn::consumer(workers, StageOptions::named("workers")).await.unwrap();
    let mut source = ManualProducer::spawn(StageOptions::named("source")).await;
    let options = SubscribeOptions::new().max_demand(2);
    let subscription = stage.subscribe(&source.producer(), options).await.unwrap();
    assert_eq!(source.next_demand().await, 2);
    source.emit([1, 2]);
    settle().await;
    subscription.set_window(Window::with_max(10).unwrap());
    opened.add_permits(1);
    assert_eq!(source.next_demand().await, 9);
    assert_eq!(subscription.window().max(), 10);
}

#[tokio::test(start_paused = true)]
async fn copies_of_a_step_share_their_handle_and_end_their_own_children() {
    let workers = PerEvent::new(|_: u64| sleep(SECOND)).shutdown(Shutdown::Abort);
    let children = workers.children();
    let pipeline = Pipeline::builder("work")
        .start_fn("numbers", || Ok(0..12_u64))
        .finish(StepOptions::named("workers").count(3).max_demand(2), move || Ok(workers.clone()));
    let running = pipeline.start().await.unwrap();
    settle().await;
    assert_eq!(children.counts().active, 6);
    let oldest = children.list()[0].id;
    children.terminate(oldest).await.unwrap();
    running.join().await.unwrap();
    let counts = children.counts();
    assert_eq!((counts.started, counts.finished, counts.terminated), (12, 11, 1));
}

#[test]
fn children_of_a_runtime_that_is_gone_are_gone_too() {
    let children = {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let workers = PerEvent::new(|_: u64| std::future::pending::<()>());
        let children = workers.children();
        let stage = runtime.block_on(spawn::consumer(workers, StageOptions::named("workers"))).unwrap();
        children.start(1).unwrap();
        runtime.block_on(async {
            while children.counts().active == 0 {
                tokio::task::yield_now().await;
            }
        });
        // This child never runs.
        children.start(2).unwrap();
        assert_eq!(children.counts().active, 2);
        drop(stage);
        children
    };
    assert_eq!((children.counts().active, children.list().len()), (0, 0));
    assert!(children.start(3).is_err());
}
