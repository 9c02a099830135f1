//! Producer-consumers whose consumers or producers end: no unbounded drain, no lost output.

use stage_core::Capacity::Bounded;
use stage_core::subscribe::{CancelKind, Role};
use stage_core::{CancelMode, ExitReason};

use crate::support::{
    Book, Emit, Seen, ask, assert_reason, bare, counter, doubler, permanent, probe, range, repeater, settle,
    soon, temporary, told, transient, twice, window,
};

#[tokio::test(start_paused = true)]
async fn uncovered_02_bug_j1_a_step_whose_consumer_died_before_anything_came_takes_nothing_in() {
    let mut book = Book::new();
    let (counter, step) =
        (counter(&book, "counter").await, repeater(&book, "step", 1, |options| options).await);
    let peer = bare(&book, "peer").await;
    ask(&peer.subscribe(&step.producer(), temporary()).await.unwrap(), 100);
    settle().await;
    peer.abort();
    settle().await;
    step.subscribe(&counter.producer(), window(10, 5)).await.unwrap();
    let seen = book.settled().await;
    let demands = seen.iter().filter(|(_, seen)| matches!(seen, Seen::Demand(_)));
    assert_eq!(demands.collect::<Vec<_>>(), [&("counter", Seen::Demand(10))]);
    assert_eq!(step.inspect().await.unwrap().buffered, 0);
}

#[tokio::test(start_paused = true)]
async fn uncovered_02_bug_j1_a_step_whose_consumer_dies_with_credit_stops_taking_in() {
    let mut book = Book::new();
    let (told, step) =
        (told(&book, "told", |options| options).await, repeater(&book, "step", 1, |options| options).await);
    let peer = bare(&book, "peer").await;
    ask(&peer.subscribe(&step.producer(), temporary()).await.unwrap(), 100);
    step.subscribe(&told.producer(), window(10, 5)).await.unwrap();
    settle().await;
    told.cast(Emit(range(0..10))).unwrap();
    assert_eq!(book.batches("peer").await, [range(0..5), range(5..10)]);
    peer.abort();
    settle().await;
    // Ten more were demanded; no consumer wants them now, so they stay at the producer.
    told.cast(Emit(range(10..40))).unwrap();
    assert!(book.batches("step").await.is_empty());
    assert_eq!(step.inspect().await.unwrap().buffered, 0);
    assert_eq!(told.inspect().await.unwrap().buffered, 20);
    let next = probe(&book, "next").await;
    next.subscribe(&step.producer(), window(100, 0)).await.unwrap();
    assert_eq!(book.batches("next").await.concat(), range(10..40));
}

/// Returns a doubler of ten events whose consumer has asked for five outputs, and whose producer has ended.
async fn with_output_left(
    mode: CancelMode,
) -> (Book, stage_core::subscribe::Subscription, crate::support::DoublerRef) {
    let mut book = Book::new();
    let (told, doubler) = (told(&book, "told", |options| options).await, doubler(&book, "doubler").await);
    let peer = bare(&book, "peer").await;
    let down = peer.subscribe(&doubler.producer(), permanent()).await.unwrap();
    ask(&down, 5);
    doubler.subscribe(&told.producer(), window(10, 0).cancel(mode)).await.unwrap();
    settle().await;
    told.cast(Emit(range(0..10))).unwrap();
    settle().await;
    told.stop(ExitReason::Normal).await;
    assert_eq!(book.batches("peer").await, [[0, 0, 1, 1, 2]]);
    (book, down, doubler)
}

#[tokio::test(start_paused = true)]
async fn uncovered_03_bug_e1_a_step_hands_its_output_over_before_it_ends_with_its_producer() {
    let (mut book, down, doubler) = with_output_left(CancelMode::Permanent).await;
    ask(&down, 100);
    let seen = book.settled_of("peer").await;
    let normal = ExitReason::Normal.to_string();
    let expected = [
        Seen::Batch(twice(0..10).split_off(5)),
        Seen::Cancelled(Role::Producer, CancelKind::Down, normal.clone()),
        Seen::Ended(normal),
    ];
    assert_eq!(seen, expected);
    assert_reason(&soon(doubler.ended()).await, &ExitReason::Normal);
}

#[tokio::test(start_paused = true)]
async fn uncovered_03_bug_e1b_a_step_that_outlives_its_producer_keeps_its_output() {
    let (mut book, down, doubler) = with_output_left(CancelMode::Transient).await;
    assert_eq!(doubler.inspect().await.unwrap().buffered, 15);
    ask(&down, 100);
    assert_eq!(book.batches("peer").await, [twice(0..10).split_off(5)]);
    assert!(doubler.inspect().await.is_ok(), "it lives");
}

