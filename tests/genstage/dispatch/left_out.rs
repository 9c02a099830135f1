//! "What the suite does not cover", by its numbers, for the cases that dispatchers decide.

use stage_core::SubscribeError;
use stage_core::dispatch::{BroadcastDispatcher, DemandDispatcher, PartitionDispatcher, SubscriberOptions};
use stage_core::testing::Hub;

use super::support::{A, B, C, join, marker, take_partition};

#[test]
fn left_out_01_broadcast_serves_what_was_emitted_for_a_lost_consumer_in_order() {
    let mut hub = Hub::new(BroadcastDispatcher::new());
    join(&mut hub, &[A]);
    assert_eq!(hub.ask(A, 10), 10);
    hub.cancel(A);
    hub.emit(1..=5);
    assert_eq!(hub.waiting(), 5);
    join(&mut hub, &[B]);
    assert_eq!(hub.ask(B, 10), 0, "five are here, five on their way");
    assert_eq!(hub.sent(), [(B, vec![1, 2, 3, 4, 5])]);
    hub.emit([6]);
    assert_eq!(hub.sent(), [(B, vec![6])]);
    assert_eq!((hub.waiting(), hub.wanted(), hub.outstanding()), (0, 4, 4));
}

#[test]
fn left_out_01_partition_serves_what_was_emitted_for_a_lost_consumer_in_order() {
    let mut hub = Hub::new(PartitionDispatcher::routed(2, |event: u32| Some((event, 0))).unwrap());
    take_partition(&mut hub, A, 0);
    assert_eq!(hub.ask(A, 10), 10);
    hub.cancel(A);
    hub.emit(1..=5);
    take_partition(&mut hub, B, 0);
    assert_eq!(hub.ask(B, 10), 0);
    hub.emit([6]);
    assert_eq!(hub.sent(), [(B, vec![1, 2, 3, 4, 5]), (B, vec![6])]);
    assert_eq!((hub.waiting(), hub.wanted(), hub.outstanding()), (0, 4, 4));
}

#[test]
fn left_out_01_demand_serves_what_was_emitted_for_a_lost_consumer_in_order() {
    let mut hub = Hub::new(DemandDispatcher::new());
    join(&mut hub, &[A]);
    hub.ask(A, 10);
    hub.cancel(A);
    hub.emit(1..=4);
    hub.emit(5..=12);
    join(&mut hub, &[B]);
    assert_eq!(hub.ask(B, 10), 0);
    assert_eq!(hub.sent(), [(B, (1..=10).collect())]);
    assert_eq!(hub.waiting(), 2);
}

#[test]
fn left_out_05_events_that_the_hash_drops_are_asked_for_again() {
    let route = |event: u32| event.is_multiple_of(2).then_some((event, 0));
    let mut hub = Hub::new(PartitionDispatcher::routed(1, route).unwrap());
    take_partition(&mut hub, A, 0);
    let (mut next, mut demand) = (0, hub.ask(A, 4));
    let mut got = Vec::new();
    // A producer that emits exactly the announced demand, and a consumer with max 4, min 0.
    while got.len() < 100 {
        assert!(demand > 0, "stalled after {} events", got.len());
        let end = next + u32::try_from(demand).unwrap();
        demand = hub.emit(next..end);
        next = end;
        let before = got.len();
        got.extend(hub.sent().into_iter().flat_map(|(_, events)| events));
        if got.len() % 4 == 0 && got.len() > before {
            demand += hub.ask(A, 4);
        }
    }
    assert_eq!(got, (0..).step_by(2).take(got.len()).collect::<Vec<u32>>());
    assert_eq!(hub.discarded(), 0, "dropped on purpose");
}

#[test]
fn left_out_06_a_shuffle_never_puts_a_subscriber_without_credit_first() {
    for seed in 0..64 {
        let mut hub = Hub::new(DemandDispatcher::new().shuffled(seed));
        join(&mut hub, &[A, B, C]);
        hub.ask(B, 5);
        hub.emit(0..5);
        assert_eq!(hub.sent(), [(B, vec![0, 1, 2, 3, 4])], "seed {seed}");
        assert_eq!(hub.waiting(), 0);
    }
}

#[test]
fn left_out_07_a_third_subscription_of_a_stage_is_refused_as_the_second_was() {
    let mut hub = Hub::new(BroadcastDispatcher::new());
    let stage = || SubscriberOptions::new().subscriber(7);
    hub.subscribe(A, stage()).unwrap();
    hub.ask(A, 5);
    assert_eq!(hub.subscribe(B, stage()), Err(SubscribeError::AlreadySubscribed));
    // The engine may cancel after a refusal, as GenStage does.
    hub.cancel(B);
    assert_eq!(hub.subscribe(C, stage()), Err(SubscribeError::AlreadySubscribed));
    hub.emit([1]);
    assert_eq!(hub.sent(), [(A, vec![1])]);
}

#[test]
fn left_out_13_a_partitions_backlog_outlives_its_consumer() {
    let mut hub = Hub::new(PartitionDispatcher::routed(2, |event: u32| Some((event, 0))).unwrap());
    take_partition(&mut hub, A, 0);
    take_partition(&mut hub, B, 1);
    hub.ask(A, 2);
    hub.ask(B, 5);
    hub.emit(1..=7);
    assert_eq!(hub.sent(), [(A, vec![1, 2])]);
    hub.take_back(A, [2]);
    hub.cancel(A);
    take_partition(&mut hub, C, 0);
    hub.ask(C, 10);
    assert_eq!(hub.sent(), [(C, vec![2, 3, 4, 5, 6, 7])]);
    assert_eq!(hub.discarded(), 0);
}

#[test]
fn left_out_13_a_bad_partition_leaves_the_producer_serving() {
    let mut hub = Hub::new(PartitionDispatcher::routed(1, |event: u32| Some((event, 0))).unwrap());
    let unknown = hub.subscribe(A, SubscriberOptions::new().partition("zero")).unwrap_err();
    assert_eq!(unknown.to_string(), "partition `zero` does not exist, there are 1 (0 to 0)");
    take_partition(&mut hub, B, 0);
    hub.ask(B, 1);
    hub.emit([1]);
    assert_eq!(hub.sent(), [(B, vec![1])]);
}

#[test]
fn a_marker_behind_the_buffer_and_a_backlog_waits_for_both() {
    let mut hub = Hub::new(PartitionDispatcher::routed(2, |event: u32| Some((event, 0))).unwrap());
    take_partition(&mut hub, A, 0);
    take_partition(&mut hub, B, 1);
    hub.ask(B, 2);
    // Two in the backlog of partition 0, one in the buffer.
    hub.emit([1, 2, 3]);
    assert_eq!(hub.mark(marker(1)), None);
    hub.ask(A, 2);
    assert_eq!(hub.fired(), [], "event 3 has gone no further than the backlog");
    hub.ask(A, 1);
    assert_eq!(hub.sent().len(), 2);
    assert_eq!(hub.fired(), [marker(1)]);
}
