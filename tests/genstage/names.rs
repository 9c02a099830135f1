//! Sections 12 and 13: producers of an iterator, and stages that are found by a name.

use std::ops::Range;

use stage_core::spawn::{self, StageOptions};
use stage_core::{ExitReason, FromIter, Pipeline};

use super::support::{Book, assert_reason, counter, probe, probe_at, range, settle, soon, window};

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

    let pipeline = Pipeline::builder("bound").start("numbers", || Ok(ten())).finish_fn("wait", |_| ());
    let running = soon(pipeline.start()).await.unwrap();
    let numbers = running.producer::<FromIter<Range<u64>>>("numbers", 0).unwrap();
    drop(running);
    assert_reason(&soon(numbers.ended()).await, &ExitReason::Shutdown);
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
