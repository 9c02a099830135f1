//! Consumers that come and go under each dispatcher: no stall, and no event is lost or repeated.

use stage_core::dispatch::{
    BroadcastDispatcher, DemandDispatcher, DispatchOptions, Dispatcher, FairDispatcher, PartitionDispatcher,
    WeightedDispatcher,
};
use stage_core::spawn::DemandMode;
use stage_core::subscribe::{CancelKind, Role};
use stage_core::{ExitReason, SubscribeOptions};

use crate::support::{
    Book, CounterRef, Emit, ProbeRef, Seen, ask, bare, counter_with, probe, range, repeater, settle, soon,
    temporary, told, window,
};

/// Routes an event by tens to a partition.
fn by_tens(event: u64) -> (u64, usize) {
    (event, usize::from(event >= 10))
}

fn partition(number: usize) -> SubscribeOptions<u64> {
    temporary().share(DispatchOptions::new().partition(number))
}

/// A peer asks for ten and is lost; events emitted afterwards go to the next peer, in order, and are not
/// demanded again.
async fn lost_with_unused_credit(
    dispatcher: impl Dispatcher<u64> + 'static,
    options: impl Fn() -> SubscribeOptions<u64>,
) {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options.dispatcher(dispatcher)).await;
    let first = bare(&book, "first").await;
    let subscription = first.subscribe(&told.producer(), options()).await.unwrap();
    ask(&subscription, 10);
    assert_eq!(book.demand("told").await, 10);
    first.abort();
    book.cancelled("told", Role::Consumer, CancelKind::Down, &ExitReason::Aborted).await;
    told.cast(Emit(range(1..6))).unwrap();
    settle().await;
    assert_eq!(told.inspect().await.unwrap().buffered, 5);
    let second = bare(&book, "second").await;
    let subscription = second.subscribe(&told.producer(), options()).await.unwrap();
    ask(&subscription, 10);
    settle().await;
    told.cast(Emit(vec![6])).unwrap();
    let seen = book.settled().await;
    let of = |name| seen.iter().filter(move |(by, _)| *by == name).map(|(_, seen)| seen.clone());
    let expected = [Seen::Subscribed(Role::Producer), Seen::Batch(range(1..6)), Seen::Batch(vec![6])];
    assert_eq!(of("second").collect::<Vec<_>>(), expected);
    let again = of("told").find(|seen| matches!(seen, Seen::Demand(_)));
    assert_eq!(again, None, "all were asked for before");
}

#[tokio::test(start_paused = true)]
async fn uncovered_01_bug_e3_a_broadcast_serves_the_next_consumer_the_demand_of_a_lost_one() {
    lost_with_unused_credit(BroadcastDispatcher::new(), temporary).await;
}

#[tokio::test(start_paused = true)]
async fn uncovered_01_a_partition_serves_the_next_consumer_the_demand_of_a_lost_one() {
    let dispatcher = PartitionDispatcher::routed(2, |event| Some(by_tens(event))).unwrap();
    lost_with_unused_credit(dispatcher, || partition(0)).await;
}

#[tokio::test(start_paused = true)]
async fn uncovered_01_the_demand_dispatcher_serves_the_next_consumer_the_demand_of_a_lost_one() {
    lost_with_unused_credit(DemandDispatcher::new(), temporary).await;
}

#[tokio::test(start_paused = true)]
async fn uncovered_05_bug_f1_events_routed_nowhere_on_purpose_stall_no_consumer() {
    let mut book = Book::new();
    let route = |event: u64| event.is_multiple_of(2).then_some((event, 0));
    let dispatcher = PartitionDispatcher::routed(1, route).unwrap();
    let counter = counter_with(&book, "counter", |options| options.dispatcher(dispatcher)).await;
    let probe = probe(&book, "probe").await;
    let options = partition(0).max_demand(4).min_demand(0);
    probe.subscribe(&counter.producer(), options).await.unwrap();
    let mut got = Vec::new();
    while got.len() < 1000 {
        got.extend(book.batch("probe").await);
    }
    assert!(got.into_iter().eq((0..).step_by(2).take(1000)));
}

