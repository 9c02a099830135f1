//! Section 20: termination of children.

use std::time::Duration;

use stage_core::ExitReason;
use stage_core::per_event::{NoSuchChild, Shutdown};
use stage_core::testing::settle;
use tokio::time::Instant;

use super::support::{endless, jobs, listening, reported, reports, start, workers_and_active, working};
use crate::support::{assert_reason, oops, soon};

const LONG: Duration = Duration::from_hours(1);

#[tokio::test(start_paused = true)]
async fn g190_children_are_cut_off_with_their_stage() {
    let (stage, children) = start(jobs().shutdown(Shutdown::Abort)).await;
    let (report, mut reports) = reports();
    (0..3).for_each(|_| assert!(children.start(listening(ExitReason::Shutdown, &report)).is_ok()));
    settle().await;
    let began = Instant::now();
    assert_reason(&soon(stage.stop(ExitReason::Shutdown)).await, &ExitReason::Shutdown);
    assert_eq!((began.elapsed(), reported(&mut reports).len()), (Duration::ZERO, 0));
    assert_eq!((children.counts().active, children.counts().terminated), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn g191_children_are_waited_for_without_limit() {
    let (stage, children) = start(jobs().shutdown(Shutdown::Wait)).await;
    let (report, mut reports) = reports();
    (0..3).for_each(|_| assert!(children.start(listening(ExitReason::Shutdown, &report)).is_ok()));
    settle().await;
    soon(stage.stop(ExitReason::Shutdown)).await;
    assert_eq!(reported(&mut reports), ["was asked"; 3]);
    assert_eq!(children.counts().terminated, 3);
}

#[tokio::test(start_paused = true)]
async fn g192_children_that_end_slowly_and_in_any_way_are_awaited() {
    let (stage, children) = start(jobs().shutdown(Shutdown::Wait)).await;
    for _ in 0..3 {
        let late = working(|child| async move {
            child.shutdown().await;
            tokio::time::sleep(LONG).await;
            oops()
        });
        children.start(late).unwrap();
    }
    settle().await;
    let began = Instant::now();
    stage.stop(ExitReason::Shutdown).await;
    assert_eq!(began.elapsed(), LONG);
    assert_eq!(children.counts().terminated, 3);
}

#[tokio::test(start_paused = true)]
async fn g194_within_their_time_children_end_in_their_own_way() {
    let (stage, children) = start(jobs().shutdown(Shutdown::After(Duration::from_secs(1)))).await;
    let (report, mut reports) = reports();
    (0..3).for_each(|_| assert!(children.start(listening(oops(), &report)).is_ok()));
    settle().await;
    let began = Instant::now();
    soon(stage.stop(ExitReason::Shutdown)).await;
    assert_eq!(began.elapsed(), Duration::ZERO, "no task waits for the time to pass");
    assert_eq!(reported(&mut reports), ["was asked"; 3]);
    assert_eq!(children.counts().terminated, 3);
}

#[tokio::test(start_paused = true)]
async fn g195_a_child_that_does_not_end_in_time_is_cut_off_alone() {
    let (stage, children) = start(jobs().shutdown(Shutdown::After(Duration::from_millis(1)))).await;
    let (report, mut reports) = reports();
    children.start(endless()).unwrap();
    (0..2).for_each(|_| assert!(children.start(listening(ExitReason::Shutdown, &report)).is_ok()));
    settle().await;
    let began = Instant::now();
    soon(stage.stop(ExitReason::Shutdown)).await;
    assert_eq!(began.elapsed(), Duration::from_millis(1));
    assert_eq!(reported(&mut reports), ["was asked"; 2]);
    assert_eq!(children.counts().terminated, 3);
}

#[tokio::test(start_paused = true)]
async fn g196_one_child_is_cut_off() {
    let (_stage, children) = start(jobs().shutdown(Shutdown::Abort)).await;
    let (report, mut reports) = reports();
    let child = children.start(listening(ExitReason::Shutdown, &report)).unwrap().expect("a child");
    settle().await;
    assert_eq!(soon(children.terminate(child)).await, Ok(()));
    assert_eq!(soon(children.terminate(child)).await, Err(NoSuchChild { id: child }));
    assert_eq!(workers_and_active(&children), (0, 0));
    assert!(reported(&mut reports).is_empty());
}

#[tokio::test(start_paused = true)]
async fn g197_one_child_is_asked_to_end() {
    let (_stage, children) = start(jobs().shutdown(Shutdown::After(Duration::from_secs(1)))).await;
    let (report, mut reports) = reports();
    let child = children.start(listening(ExitReason::Shutdown, &report)).unwrap().expect("a child");
    settle().await;
    assert_eq!(soon(children.terminate(child)).await, Ok(()));
    assert_eq!(soon(children.terminate(child)).await, Err(NoSuchChild { id: child }));
    assert_eq!(workers_and_active(&children), (0, 0));
    assert_eq!(reported(&mut reports), ["was asked"]);
}
