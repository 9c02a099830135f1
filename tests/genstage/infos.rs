//! Section 5: messages that travel behind the waiting events of a stage.

use stage_core::Capacity::{Bounded, Unbounded};

use super::support::{
    Book, CounterRef, Emit, Seen, ask, bare, doubler, letters, probe, range, told, twice, window,
};

fn emit(stage: &CounterRef, events: &str) {
    stage.cast(Emit(letters(events))).unwrap();
}

fn notes(seen: &[(&'static str, Seen)], by: &str) -> Vec<&'static str> {
    let note = |(name, seen): &(&'static str, Seen)| match seen {
        Seen::Note(note) if *name == by => Some(*note),
        _ => None,
    };
    seen.iter().filter_map(note).collect()
}

fn batches(seen: &[(&'static str, Seen)], by: &str) -> Vec<Vec<u64>> {
    let batch = |(name, seen): &(&'static str, Seen)| match seen {
        Seen::Batch(events) if *name == by => Some(events.clone()),
        _ => None,
    };
    seen.iter().filter_map(batch).collect()
}

#[tokio::test(start_paused = true)]
async fn g032_an_info_reaches_a_consumer() {
    let mut book = Book::new();
    let probe = probe(&book, "probe").await;
    probe.info("one").await.unwrap();
    probe.info_soon("two").unwrap();
    assert_eq!(notes(&book.settled().await, "probe"), ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn an_info_reaches_a_step_that_holds_nothing_at_once() {
    let mut book = Book::new();
    let doubler = doubler(&book, "doubler").await;
    doubler.info("one").await.unwrap();
    doubler.info_soon("two").unwrap();
    assert_eq!(notes(&book.settled().await, "doubler"), ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn g034_an_info_waits_behind_the_input_of_a_step() {
    let mut book = Book::new();
    let (told, doubler) = (told(&book, "told", |options| options).await, doubler(&book, "doubler").await);
    doubler.subscribe(&told.producer(), window(10, 0)).await.unwrap();
    told.cast(Emit(range(0..10))).unwrap();
    super::support::settle().await;
    doubler.info("one").await.unwrap();
    doubler.info_soon("two").unwrap();
    assert_eq!(notes(&book.settled().await, "doubler"), [""; 0], "ten events were not handled yet");
    let probe = probe(&book, "probe").await;
    probe.subscribe(&doubler.producer(), window(1000, 500)).await.unwrap();
    let seen = book.settled().await;
    assert_eq!(batches(&seen, "probe"), [twice(0..10)]);
    assert_eq!(notes(&seen, "doubler"), ["one", "two"]);
    let handled = seen.iter().position(|(by, seen)| *by == "doubler" && matches!(seen, Seen::Batch(_)));
    let told = seen.iter().position(|(_, seen)| *seen == Seen::Note("one"));
    assert!(handled < told, "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn g035_an_info_reaches_a_producer_that_holds_nothing_at_once() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options).await;
    told.info("one").await.unwrap();
    told.info_soon("two").unwrap();
    assert_eq!(notes(&book.settled().await, "told"), ["one", "two"]);
}

/// A producer with this buffer emits `events` before any demand, and is sent an info; it gets the info only
/// after a probe with the default window subscribed.
async fn an_info_behind(events: &str, capacity: stage_core::Capacity) {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options.buffer(capacity)).await;
    emit(&told, events);
    told.info("info").await.unwrap();
    assert_eq!(book.settled().await, [], "{events} is still there");
    let probe = probe(&book, "probe").await;
    probe.subscribe(&told.producer(), window(1000, 500)).await.unwrap();
    let seen = book.settled().await;
    assert_eq!(batches(&seen, "probe"), [letters(events)]);
    assert_eq!(notes(&seen, "told"), ["info"]);
}

#[tokio::test(start_paused = true)]
async fn g036_an_info_waits_behind_an_unbounded_buffer() {
    an_info_behind("abc", Unbounded).await;
}

#[tokio::test(start_paused = true)]
async fn g037_an_info_waits_behind_one_buffered_event() {
    an_info_behind("a", Bounded(3)).await;
}

#[tokio::test(start_paused = true)]
async fn an_info_waits_behind_two_buffered_events() {
    an_info_behind("ab", Bounded(3)).await;
}

#[tokio::test(start_paused = true)]
async fn g039_an_info_waits_behind_a_full_buffer() {
    an_info_behind("abc", Bounded(3)).await;
}

#[tokio::test(start_paused = true)]
async fn g040_an_info_keeps_its_place_while_the_buffer_moves() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options.buffer(Bounded(3))).await;
    emit(&told, "abc");
    told.info("info1").await.unwrap();
    let peer = bare(&book, "peer").await;
    let subscription = peer.subscribe(&told.producer(), window(10, 5)).await.unwrap();
    ask(&subscription, 2);
    let seen = book.settled().await;
    assert_eq!((batches(&seen, "peer"), notes(&seen, "told")), (vec![letters("ab")], vec![]));
    emit(&told, "de");
    told.info("info2").await.unwrap();
    ask(&subscription, 1);
    let seen = book.settled().await;
    assert_eq!((batches(&seen, "peer"), notes(&seen, "told")), (vec![letters("c")], vec!["info1"]));
    ask(&subscription, 2);
    let seen = book.settled().await;
    assert_eq!((batches(&seen, "peer"), notes(&seen, "told")), (vec![letters("de")], vec!["info2"]));
}

#[tokio::test(start_paused = true)]
async fn g041_an_info_behind_a_displaced_event_is_not_lost() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options.buffer(Bounded(3))).await;
    emit(&told, "ab");
    told.info("info").await.unwrap();
    assert_eq!(notes(&book.settled().await, "told"), [""; 0]);
    emit(&told, "cde");
    assert_eq!(notes(&book.settled().await, "told"), ["info"]);
    assert_eq!(told.inspect().await.unwrap().buffered, 3);
}

#[tokio::test(start_paused = true)]
async fn g042_several_infos_come_in_their_order() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options.buffer(Bounded(10))).await;
    emit(&told, "abc");
    for info in ["d", "e", "f"] {
        told.info(info).await.unwrap();
    }
    emit(&told, "gh");
    told.info("i").await.unwrap();
    let peer = bare(&book, "peer").await;
    let subscription = peer.subscribe(&told.producer(), window(10, 5)).await.unwrap();
    ask(&subscription, 5);
    let seen = book.settled().await;
    assert_eq!(batches(&seen, "peer"), [letters("abc"), letters("gh")]);
    assert_eq!(notes(&seen, "told"), ["d", "e", "f", "i"]);
}
