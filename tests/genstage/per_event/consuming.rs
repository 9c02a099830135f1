//! Section 22: children started by events, under demand.

use stage_core::per_event::{ChildRestart, Children, PerEvent};
use stage_core::spawn::{self, StageOptions};
use stage_core::stage::FromIter;
use stage_core::testing::{ManualProducer, settle};
use stage_core::{CancelMode, ExitReason, Intensity};

use super::support::{
    Begun, Job, Supervisor, ending_when_told, endless, job, jobs, start, until, workers_and_active,
};
use crate::support::{oops, soon, window};

/// Returns a supervisor with a temporary subscription of `max` events, and the producer of its events.
async fn fed(workers: PerEvent<Job>, max: usize) -> (Supervisor, Children<Job>, ManualProducer<Job>) {
    let (stage, children) = start(workers).await;
    let mut source = ManualProducer::spawn(StageOptions::named("source")).await;
    let options = window(max, 0).cancel(CancelMode::Temporary);
    stage.subscribe(&source.producer(), options).await.unwrap();
    assert_eq!(source.next_demand().await, max);
    (stage, children, source)
}

#[tokio::test(start_paused = true)]
async fn g205_events_start_children_and_one_that_does_not_harms_no_other() {
    let (stage, children, source) = fed(jobs(), 100).await;
    source.emit([endless()]);
    source.emit([endless()]);
    settle().await;
    assert_eq!(workers_and_active(&children), (2, 2));
    // An error, a skipped one, and a failure of its own type, which is junk in the original.
    source.emit([
        job(|_| Err("found".into())),
        job(|_| Ok(None)),
        job(|_| Err(ExitReason::Custom("junk".to_owned()).into())),
    ]);
    settle().await;
    assert_eq!(workers_and_active(&children), (2, 2));
    assert_eq!((children.counts().failed, children.counts().skipped), (2, 1));
    assert!(stage.inspect().await.is_ok(), "the stage lives");
}

#[tokio::test(start_paused = true)]
async fn g206_a_finite_source_of_three_starts_three_children() {
    let (stage, children) = start(jobs()).await;
    let three = FromIter::new([endless(), endless(), endless()]);
    let source = spawn::producer(three, StageOptions::named("source")).await.unwrap();
    let options = window(1000, 500).cancel(CancelMode::Temporary);
    stage.subscribe(&source.producer(), options).await.unwrap();
    settle().await;
    assert_eq!(workers_and_active(&children), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn g207_a_recipe_that_panics_starts_no_child_and_harms_no_other() {
    let (stage, children, mut source) = fed(jobs(), 1).await;
    let throws: [fn() -> Begun; 3] = [
        || panic!("thrown"),
        || std::panic::panic_any(17),
        || Err(ExitReason::Panicked("exits".to_owned()).into()),
    ];
    for begin in throws {
        source.emit([job(move |_| begin())]);
        // It counts as handled, so the next event is demanded.
        assert_eq!(source.next_demand().await, 1);
        assert_eq!(workers_and_active(&children), (0, 0));
    }
    assert_eq!(children.counts().failed, 3);
    assert!(stage.inspect().await.is_ok(), "the stage lives");
}

#[tokio::test(start_paused = true)]
async fn g209_a_restarted_child_keeps_its_slot() {
    let intensity = Intensity { max_restarts: 100_000, ..Intensity::default() };
    let workers = jobs().restart(ChildRestart::Transient).intensity(intensity);
    let (_stage, children, mut source) = fed(workers, 1).await;
    let failing = job(|child| match child.attempt() {
        0 => Ok(Some(Box::pin(async { oops() }))),
        _ => Err("not yet".into()),
    });
    let good = job(|child| match child.attempt() {
        0 => Ok(Some(Box::pin(async { oops() }))),
        _ => Ok(Some(Box::pin(std::future::pending()))),
    });
    source.emit([failing, good]);
    until(&children, (1, 0)).await;
    assert_eq!((source.demands(), children.counts().started), (vec![], 1), "no other child starts");
    // A terminated child makes room; the next one restarts successfully and keeps its place too.
    let restarting = children.list()[0].id;
    soon(children.terminate(restarting)).await.unwrap();
    settle().await;
    assert_eq!(workers_and_active(&children), (1, 1));
    assert_eq!((children.counts().started, children.list()[0].restarts), (2, 1));
    assert_eq!(source.demands(), [] as [usize; 0], "the second event served the ask");
}

#[tokio::test(start_paused = true)]
async fn g210_children_outlive_their_producer_and_their_ends_cause_no_ask() {
    let (stage, children, source) = fed(jobs(), 100).await;
    let (end_first, first) = ending_when_told();
    let (end_second, second) = ending_when_told();
    source.emit([first, second]);
    settle().await;
    source.stop(ExitReason::Shutdown).await;
    settle().await;
    assert_eq!(workers_and_active(&children), (2, 2));
    end_first.send(ExitReason::Normal).unwrap();
    end_second.send(ExitReason::Shutdown).unwrap();
    settle().await;
    assert_eq!(workers_and_active(&children), (0, 0));
    assert!(stage.inspect().await.unwrap().producers.is_empty());
}

/// The original's `min_demand: 2`, the size of an ask, is a floor of 3 − 2.
#[tokio::test(start_paused = true)]
async fn g211_more_is_asked_for_when_the_children_have_fallen_to_the_floor() {
    let (_stage, children, mut source) = fed(jobs().floor(1), 3).await;
    let (ends, events): (Vec<_>, Vec<_>) = (0..6).map(|_| ending_when_told()).unzip();
    source.emit(events);
    settle().await;
    assert_eq!(workers_and_active(&children), (3, 3));
    ends[0].send(ExitReason::Normal).unwrap();
    settle().await;
    assert_eq!(workers_and_active(&children), (2, 2));
    ends[1].send(ExitReason::Normal).unwrap();
    settle().await;
    assert_eq!(workers_and_active(&children), (3, 3));
    assert_eq!(children.counts().started, 5, "the sixth waits");
    assert!(source.demands().is_empty(), "four and five were there already");
}

#[tokio::test(start_paused = true)]
async fn g212_fewer_events_than_asked_for_are_not_asked_for_again() {
    for floor in [0, 1, 2] {
        let (_stage, children, mut source) = fed(jobs().floor(floor), 3).await;
        source.emit([endless(), endless()]);
        settle().await;
        assert_eq!(workers_and_active(&children), (2, 2));
        assert!(source.demands().is_empty(), "with floor {floor}");
    }
}
