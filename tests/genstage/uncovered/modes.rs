//! Accumulating and forwarding, which keep the order of everything, on every stage that has subscribers.

use stage_core::spawn::DemandMode::{Accumulate, Forward};

use crate::support::{
    Book, Emit, Seen, ask, bare, counter, counter_with, doubler, letters, probe, range, settle, temporary,
    told, twice, window,
};

#[tokio::test(start_paused = true)]
async fn uncovered_04_bug_i1_accumulated_events_are_sent_in_the_order_of_emission() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options.demand(Accumulate)).await;
    let peer = bare(&book, "peer").await;
    let subscription = peer.subscribe(&told.producer(), temporary()).await.unwrap();
    ask(&subscription, 2);
    settle().await;
    told.cast(Emit(letters("xyzwv"))).unwrap();
    settle().await;
    ask(&subscription, 2);
    assert!(book.batches("peer").await.is_empty());
    assert_eq!(told.inspect().await.unwrap().buffered, 5, "what accumulated counts as buffered");
    told.set_demand_mode(Forward);
    assert_eq!(book.batches("peer").await.concat(), letters("xyzw"));
    ask(&subscription, 3);
    assert_eq!(book.batches("peer").await.concat(), letters("v"));
}

#[tokio::test(start_paused = true)]
async fn uncovered_04_buffered_events_are_sent_before_accumulated_ones() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options).await;
    told.cast(Emit(letters("ab"))).unwrap();
    settle().await;
    told.set_demand_mode(Accumulate);
    told.cast(Emit(letters("cd"))).unwrap();
    let peer = bare(&book, "peer").await;
    let subscription = peer.subscribe(&told.producer(), temporary()).await.unwrap();
    ask(&subscription, 3);
    settle().await;
    told.cast(Emit(letters("e"))).unwrap();
    assert!(book.batches("peer").await.is_empty());
    told.set_demand_mode(Forward);
    assert_eq!(book.batches("peer").await.concat(), letters("abc"));
    ask(&subscription, 9);
    assert_eq!(book.batches("peer").await.concat(), letters("de"));
}

#[tokio::test(start_paused = true)]
async fn bug_f6_an_info_does_not_overtake_accumulated_events() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options.demand(Accumulate)).await;
    told.cast(Emit(letters("abc"))).unwrap();
    told.info("info").await.unwrap();
    let peer = bare(&book, "peer").await;
    let subscription = peer.subscribe(&told.producer(), temporary()).await.unwrap();
    ask(&subscription, 2);
    let seen = book.settled_of("told").await;
    assert!(!seen.contains(&Seen::Note("info")), "{seen:?}");
    told.set_demand_mode(Forward);
    let seen = book.settled().await;
    assert!(!seen.contains(&("told", Seen::Note("info"))), "one event is still before it: {seen:?}");
    ask(&subscription, 1);
    assert!(book.settled_of("told").await.contains(&Seen::Note("info")));
}

#[tokio::test(start_paused = true)]
async fn uncovered_08_bug_e4_the_mode_of_a_step_can_be_read_and_set() {
    let mut book = Book::new();
    let (counter, doubler) = (counter(&book, "counter").await, doubler(&book, "doubler").await);
    assert_eq!(doubler.inspect().await.unwrap().mode, Forward);
    doubler.set_demand_mode(Accumulate);
    assert_eq!(doubler.inspect().await.unwrap().mode, Accumulate);
    doubler.subscribe(&counter.producer(), window(10, 5)).await.unwrap();
    let probe = probe(&book, "probe").await;
    probe.subscribe(&doubler.producer(), window(10, 0)).await.unwrap();
    let seen = book.settled().await;
    assert!(!seen.iter().any(|(_, seen)| matches!(seen, Seen::Batch(_))), "{seen:?}");
    doubler.set_demand_mode(Forward);
    assert_eq!(book.batch("probe").await, twice(0..5));
    assert_eq!(probe.inspect().await.unwrap().mode, Forward, "of no meaning to a consumer");
}

#[tokio::test(start_paused = true)]
async fn an_ask_that_was_held_back_dies_with_its_subscription() {
    let mut book = Book::new();
    let counter = counter_with(&book, "counter", |options| options.demand(Accumulate)).await;
    let (gone, stays) = (bare(&book, "gone").await, bare(&book, "stays").await);
    ask(&gone.subscribe(&counter.producer(), temporary()).await.unwrap(), 5);
    ask(&stays.subscribe(&counter.producer(), temporary()).await.unwrap(), 3);
    settle().await;
    gone.abort();
    settle().await;
    counter.set_demand_mode(Forward);
    let seen = book.settled().await;
    assert_eq!(seen.iter().rfind(|(by, _)| *by == "stays"), Some(&("stays", Seen::Batch(range(0..3)))));
    assert_eq!(counter.inspect().await.unwrap().buffered, 0);
}

#[tokio::test(start_paused = true)]
async fn an_info_from_before_comes_before_one_that_accumulated() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options).await;
    told.cast(Emit(letters("abc"))).unwrap();
    told.info("first").await.unwrap();
    told.set_demand_mode(Accumulate);
    told.info("second").await.unwrap();
    let peer = bare(&book, "peer").await;
    ask(&peer.subscribe(&told.producer(), temporary()).await.unwrap(), 3);
    settle().await;
    told.set_demand_mode(Forward);
    let seen = book.settled_of("told").await;
    let notes: Vec<_> = seen.into_iter().filter(|seen| matches!(seen, Seen::Note(_))).collect();
    assert_eq!(notes, [Seen::Note("first"), Seen::Note("second")]);
}
