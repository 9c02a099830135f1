//! Cases of `ConsumerSupervisor` that GenStage's suite does not cover, by their numbers.

use stage_core::ExitReason;
use stage_core::spawn::StageOptions;
use stage_core::testing::{ManualProducer, settle};

use super::support::{ending_when_told, jobs, start, workers_and_active};
use crate::support::{assert_reason, soon, usual, window};

/// Returns, while 10 children end in turn and no new event comes, the number of children left at each ask,
/// and its size.
async fn asked(floor: Option<usize>) -> Vec<(usize, usize)> {
    let workers = match floor {
        Some(floor) => jobs().floor(floor),
        None => jobs(),
    };
    let (stage, children) = start(workers).await;
    let mut source = ManualProducer::spawn(StageOptions::named("source")).await;
    stage.subscribe(&source.producer(), window(10, 5)).await.unwrap();
    assert_eq!(source.next_demand().await, 10);
    let (ends, events): (Vec<_>, Vec<_>) = (0..10).map(|_| ending_when_told()).unzip();
    source.emit(events);
    let mut asked = Vec::new();
    for end in ends {
        end.send(ExitReason::Normal).unwrap();
        settle().await;
        asked.extend(source.demands().into_iter().map(|demand| (children.counts().active, demand)));
    }
    asked
}

#[tokio::test(start_paused = true)]
async fn uncovered_11_the_children_fall_to_the_floor_before_more_is_asked_for() {
    // Like the original's `min_demand: 8`: the children fall to 2, and 8 events are demanded.
    assert_eq!(asked(Some(2)).await, [(2, 8)]);
    // Like its documentation: the children fall to 8, and 2 events are demanded.
    assert_eq!(asked(Some(8)).await, [(8, 2), (6, 2), (4, 2), (2, 2), (0, 2)]);
    assert_eq!(asked(Some(5)).await, [(5, 5), (0, 5)]);
    assert_eq!(asked(Some(0)).await, [(0, 10)]);
    let each: Vec<_> = (0..10).rev().map(|left| (left, 1)).collect();
    assert_eq!(asked(None).await, each);
}

#[tokio::test(start_paused = true)]
async fn uncovered_12_bug_g2_a_finite_source_never_aborts_running_work() {
    let (stage, children) = start(jobs()).await;
    let source = ManualProducer::spawn(StageOptions::named("source")).await;
    // Permanent, as by default: the stage ends with its producer, but not before its children.
    stage.subscribe(&source.producer(), usual()).await.unwrap();
    let (ends, events): (Vec<_>, Vec<_>) = (0..3).map(|_| ending_when_told()).unzip();
    source.emit(events);
    source.finish();
    source.ended().await;
    settle().await;
    assert_eq!(workers_and_active(&children), (3, 3));
    for end in &ends {
        assert!(stage.inspect().await.is_ok(), "the stage waits");
        end.send(ExitReason::Normal).unwrap();
        settle().await;
    }
    assert_reason(&soon(stage.ended()).await, &ExitReason::Normal);
    assert_eq!(children.counts().finished, 3);
}
