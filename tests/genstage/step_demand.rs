//! Section 2: the demand of a producer-consumer, and the events it handles and buffers.

use stage_core::dispatch::BroadcastDispatcher;
use stage_core::subscribe::{CancelKind, Role};
use stage_core::{CancelMode, ExitReason, SubscribeOptions};

use super::support::{
    Book, DoublerRef, Seen, bare, counter, doubler, probe, range, repeater, settle, twice, usual, window,
};

/// The subscription that is made first.
enum First {
    Upstream,
    Downstream,
}

/// A counter, a doubler with this window, and a probe of 100/50.
async fn chain(book: &Book, step: SubscribeOptions<u64>, first: First) -> DoublerRef {
    let (counter, doubler, probe) =
        (counter(book, "counter").await, doubler(book, "doubler").await, probe(book, "probe").await);
    match first {
        First::Upstream => {
            doubler.subscribe(&counter.producer(), step).await.unwrap();
            probe.subscribe(&doubler.producer(), window(100, 50)).await.unwrap();
        }
        First::Downstream => {
            probe.subscribe(&doubler.producer(), window(100, 50)).await.unwrap();
            doubler.subscribe(&counter.producer(), step).await.unwrap();
        }
    }
    doubler
}

/// Takes the batches of `by` up to this one.
async fn until(book: &mut Book, by: &'static str, batch: Vec<u64>) {
    while book.batch(by).await != batch {}
}

async fn see_80_percent(mut book: Book) {
    assert_eq!(book.batch("doubler").await, range(0..20));
    assert_eq!(book.batch("probe").await, twice(0..20));
    assert_eq!(book.batch("probe").await, twice(20..40));
    until(&mut book, "doubler", range(100..120)).await;
    until(&mut book, "probe", twice(120..125)).await;
    assert_eq!(book.batch("probe").await, twice(125..140));
}

async fn see_20_percent(mut book: Book) {
    assert_eq!(book.batch("doubler").await, range(0..80));
    assert_eq!(book.batch("probe").await, twice(0..25));
    assert_eq!(book.batch("probe").await, twice(25..50));
    assert_eq!(book.batch("probe").await, twice(50..75));
    until(&mut book, "doubler", range(100..180)).await;
}

#[tokio::test(start_paused = true)]
async fn g009_a_doubling_step_of_80_percent_min_demand_sends_the_demand_and_buffers_the_rest() {
    let book = Book::new();
    chain(&book, window(100, 80), First::Upstream).await;
    see_80_percent(book).await;
}

#[tokio::test(start_paused = true)]
async fn g010_a_doubling_step_of_20_percent_min_demand_handles_a_message_whole() {
    let book = Book::new();
    chain(&book, window(100, 20), First::Upstream).await;
    see_20_percent(book).await;
}

#[tokio::test(start_paused = true)]
async fn g011_at_80_percent_the_order_of_subscribing_makes_no_difference() {
    let book = Book::new();
    chain(&book, window(100, 80), First::Downstream).await;
    see_80_percent(book).await;
}

#[tokio::test(start_paused = true)]
async fn g012_at_20_percent_the_order_of_subscribing_makes_no_difference() {
    let book = Book::new();
    chain(&book, window(100, 20), First::Downstream).await;
    see_20_percent(book).await;
}

#[tokio::test(start_paused = true)]
async fn g014_a_step_that_drops_everything_keeps_being_fed() {
    let mut book = Book::new();
    let (counter, filter) =
        (counter(&book, "counter").await, repeater(&book, "filter", 0, |options| options).await);
    let probe = probe(&book, "probe").await;
    filter.subscribe(&counter.producer(), window(100, 80)).await.unwrap();
    probe.subscribe(&filter.producer(), window(100, 50)).await.unwrap();
    assert_eq!(book.batch("filter").await, range(0..20));
    until(&mut book, "filter", range(100..120)).await;
    until(&mut book, "filter", range(1000..1020)).await;
}

#[tokio::test(start_paused = true)]
async fn g015_a_doubling_broadcast_goes_by_the_smallest_demand_and_brings_the_same_to_all() {
    let mut book = Book::new();
    let counter = counter(&book, "counter").await;
    let doubler =
        repeater(&book, "doubler", 2, |options| options.dispatcher(BroadcastDispatcher::new())).await;
    let (small, large) = (probe(&book, "small").await, probe(&book, "large").await);
    small.subscribe(&doubler.producer(), window(10, 0)).await.unwrap();
    large.subscribe(&doubler.producer(), window(20, 0)).await.unwrap();
    doubler.subscribe(&counter.producer(), window(10, 5)).await.unwrap();
    until(&mut book, "small", twice(200..205)).await;
    until(&mut book, "large", twice(200..205)).await;
}

#[tokio::test(start_paused = true)]
async fn g016_a_subscriber_that_never_asks_blocks_a_doubling_broadcast_until_it_is_cancelled() {
    let mut book = Book::new();
    let counter = counter(&book, "counter").await;
    let doubler =
        repeater(&book, "doubler", 2, |options| options.dispatcher(BroadcastDispatcher::new())).await;
    let (blocker, small, large) =
        (bare(&book, "blocker").await, probe(&book, "small").await, probe(&book, "large").await);
    let blocking = blocker.subscribe(&doubler.producer(), usual()).await.unwrap();
    settle().await;
    doubler.subscribe(&counter.producer(), usual()).await.unwrap();
    small.subscribe(&doubler.producer(), window(10, 0)).await.unwrap();
    large.subscribe(&doubler.producer(), window(20, 0)).await.unwrap();
    let seen = book.settled().await;
    assert!(!seen.iter().any(|(_, seen)| matches!(seen, Seen::Batch(_))), "{seen:?}");
    blocking.cancel(ExitReason::Aborted);
    until(&mut book, "small", twice(200..205)).await;
    until(&mut book, "large", twice(200..205)).await;
}

#[tokio::test(start_paused = true)]
async fn g017_events_of_a_lost_producer_are_handled_before_its_loss() {
    let mut book = Book::new();
    let counter = counter(&book, "counter").await;
    let doubler = doubler(&book, "doubler").await;
    let upstream =
        doubler.subscribe(&counter.producer(), window(100, 50).cancel(CancelMode::Temporary)).await.unwrap();
    settle().await;
    upstream.cancel(done());
    let early = book.settled_of("doubler").await;
    assert_eq!(early, [Seen::Subscribed(Role::Producer)], "nothing is wanted, nothing is handled");
    let probe = probe(&book, "probe").await;
    probe.subscribe(&doubler.producer(), window(100, 50)).await.unwrap();
    // The message of a hundred is divided as it was sent, even after its producer was lost.
    let seen = book.settled().await;
    let of = |name| seen.iter().filter(move |(by, _)| *by == name).map(|(_, seen)| seen.clone());
    let expected = [
        Seen::Subscribed(Role::Consumer),
        Seen::Batch(range(0..50)),
        Seen::Batch(range(50..100)),
        Seen::Cancelled(Role::Producer, CancelKind::Cancelled, done().to_string()),
    ];
    assert_eq!(of("doubler").collect::<Vec<_>>(), expected);
    let batches = [twice(0..25), twice(25..50), twice(50..75), twice(75..100)].map(Seen::Batch);
    assert_eq!(of("probe").skip(1).collect::<Vec<_>>(), batches);
}

fn done() -> ExitReason {
    ExitReason::Custom("done".to_owned())
}