#[tokio::test(start_paused = true)]
async fn uncovered_06_bug_f5_a_shuffle_puts_no_consumer_without_credit_first() {
    for seed in 0..16 {
        let mut book = Book::new();
        let shuffled = DemandDispatcher::new().shuffled(seed);
        let told = told(&book, "told", |options| options.dispatcher(shuffled)).await;
        for name in ["idle", "asking", "idle too"] {
            let peer = bare(&book, name).await;
            let subscription = peer.subscribe(&told.producer(), temporary()).await.unwrap();
            if name == "asking" {
                ask(&subscription, 5);
            }
        }
        settle().await;
        told.cast(Emit(range(0..5))).unwrap();
        assert_eq!(book.batches("asking").await, [range(0..5)], "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn uncovered_07_bug_e7_a_stage_gets_a_broadcast_once_for_any_number_of_subscriptions() {
    let mut book = Book::new();
    let broadcast = told(&book, "told", |options| options.dispatcher(BroadcastDispatcher::new())).await;
    let probe = probe(&book, "probe").await;
    for _ in 0..4 {
        probe.subscribe(&broadcast.producer(), temporary()).await.unwrap();
        settle().await;
    }
    broadcast.cast(Emit(vec![1, 2])).unwrap();
    assert_eq!(book.batches("probe").await, [[1, 2]]);
    assert_eq!(probe.inspect().await.unwrap().producers.len(), 1);
}

/// Returns a stage of two partitions, and a peer of each that has asked for five.
async fn two_partitions(book: &Book) -> (CounterRef, ProbeRef, ProbeRef) {
    let dispatcher = PartitionDispatcher::routed(2, |event| Some(by_tens(event))).unwrap();
    let told = told(book, "told", |options| options.dispatcher(dispatcher)).await;
    let (small, large) = (bare(book, "small").await, bare(book, "large").await);
    for (peer, number) in [(&small, 0), (&large, 1)] {
        ask(&peer.subscribe(&told.producer(), partition(number)).await.unwrap(), 5);
    }
    settle().await;
    (told, small, large)
}

#[tokio::test(start_paused = true)]
async fn uncovered_13_the_backlog_of_a_partition_outlives_its_consumer() {
    let mut book = Book::new();
    let (told, small, _large) = two_partitions(&book).await;
    told.cast(Emit(range(0..8))).unwrap();
    assert_eq!(book.batches("small").await, [range(0..5)]);
    assert_eq!(told.inspect().await.unwrap().buffered, 3, "events kept by a partition count as buffered");
    small.abort();
    settle().await;
    let next = bare(&book, "next").await;
    ask(&next.subscribe(&told.producer(), partition(0)).await.unwrap(), 5);
    assert_eq!(book.batches("next").await, [range(5..8)]);
}

#[tokio::test(start_paused = true)]
async fn uncovered_13_a_wrong_or_taken_partition_is_the_subscribers_error_alone() {
    let mut book = Book::new();
    let (told, _small, _large) = two_partitions(&book).await;
    for (options, error) in [
        (partition(2), "partition 2 does not exist"),
        (partition(0), "partition 0 already has a subscriber"),
        (temporary(), "must name its partition"),
    ] {
        let wrong = probe(&book, "wrong").await;
        let permanent = options.cancel(stage_core::CancelMode::Permanent);
        wrong.subscribe(&told.producer(), permanent).await.unwrap();
        let reason = soon(wrong.ended()).await;
        assert!(matches!(reason, ExitReason::Error(_)) && reason.to_string().contains(error), "{reason}");
    }
    told.cast(Emit(vec![1, 11])).unwrap();
    let seen = book.settled().await;
    assert!(seen.contains(&("small", Seen::Batch(vec![1]))), "{seen:?}");
    assert!(seen.contains(&("large", Seen::Batch(vec![11]))), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn events_that_a_selector_rejects_use_no_credit_of_their_subscriber() {
    let mut book = Book::new();
    let counter =
        counter_with(&book, "counter", |options| options.dispatcher(BroadcastDispatcher::new())).await;
    let probe = probe(&book, "probe").await;
    let share = DispatchOptions::new().selector(|event: &u64| event.is_multiple_of(10));
    probe.subscribe(&counter.producer(), window(4, 0).share(share)).await.unwrap();
    let mut got = Vec::new();
    while got.len() < 100 {
        let batch = book.batch("probe").await;
        assert!(!batch.is_empty(), "no callback for nothing");
        got.extend(batch);
    }
    assert!(got.into_iter().take(100).eq((0..).step_by(10).take(100)));
}

/// Returns the number of events that two consumers with maximum demand handle.
async fn served_without_bound(dispatcher: impl Dispatcher<u64> + 'static) -> usize {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options.dispatcher(dispatcher)).await;
    for (name, partition) in [("first", 0), ("second", 1)] {
        let probe = probe(&book, name).await;
        let share = DispatchOptions::new().partition(partition);
        probe.subscribe(&told.producer(), window(usize::MAX, 0).share(share)).await.unwrap();
    }
    for start in [0, 5] {
        settle().await;
        told.cast(Emit(range(start..start + 5))).unwrap();
    }
    let seen = book.settled().await;
    let handled = |(_, seen): &(_, Seen)| if let Seen::Batch(events) = seen { events.len() } else { 0 };
    seen.iter().map(handled).sum()
}

#[tokio::test(start_paused = true)]
async fn windows_beyond_the_range_of_counters_are_served() {
    let by_parity = |event: u64| Some((event, usize::from(event % 2 == 1)));
    assert_eq!(served_without_bound(DemandDispatcher::new()).await, 10);
    assert_eq!(served_without_bound(BroadcastDispatcher::new()).await, 20);
    assert_eq!(served_without_bound(FairDispatcher::new()).await, 10);
    assert_eq!(served_without_bound(WeightedDispatcher::new()).await, 10);
    assert_eq!(served_without_bound(PartitionDispatcher::routed(2, by_parity).unwrap()).await, 10);
}

#[tokio::test(start_paused = true)]
async fn asks_that_add_up_to_more_than_can_be_counted_are_served() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options).await;
    let step = repeater(&book, "step", 1, |options| options).await;
    step.subscribe(&told.producer(), window(usize::MAX, usize::MAX / 2)).await.unwrap();
    let peer = bare(&book, "peer").await;
    let subscription = peer.subscribe(&step.producer(), temporary()).await.unwrap();
    for _ in 0..3 {
        ask(&subscription, usize::MAX);
    }
    settle().await;
    told.cast(Emit(range(0..5))).unwrap();
    assert_eq!(book.batches("peer").await, [range(0..5)]);
}

/// Returns the demand that the stage receives for two asks that arrive together.
async fn told_of_two_asks(dispatcher: impl Dispatcher<u64> + 'static) -> Vec<Seen> {
    let mut book = Book::new();
    let told =
        told(&book, "told", |options| options.dispatcher(dispatcher).demand(DemandMode::Accumulate)).await;
    for (number, (name, asked)) in [("first", 10), ("second", 4)].into_iter().enumerate() {
        let consumer = bare(&book, name).await;
        ask(&consumer.subscribe(&told.producer(), partition(number)).await.unwrap(), asked);
    }
    settle().await;
    told.set_demand_mode(DemandMode::Forward);
    let seen = book.settled_of("told").await;
    seen.into_iter().filter(|seen| matches!(seen, Seen::Demand(_))).collect()
}

#[tokio::test(start_paused = true)]
async fn asks_that_come_in_together_are_one_demand_where_each_emission_is_spread() {
    let partitions = PartitionDispatcher::routed(2, |event| Some(by_tens(event))).unwrap();
    assert_eq!(told_of_two_asks(partitions).await, [Seen::Demand(14)]);
    assert_eq!(told_of_two_asks(DemandDispatcher::new()).await, [Seen::Demand(10), Seen::Demand(4)]);
}
