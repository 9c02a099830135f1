//! Section 6: subscriptions, their replacement, and manual demand.

use stage_core::dispatch::BroadcastDispatcher;
use stage_core::registry::Registry;
use stage_core::subscribe::{CancelKind, Role, SubscribeError, Subscription};
use stage_core::{ExitReason, SubscribeOptions};

use super::support::{
    Book, Seen, Warnings, ask, assert_reason, bare, bare_at, counter, counter_with, oops, probe, range,
    settle, soon, temporary, told, usual, window,
};

#[tokio::test(start_paused = true)]
async fn g044_a_stage_that_has_ended_cannot_subscribe() {
    let book = Book::new();
    let (counter, probe) = (counter(&book, "counter").await, probe(&book, "probe").await);
    probe.stop(ExitReason::Normal).await;
    let refused = soon(probe.subscribe(&counter.producer(), usual())).await.unwrap_err();
    assert!(matches!(refused, SubscribeError::Ended { .. }), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn g045_wrong_demand_is_refused_with_its_bounds_before_anything_else() {
    let book = Book::new();
    let (counter, probe) = (counter(&book, "counter").await, probe(&book, "probe").await);
    counter.stop(ExitReason::Normal).await;
    let none = probe.subscribe(&counter.producer(), SubscribeOptions::new().max_demand(0)).await;
    assert_eq!(none.unwrap_err().to_string(), "max_demand must be at least 1, got 0");
    let many = probe.subscribe(&counter.producer(), SubscribeOptions::new().min_demand(2000)).await;
    let many = many.unwrap_err().to_string();
    assert_eq!(many, "min_demand must be between 0 and 999 (max_demand - 1), got 2000");
    // The producer has ended, and this consumer is not affected.
    assert!(probe.inspect().await.unwrap().producers.is_empty());
}

#[tokio::test(start_paused = true)]
async fn g046_a_permanent_subscription_to_an_unknown_name_ends_its_consumer() {
    let mut book = Book::new();
    let probe = probe(&book, "probe").await;
    let unknown = Registry::new().producer("nobody");
    let doomed = soon(probe.subscribe(&unknown, usual())).await.unwrap();
    assert_eq!(&*doomed.producer(), "nobody");
    assert_reason(&soon(probe.ended()).await, &ExitReason::NotFound);
    let told = book.cancelled("probe", Role::Producer, CancelKind::Down, &ExitReason::NotFound).await;
    assert_eq!(told, Some(doomed), "the callback gets the reason");
}

#[tokio::test(start_paused = true)]
async fn g047_a_permanent_subscription_to_an_ended_producer_ends_its_consumer() {
    let book = Book::new();
    let (counter, probe) = (counter(&book, "counter").await, probe(&book, "probe").await);
    counter.stop(ExitReason::Normal).await;
    soon(probe.subscribe(&counter.producer(), usual())).await.expect("made, if doomed");
    assert_reason(&soon(probe.ended()).await, &ExitReason::NotFound);
}

#[tokio::test(start_paused = true)]
async fn g049_a_temporary_subscription_to_an_ended_producer_leaves_its_consumer_alone() {
    let mut book = Book::new();
    let (counter, probe) = (counter(&book, "counter").await, probe(&book, "probe").await);
    counter.stop(ExitReason::Normal).await;
    soon(probe.subscribe(&counter.producer(), temporary())).await.expect("made, if doomed");
    book.cancelled("probe", Role::Producer, CancelKind::Down, &ExitReason::NotFound).await;
    assert!(probe.inspect().await.is_ok(), "it lives");
}

#[tokio::test(start_paused = true)]
async fn g050_a_second_subscription_to_a_broadcast_is_refused_and_ends_no_stage() {
    let book = Book::new();
    let broadcast = told(&book, "broadcast", |options| options.dispatcher(BroadcastDispatcher::new())).await;
    let (sync, soon) = (probe(&book, "sync").await, probe(&book, "soon").await);
    for _ in 0..2 {
        sync.subscribe(&broadcast.producer(), usual()).await.unwrap();
        soon.subscribe_soon(&broadcast.producer(), usual()).unwrap();
    }
    settle().await;
    assert_eq!(sync.inspect().await.unwrap().producers.len(), 1);
    assert_eq!(soon.inspect().await.unwrap().producers.len(), 1);
    assert_eq!(broadcast.inspect().await.unwrap().consumers.len(), 2);
}

/// Returns the subscriptions that `probe` reported, in order.
async fn two_subscribed(book: &mut Book) -> [Subscription; 2] {
    let first = book.seen("probe", Seen::Subscribed(Role::Producer)).await.unwrap();
    [first, book.seen("probe", Seen::Subscribed(Role::Producer)).await.unwrap()]
}

/// Returns a subscription that has ended.
async fn unknown(book: &Book) -> Subscription {
    let (counter, other) = (counter(book, "other counter").await, probe(book, "other").await);
    let subscription = other.subscribe(&counter.producer(), temporary()).await.unwrap();
    subscription.cancel(oops());
    settle().await;
    subscription
}

#[tokio::test(start_paused = true)]
async fn g051_subscribing_instead_returns_after_both_callbacks_of_the_consumer() {
    let mut book = Book::new();
    let (told, probe) = (told(&book, "told", |options| options).await, probe(&book, "probe").await);
    let old = probe.subscribe(&told.producer(), temporary()).await.unwrap();
    let new = soon(probe.resubscribe(&old, oops(), &told.producer(), temporary())).await.unwrap();
    assert_ne!(old, new);
    // Both are in the book already; no settling was needed.
    assert_eq!(two_subscribed(&mut book).await, [old, new.clone()]);
    settle().await;
    assert_eq!(probe.inspect().await.unwrap().producers, [new]);
}

#[tokio::test(start_paused = true)]
async fn g052_subscribing_instead_of_a_missing_subscription_subscribes() {
    let mut book = Book::new();
    let (told, probe) = (told(&book, "told", |options| options).await, probe(&book, "probe").await);
    let old = unknown(&book).await;
    let new = soon(probe.resubscribe(&old, oops(), &told.producer(), temporary())).await.unwrap();
    assert_eq!(book.seen("probe", Seen::Subscribed(Role::Producer)).await, Some(new.clone()));
    assert_eq!(probe.inspect().await.unwrap().producers, [new]);
}

#[tokio::test(start_paused = true)]
async fn g054_subscribing_instead_need_not_be_waited_for() {
    let mut book = Book::new();
    let (told, probe) = (told(&book, "told", |options| options).await, probe(&book, "probe").await);
    let old = probe.subscribe(&told.producer(), temporary()).await.unwrap();
    probe.resubscribe_soon(&old, oops(), &told.producer(), temporary()).unwrap();
    let [first, second] = two_subscribed(&mut book).await;
    assert_eq!(first, old);
    assert_ne!(first, second);
}

#[tokio::test(start_paused = true)]
async fn g055_subscribing_soon_instead_of_a_missing_subscription_subscribes() {
    let mut book = Book::new();
    let (told, probe) = (told(&book, "told", |options| options).await, probe(&book, "probe").await);
    let old = unknown(&book).await;
    probe.resubscribe_soon(&old, oops(), &told.producer(), temporary()).unwrap();
    let new = book.seen("probe", Seen::Subscribed(Role::Producer)).await.unwrap();
    assert_eq!(probe.inspect().await.unwrap().producers, [new]);
}

#[tokio::test(start_paused = true)]
async fn g056_demand_by_hand_is_served_in_one_batch_each() {
    let mut book = Book::new();
    let (counter, peer) = (counter(&book, "counter").await, bare(&book, "peer").await);
    let subscription = peer.subscribe(&counter.producer(), window(10, 5)).await.unwrap();
    ask(&subscription, 50);
    assert_eq!(book.batches("peer").await, [range(0..50)]);
    ask(&subscription, 50);
    assert_eq!(book.batches("peer").await, [range(50..100)]);
}

#[tokio::test(start_paused = true)]
async fn g057_demand_by_hand_works_for_a_subscription_made_in_init() {
    let mut book = Book::new();
    let counter = counter_with(&book, "counter", |options| options).await;
    bare_at(&book, "peer", &counter.producer(), window(10, 5)).await;
    let subscription = book.seen("peer", Seen::Subscribed(Role::Producer)).await.unwrap();
    ask(&subscription, 50);
    assert_eq!(book.batches("peer").await, [range(0..50)]);
    ask(&subscription, 50);
    assert_eq!(book.batches("peer").await, [range(50..100)]);
}

#[tokio::test(start_paused = true)]
async fn a_consumer_may_hold_two_subscriptions_to_one_producer() {
    let mut book = Book::new();
    let (told, peer) = (told(&book, "told", |options| options).await, bare(&book, "peer").await);
    let first = peer.subscribe(&told.producer(), temporary()).await.unwrap();
    let second = peer.subscribe(&told.producer(), temporary()).await.unwrap();
    assert_ne!(first, second);
    ask(&second, 1);
    settle().await;
    told.cast(super::support::Emit(vec![7])).unwrap();
    assert_eq!(book.seen("peer", Seen::Batch(vec![7])).await, Some(second));
}

#[tokio::test(start_paused = true)]
async fn a_refused_subscription_is_logged() {
    let book = Book::new();
    let warnings = Warnings::watch();
    let broadcast = told(&book, "broadcast", |options| options.dispatcher(BroadcastDispatcher::new())).await;
    let probe = probe(&book, "probe").await;
    for _ in 0..2 {
        probe.subscribe(&broadcast.producer(), temporary()).await.unwrap();
    }
    settle().await;
    let [warning] = &warnings.all()[..] else { panic!("{warnings:?}") };
    assert!(warning.text.contains("already subscribed"), "{warning:?}");
}
