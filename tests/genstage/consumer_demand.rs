//! Section 1: the demand of a consumer, and the division of its messages into batches.

use stage_core::ExitReason;
use stage_core::dispatch::BroadcastDispatcher;

use super::support::{Book, bare, counter, counter_with, probe, range, settle, usual, window};

#[tokio::test(start_paused = true)]
async fn g002_by_default_a_thousand_are_asked_for_and_halves_are_handled() {
    let mut book = Book::new();
    let (counter, probe) = (counter(&book, "counter").await, probe(&book, "probe").await);
    probe.subscribe(&counter.producer(), usual()).await.unwrap();
    assert_eq!(book.batch("probe").await, range(0..500));
    assert_eq!(book.batch("probe").await, range(500..1000));
    assert_eq!(book.demand("counter").await, 1000);
    assert_eq!(book.demand("counter").await, 500);
}

#[tokio::test(start_paused = true)]
async fn with_80_percent_min_demand_batches_are_a_fifth() {
    let mut book = Book::new();
    let (counter, probe) = (counter(&book, "counter").await, probe(&book, "probe").await);
    probe.subscribe(&counter.producer(), window(100, 80)).await.unwrap();
    for start in [0, 20, 40, 60, 80, 100, 120] {
        assert_eq!(book.batch("probe").await, range(start..start + 20));
    }
}

#[tokio::test(start_paused = true)]
async fn g004_with_20_percent_min_demand_each_message_is_cut_from_its_start() {
    let mut book = Book::new();
    let (counter, probe) = (counter(&book, "counter").await, probe(&book, "probe").await);
    probe.subscribe(&counter.producer(), window(100, 20)).await.unwrap();
    for batch in [0..80, 80..100, 100..180, 180..260, 260..280] {
        assert_eq!(book.batch("probe").await, range(batch));
    }
}

#[tokio::test(start_paused = true)]
async fn g005_with_1_max_and_0_min_demand_events_come_one_by_one() {
    let mut book = Book::new();
    let (counter, probe) = (counter(&book, "counter").await, probe(&book, "probe").await);
    probe.subscribe_soon(&counter.producer(), window(1, 0)).unwrap();
    for event in 0..3 {
        assert_eq!(book.batch("probe").await, [event]);
    }
}

/// Takes batches of `by` until one begins with `first`.
async fn batch_from(book: &mut Book, by: &'static str, first: u64) -> Vec<u64> {
    loop {
        let batch = book.batch(by).await;
        if batch[0] >= first {
            return batch;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn g006_a_broadcast_goes_by_the_smallest_demand_and_brings_the_same_to_all() {
    let mut book = Book::new();
    let counter =
        counter_with(&book, "counter", |options| options.dispatcher(BroadcastDispatcher::new())).await;
    let (small, large) = (probe(&book, "small").await, probe(&book, "large").await);
    small.subscribe(&counter.producer(), window(10, 0)).await.unwrap();
    large.subscribe(&counter.producer(), window(20, 0)).await.unwrap();
    assert_eq!(batch_from(&mut book, "small", 1000).await, range(1000..1010));
    assert_eq!(batch_from(&mut book, "large", 1000).await, range(1000..1010));
}

#[tokio::test(start_paused = true)]
async fn g007_a_subscriber_that_never_asks_blocks_a_broadcast_until_it_is_cancelled() {
    let mut book = Book::new();
    let counter =
        counter_with(&book, "counter", |options| options.dispatcher(BroadcastDispatcher::new())).await;
    let (blocker, small, large) =
        (bare(&book, "blocker").await, probe(&book, "small").await, probe(&book, "large").await);
    let blocking = blocker.subscribe(&counter.producer(), window(10, 0)).await.unwrap();
    settle().await;
    small.subscribe(&counter.producer(), window(10, 0)).await.unwrap();
    large.subscribe(&counter.producer(), window(20, 0)).await.unwrap();
    assert_eq!(book.batches("small").await, Vec::<Vec<u64>>::new());
    blocking.cancel(ExitReason::Aborted);
    assert_eq!(batch_from(&mut book, "small", 1000).await, range(1000..1010));
    assert_eq!(batch_from(&mut book, "large", 1000).await, range(1000..1010));
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_wired_before_it_forwards_brings_every_event_to_all() {
    let mut book = Book::new();
    let options = |options: stage_core::spawn::StageOptions<u64>| {
        options.dispatcher(BroadcastDispatcher::new()).demand(stage_core::spawn::DemandMode::Accumulate)
    };
    let counter = counter_with(&book, "counter", options).await;
    let (small, large) = (probe(&book, "small").await, probe(&book, "large").await);
    small.subscribe(&counter.producer(), window(10, 0)).await.unwrap();
    large.subscribe(&counter.producer(), window(20, 0)).await.unwrap();
    counter.set_demand_mode(stage_core::spawn::DemandMode::Forward);
    for start in [0, 10, 20] {
        assert_eq!(book.batch("small").await, range(start..start + 10));
        assert_eq!(book.batch("large").await, range(start..start + 10));
    }
}