#[tokio::test(start_paused = true)]
async fn uncovered_03_output_left_by_a_producer_cut_off_is_delivered_too() {
    let mut book = Book::new();
    let (told, doubler) = (told(&book, "told", |options| options).await, doubler(&book, "doubler").await);
    let peer = bare(&book, "peer").await;
    let down = peer.subscribe(&doubler.producer(), temporary()).await.unwrap();
    ask(&down, 5);
    doubler.subscribe(&told.producer(), window(10, 0)).await.unwrap();
    settle().await;
    told.cast(Emit(range(0..10))).unwrap();
    settle().await;
    told.abort();
    settle().await;
    ask(&down, 100);
    assert_eq!(book.batches("peer").await.concat(), twice(0..10));
    assert_reason(&soon(doubler.ended()).await, &ExitReason::Aborted);
}

#[tokio::test(start_paused = true)]
async fn bug_e2_input_of_a_lost_producer_keeps_its_origin_and_its_batches() {
    let mut book = Book::new();
    let (told, doubler) = (told(&book, "told", |options| options).await, doubler(&book, "doubler").await);
    let up = doubler.subscribe(&told.producer(), transient().max_demand(10).min_demand(5)).await.unwrap();
    settle().await;
    told.cast(Emit(range(0..10))).unwrap();
    settle().await;
    told.abort();
    settle().await;
    let peer = bare(&book, "peer").await;
    ask(&peer.subscribe(&doubler.producer(), temporary()).await.unwrap(), 100);
    for batch in [range(0..5), range(5..10)] {
        let from = book.seen("doubler", Seen::Batch(batch)).await;
        assert_eq!(from.as_ref(), Some(&up));
        assert_eq!(from.map(|from| from.producer().to_string()).as_deref(), Some("told"));
    }
    book.cancelled("doubler", Role::Producer, CancelKind::Down, &ExitReason::Aborted).await;
    // Everything it held was handled and handed out before it ended.
    assert_eq!(book.batches("peer").await.concat(), twice(0..10));
    assert_reason(&soon(doubler.ended()).await, &ExitReason::Aborted);
}

#[tokio::test(start_paused = true)]
async fn bug_minor_the_discard_hook_of_a_step_runs_after_its_batch() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options).await;
    let doubler = repeater(&book, "doubler", 2, |options| options.buffer(Bounded(5))).await;
    let peer = bare(&book, "peer").await;
    ask(&peer.subscribe(&doubler.producer(), temporary()).await.unwrap(), 1);
    doubler.subscribe(&told.producer(), window(10, 5)).await.unwrap();
    settle().await;
    book.settled().await;
    told.cast(Emit(range(0..10))).unwrap();
    // One message in two batches of five: ten outputs each, of which one is sent and five are kept.
    let seen = book.settled_of("doubler").await;
    let expected =
        [Seen::Batch(range(0..5)), Seen::Discarded(4), Seen::Batch(range(5..10)), Seen::Discarded(10)];
    assert_eq!(seen, expected);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_ends_with_its_producer_and_has_no_consumer_waits_for_one() {
    let mut book = Book::new();
    let (told, doubler) = (told(&book, "told", |options| options).await, doubler(&book, "doubler").await);
    doubler.subscribe(&told.producer(), permanent()).await.unwrap();
    doubler.cast(Emit(range(0..3))).unwrap();
    settle().await;
    told.stop(ExitReason::Normal).await;
    book.cancelled("doubler", Role::Producer, CancelKind::Down, &ExitReason::Normal).await;
    settle().await;
    assert_eq!(doubler.inspect().await.unwrap().buffered, 3);
    let peer = bare(&book, "peer").await;
    ask(&peer.subscribe(&doubler.producer(), temporary()).await.unwrap(), 10);
    assert_eq!(book.batches("peer").await, [range(0..3)]);
    assert_reason(&soon(doubler.ended()).await, &ExitReason::Normal);
}

#[tokio::test(start_paused = true)]
async fn events_sent_to_an_ending_step_go_back_to_their_producers() {
    // In GenStage the step lives until these events were handled.
    let mut book = Book::new();
    let (ends, other) =
        (told(&book, "ends", |options| options).await, told(&book, "other", |options| options).await);
    let step = repeater(&book, "step", 1, |options| options).await;
    step.subscribe(&ends.producer(), permanent()).await.unwrap();
    step.subscribe(&other.producer(), temporary()).await.unwrap();
    settle().await;
    other.cast(Emit(range(0..5))).unwrap();
    settle().await;
    assert_eq!(other.inspect().await.unwrap().buffered, 0);
    ends.stop(ExitReason::Normal).await;
    assert_reason(&soon(step.ended()).await, &ExitReason::Normal);
    settle().await;
    assert_eq!(other.inspect().await.unwrap().buffered, 5);
    let next = probe(&book, "next").await;
    next.subscribe(&other.producer(), temporary()).await.unwrap();
    assert_eq!(book.batches("next").await, [range(0..5)]);
}
