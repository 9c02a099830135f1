//! Sections 12 and 13: producers of an iterator, and stages that are found by name.

use std::ops::Range;
use std::time::Duration;

use stage_core::registry::Registry;
use stage_core::spawn::{self, StageOptions};
use stage_core::stage::FromIter;
use stage_core::subscribe::{CancelKind, Role, SubscribeError};
use stage_core::{Backoff, ExitReason, Pipeline, StepOptions};

use super::support::{
    Book, Emit, assert_reason, counter, oops, probe, probe_at, range, settle, soon, temporary, told, usual,
    window,
};

fn ten() -> FromIter<Range<u64>> {
    FromIter::new(0..10)
}

#[tokio::test(start_paused = true)]
async fn g116_a_producer_is_bound_to_its_starter_in_a_pipeline_and_not_bound_when_spawned() {
    let mut book = Book::new();
    let numbers = spawn::producer(ten(), StageOptions::named("numbers")).await.unwrap();
    let address = numbers.producer();
    drop(numbers);
    settle().await;
    let probe = probe(&book, "probe").await;
    probe.subscribe(&address, window(10, 0)).await.unwrap();
    assert_eq!(book.batch("probe").await, range(0..10));

    let options = StepOptions::named("wait").max_demand(10).min_demand(1);
    let pipeline = Pipeline::builder("bound").start("numbers", || Ok(ten())).finish_fn(options, |_| ());
    let running = soon(pipeline.start()).await.unwrap();
    let numbers = running.producer::<FromIter<Range<u64>>>("numbers", 0).unwrap();
    drop(running);
    assert_reason(&soon(numbers.ended()).await, &ExitReason::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn g117_a_producer_of_an_iterator_can_be_found_by_a_name() {
    let mut book = Book::new();
    let registry = Registry::new();
    let numbers = spawn::producer(ten(), StageOptions::new()).await.unwrap();
    registry.register("numbers", &numbers).unwrap();
    let probe = probe(&book, "probe").await;
    probe.subscribe(&registry.producer("numbers"), window(10, 0)).await.unwrap();
    assert_eq!(book.batch("probe").await, range(0..10));
}

#[tokio::test(start_paused = true)]
async fn a_producer_of_an_iterator_is_split_as_in_the_trace_of_the_specification() {
    let mut book = Book::new();
    let numbers = spawn::producer(FromIter::new(1..26_u64), StageOptions::new()).await.unwrap();
    let probe = probe(&book, "probe").await;
    probe.subscribe(&numbers.producer(), window(10, 6)).await.unwrap();
    let lengths: Vec<_> = book.batches("probe").await.iter().map(Vec::len).collect();
    assert_eq!(lengths, [4, 4, 2, 4, 4, 4, 2, 1]);
    assert_reason(&soon(probe.ended()).await, &ExitReason::Normal);
}

#[tokio::test(start_paused = true)]
async fn g119_a_stage_can_subscribe_in_its_init_to_a_stage_it_knows() {
    let mut book = Book::new();
    let counter = counter(&book, "counter").await;
    let probe = probe_at(&book, "probe", &counter.producer(), window(10, 0)).await.unwrap();
    assert_eq!(book.batch("probe").await, range(0..10));
    assert_eq!(probe.inspect().await.unwrap().producers.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn g120_a_stage_can_subscribe_in_its_init_to_a_name() {
    let mut book = Book::new();
    let registry = Registry::new();
    let counter = counter(&book, "counter").await;
    registry.register("numbers", &counter).unwrap();
    probe_at(&book, "probe", &registry.producer("numbers"), window(10, 0)).await.unwrap();
    assert_eq!(book.batch("probe").await, range(0..10));
}

#[tokio::test(start_paused = true)]
async fn a_name_is_resolved_to_its_current_stage_when_a_subscription_is_made() {
    let mut book = Book::new();
    let registry = Registry::new();
    let address = registry.producer("numbers");
    let first = told(&book, "first", |options| options).await;
    registry.register("numbers", &first).unwrap();
    let probe = probe(&book, "probe").await;
    probe.subscribe(&address, temporary()).await.unwrap();
    settle().await;
    first.cast(Emit(vec![1])).unwrap();
    assert_eq!(book.batch("probe").await, [1]);
    first.stop(ExitReason::Normal).await;
    let second = counter(&book, "second").await;
    registry.register("numbers", &second).unwrap();
    probe.subscribe(&address, window(3, 0)).await.unwrap();
    assert_eq!(book.batch("probe").await, range(0..3));
}

#[tokio::test(start_paused = true)]
async fn a_name_of_a_stage_that_emits_other_events_is_an_error_of_the_subscriber() {
    let book = Book::new();
    let registry = Registry::new();
    let words = spawn::producer(FromIter::new(["a", "b"]), StageOptions::new()).await.unwrap();
    registry.register("words", &words).unwrap();
    let probe = probe(&book, "probe").await;
    probe.subscribe(&registry.producer("words"), usual()).await.unwrap();
    let reason = soon(probe.ended()).await;
    let ExitReason::Error(error) = &reason else { panic!("{reason}") };
    assert!(matches!(error.downcast_ref(), Some(SubscribeError::OtherEvents { .. })), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_producer_is_subscribed_to_again_by_its_name() {
    let mut book = Book::new();
    let registry = Registry::new();
    let first = told(&book, "first", |options| options).await;
    registry.register("numbers", &first).unwrap();
    let probe = probe(&book, "probe").await;
    let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(8)).attempts(5);
    let options = window(4, 0).resubscribe(backoff);
    probe.subscribe(&registry.producer("numbers"), options).await.unwrap();
    settle().await;
    first.abort();
    book.cancelled("probe", Role::Producer, CancelKind::Down, &ExitReason::Aborted).await;
    // No stage has the name for a while.
    book.cancelled("probe", Role::Producer, CancelKind::Down, &ExitReason::NotFound).await;
    let second = counter(&book, "second").await;
    registry.register("numbers", &second).unwrap();
    assert_eq!(book.batch("probe").await, range(0..4));
    // A cancelled subscription is not renewed: the consumer ends, as its mode demands.
    probe.inspect().await.unwrap().producers[0].cancel(oops());
    assert_reason(&soon(probe.ended()).await, &oops());
}
