//! The batching step: limits by count, weight, time and key, and no more batches than demand.
#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::time::Duration;

use stage_core::batch::{Batch, BatchError, Batcher, Limits, Sort};
use stage_core::spawn::{self, StageOptions};
use stage_core::testing::{ManualConsumer, ManualProducer, settle};
use stage_core::{ExitReason, Pipeline, StageRef, StepOptions, SubscribeOptions, sink};
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

/// A batcher between a source and a consumer controlled by the test.
async fn between<S: Sort<u32>>(
    batcher: Batcher<u32, S>,
) -> (ManualProducer<u32>, StageRef<Batcher<u32, S>, u32, S::Batch>, ManualConsumer<S::Batch>) {
    let source = ManualProducer::spawn(StageOptions::named("source")).await;
    let stage = spawn::producer_consumer(batcher, StageOptions::named("batches")).await.unwrap();
    stage.subscribe(&source.producer(), SubscribeOptions::new().max_demand(100)).await.unwrap();
    let mut consumer = ManualConsumer::spawn("consumer").await;
    consumer.subscribe(&stage.producer(), SubscribeOptions::new()).await.unwrap();
    (source, stage, consumer)
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_is_emitted_and_the_rest_at_the_end() {
    let (source, stage, mut consumer) = between(Batcher::new(Limits::count(3)).unwrap()).await;
    consumer.ask(10);
    source.emit(0..7);
    settle().await;
    assert_eq!(consumer.events(), [vec![0, 1, 2], vec![3, 4, 5]]);
    source.finish();
    assert_eq!(consumer.next_batch().await, [vec![6]]);
    assert!(matches!(stage.ended().await, ExitReason::Normal));
}

#[tokio::test(start_paused = true)]
async fn no_more_batches_are_made_than_are_asked_for() {
    let (source, stage, mut consumer) = between(Batcher::new(Limits::count(2)).unwrap()).await;
    consumer.ask(2);
    source.emit(0..50);
    settle().await;
    assert_eq!(consumer.events(), [vec![0, 1], vec![2, 3]]);
    assert_eq!(stage.inspect().await.unwrap().buffered, 0, "none was made in advance");
    consumer.ask(1);
    settle().await;
    assert_eq!(consumer.events(), [vec![4, 5]]);
    consumer.ask(1000);
    settle().await;
    assert_eq!(consumer.events().concat(), (6..50).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn batches_without_demand_hold_the_source_back() {
    let (mut source, _stage, mut consumer) = between(Batcher::new(Limits::count(2)).unwrap()).await;
    consumer.ask(1);
    source.emit(0..1000);
    settle().await;
    assert_eq!(consumer.events(), [vec![0, 1]]);
    let asked: usize = source.demands().into_iter().sum();
    assert!(asked <= 200, "{asked} were asked for");
}

#[tokio::test(start_paused = true)]
async fn a_batch_waits_no_longer_than_its_time_from_its_first_event_on() {
    let limits = Limits::count(10).within(SECOND);
    let (source, _stage, mut consumer) = between(Batcher::new(limits).unwrap()).await;
    consumer.ask(10);
    let began = Instant::now();
    source.emit([1]);
    sleep(SECOND / 2).await;
    source.emit([2]);
    assert_eq!(consumer.next_batch().await, [vec![1, 2]]);
    assert_eq!(began.elapsed(), SECOND);
    sleep(SECOND * 5).await;
    assert!(consumer.batches().is_empty(), "a batch without events is none");
    let began = Instant::now();
    source.emit([3]);
    assert_eq!(consumer.next_batch().await, [vec![3]]);
    assert_eq!(began.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_takes_no_time_from_the_next() {
    let limits = Limits::count(2).within(SECOND);
    let (source, _stage, mut consumer) = between(Batcher::new(limits).unwrap()).await;
    consumer.ask(10);
    source.emit([1]);
    sleep(SECOND / 2).await;
    source.emit([2, 3]);
    assert_eq!(consumer.next_batch().await, [vec![1, 2]]);
    let began = Instant::now();
    assert_eq!(consumer.next_batch().await, [vec![3]]);
    assert_eq!(began.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_due_batch_waits_for_demand_and_fills_meanwhile() {
    let limits = Limits::count(4).within(SECOND);
    let (source, stage, mut consumer) = between(Batcher::new(limits).unwrap()).await;
    consumer.ask(1);
    source.emit([1, 2, 3, 4, 5]);
    settle().await;
    assert_eq!(consumer.events(), [vec![1, 2, 3, 4]]);
    sleep(SECOND * 3).await;
    assert_eq!((consumer.batches().len(), stage.inspect().await.unwrap().buffered), (0, 0));
    consumer.ask(1);
    assert_eq!(consumer.next_batch().await, [vec![5]]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_weighs_at_most_its_limit() {
    let limits = Limits::weighing(10, |event: &u32| *event as usize);
    let (source, _stage, mut consumer) = between(Batcher::new(limits).unwrap()).await;
    consumer.ask(10);
    source.emit([4, 5, 2, 20, 7, 3, 1]);
    source.finish();
    source.ended().await;
    settle().await;
    assert_eq!(consumer.events(), [vec![4, 5], vec![2], vec![20], vec![7, 3], vec![1]]);
}

#[tokio::test(start_paused = true)]
async fn events_of_one_key_stay_together_and_in_order() {
    let limits = Limits::count(3).within(SECOND);
    let batcher = Batcher::by_key(limits, 2, |event: &u32| event / 10).unwrap();
    let (source, _stage, mut consumer) = between(batcher).await;
    let batch = |key, events: &[u32]| Batch { key, events: events.to_vec() };
    consumer.ask(10);
    source.emit([10, 20, 11, 21, 12]);
    settle().await;
    assert_eq!(consumer.events(), [batch(1, &[10, 11, 12])]);
    // At most two batches may be open: a third key pushes the oldest out.
    source.emit([40, 30]);
    settle().await;
    assert_eq!(consumer.events(), [batch(2, &[20, 21])]);
    sleep(SECOND).await;
    assert_eq!(consumer.events(), [batch(4, &[40]), batch(3, &[30])]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_stage_counts_the_events_in_its_batches() {
    let pipeline = Pipeline::builder("failing")
        .start_fn("numbers", || Ok(0..5_u32))
        .step("batches", || {
            let batcher = Batcher::by_key(Limits::count(9), 9, |event: &u32| {
                assert!(*event < 3, "too large");
                0
            });
            Ok(batcher?)
        })
        .finish_fn("ignore", |_| ());
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    // Three were in a batch, one was being processed, and one was still in the inbox.
    assert_eq!((report.stages[1].restarts, report.stages[1].events_out), (1, 0));
    assert_eq!(report.stages[1].discarded, 5);
}

#[tokio::test]
async fn in_a_pipeline_every_event_comes_out_once_and_in_order() {
    let (all, collected) = sink::collect::<Vec<_>, _>();
    let pipeline = Pipeline::builder("batches")
        .start_fn("numbers", || Ok(0..10_007_u64))
        .step(StepOptions::named("batches").max_demand(64).min_demand(16), || {
            Ok(Batcher::new(Limits::count(100).within(Duration::from_millis(5)))?)
        })
        .finish("all", move || Ok(all.clone()));
    pipeline.start().await.unwrap().join().await.unwrap();
    let batches: Vec<Vec<u64>> = collected.await.unwrap();
    assert!(batches.iter().all(|batch| !batch.is_empty() && batch.len() <= 100));
    assert_eq!(batches.concat(), (0..10_007).collect::<Vec<_>>());
}

#[test]
fn limits_that_cannot_work_are_refused_by_name() {
    let refused = |limits: Limits<u32>| Batcher::new(limits).err();
    assert_eq!(refused(Limits::count(0)), Some(BatchError::Count));
    assert_eq!(refused(Limits::weighing(0, |_| 1)), Some(BatchError::Weight));
    assert_eq!(refused(Limits::count(1).within(Duration::ZERO)), Some(BatchError::Within));
    assert_eq!(Batcher::by_key(Limits::count(1), 0, |event: &u32| *event).err(), Some(BatchError::MaxOpen));
    assert_eq!(BatchError::Count.to_string(), "the count of a batch must be at least 1, got 0");
}
