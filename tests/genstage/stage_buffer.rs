//! Section 4: the events that a stage keeps without demand, and those it discards.

use stage_core::spawn::DiscardLog;
use stage_core::{Capacity, Keep};

use super::support::{
    Book, CounterRef, Emit, Seen, Warnings, counter_with, letters, probe, range, settle, told,
    told_discarding, window,
};

fn emit(stage: &CounterRef, events: &str) {
    stage.cast(Emit(letters(events))).unwrap();
}

/// Returns the batches of a probe of 4/0.
async fn what_is_kept(mut book: Book, stage: &CounterRef) -> Vec<Vec<u64>> {
    let probe = probe(&book, "probe").await;
    probe.subscribe(&stage.producer(), window(4, 0)).await.unwrap();
    book.batches("probe").await
}

#[tokio::test(start_paused = true)]
async fn g024_events_without_demand_are_kept_and_served_before_new_ones() {
    let mut book = Book::new();
    let counter = counter_with(&book, "counter", |options| options).await;
    counter.info(Emit(letters("abc"))).await.unwrap();
    emit(&counter, "de");
    let probe = probe(&book, "probe").await;
    probe.subscribe(&counter.producer(), window(4, 0)).await.unwrap();
    for batch in [letters("abcd"), letters("e"), range(0..3), range(3..7)] {
        assert_eq!(book.batch("probe").await, batch);
    }
    assert_eq!(book.demand("counter").await, 3, "the rest of an ask of four");
}

#[tokio::test(start_paused = true)]
async fn g025_a_full_buffer_that_keeps_the_first_discards_the_new_and_warns_once() {
    let book = Book::new();
    let warnings = Warnings::watch();
    let told = told(&book, "told", |options| options.buffer(Capacity::Bounded(5)).keep(Keep::First)).await;
    emit(&told, "abcde");
    emit(&told, "fgh");
    settle().await;
    assert_eq!(warnings.discarded(), [3]);
    assert_eq!(what_is_kept(book, &told).await, [letters("abcd"), letters("e")]);
}

#[tokio::test(start_paused = true)]
async fn g026_a_full_buffer_that_keeps_the_last_discards_the_old_and_warns_once() {
    let book = Book::new();
    let warnings = Warnings::watch();
    let told = told(&book, "told", |options| options.buffer(Capacity::Bounded(5))).await;
    emit(&told, "abcde");
    emit(&told, "fgh");
    settle().await;
    assert_eq!(warnings.discarded(), [3]);
    assert_eq!(what_is_kept(book, &told).await, [letters("defg"), letters("h")]);
}

#[tokio::test(start_paused = true)]
async fn g027_a_buffer_without_bound_keeps_everything() {
    let book = Book::new();
    let warnings = Warnings::watch();
    let told = told(&book, "told", |options| options.buffer(Capacity::Unbounded)).await;
    emit(&told, "abcde");
    emit(&told, "fgh");
    assert_eq!(what_is_kept(book, &told).await, [letters("abcd"), letters("efgh")]);
    assert_eq!(warnings.discarded(), [0_usize; 0]);
}

/// A stage with a buffer of five emits eight events; returns the reports of its hook and of the log.
async fn overflow(log: DiscardLog) -> (Vec<Seen>, Vec<usize>) {
    let mut book = Book::new();
    let warnings = Warnings::watch();
    let told = told_discarding(&book, "told", log, |options| options.buffer(Capacity::Bounded(5))).await;
    emit(&told, "abcdefgh");
    (book.settled_of("told").await, warnings.discarded())
}

#[tokio::test(start_paused = true)]
async fn g029_the_discard_hook_can_keep_the_warning() {
    assert_eq!(overflow(DiscardLog::Warn).await, (vec![Seen::Discarded(3)], vec![3]));
}

#[tokio::test(start_paused = true)]
async fn g030_the_discard_hook_can_silence_the_warning() {
    assert_eq!(overflow(DiscardLog::Silent).await, (vec![Seen::Discarded(3)], vec![]));
}

#[tokio::test(start_paused = true)]
async fn g031_the_number_of_buffered_events_can_be_asked_for() {
    let book = Book::new();
    let told = told(&book, "told", |options| options.buffer(Capacity::Unbounded)).await;
    emit(&told, "abcde");
    assert_eq!(told.inspect().await.unwrap().buffered, 5);
    emit(&told, "fgh");
    assert_eq!(told.inspect().await.unwrap().buffered, 8);
    assert_eq!(what_is_kept(book, &told).await, [letters("abcd"), letters("efgh")]);
    assert_eq!(told.inspect().await.unwrap().buffered, 0);
}
