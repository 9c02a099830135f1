//! "What the suite does not cover", by its numbers, for the cases that dispatchers decide.

use stage_core::dispatch::{BroadcastDispatcher, DemandDispatcher, DispatchOptions, PartitionDispatcher};
use stage_core::subscribe::SubscribeError;
use stage_core::testing::Supply;

use super::support::{A, B, C, join, marker, take_partition};

#[test]
fn left_out_01_broadcast_serves_the_events_of_a_lost_consumer_in_order() {
    let mut supply = Supply::new(BroadcastDispatcher::new());
    join(&mut supply, &[A]);
    assert_eq!(supply.ask(A, 10), 10);
    supply.cancel(A);
    supply.emit(1..=5);
    assert_eq!(supply.waiting(), 5);
    join(&mut supply, &[B]);
    assert_eq!(supply.ask(B, 10), 0, "five are here, five on their way");
    assert_eq!(supply.sent(), [(B, vec![1, 2, 3, 4, 5])]);
    supply.emit([6]);
    assert_eq!(supply.sent(), [(B, vec![6])]);
    assert_eq!((supply.waiting(), supply.wanted(), supply.outstanding()), (0, 4, 4));
}

#[test]
fn left_out_01_partition_serves_the_events_of_a_lost_consumer_in_order() {
    let mut supply = Supply::new(PartitionDispatcher::routed(2, |event: u32| Some((event, 0))).unwrap());
    take_partition(&mut supply, A, 0);
    assert_eq!(supply.ask(A, 10), 10);
    supply.cancel(A);
    supply.emit(1..=5);
    take_partition(&mut supply, B, 0);
    assert_eq!(supply.ask(B, 10), 0);
    supply.emit([6]);
    assert_eq!(supply.sent(), [(B, vec![1, 2, 3, 4, 5]), (B, vec![6])]);
    assert_eq!((supply.waiting(), supply.wanted(), supply.outstanding()), (0, 4, 4));
}

#[test]
fn left_out_01_demand_serves_the_events_of_a_lost_consumer_in_order() {
    let mut supply = Supply::new(DemandDispatcher::new());
    join(&mut supply, &[A]);
    supply.ask(A, 10);
    supply.cancel(A);
    supply.emit(1..=4);
    supply.emit(5..=12);
    join(&mut supply, &[B]);
    assert_eq!(supply.ask(B, 10), 0);
    assert_eq!(supply.sent(), [(B, (1..=10).collect())]);
    assert_eq!(supply.waiting(), 2);
}

#[test]
fn left_out_05_events_that_the_hash_drops_are_asked_for_again() {
    let route = |event: u32| event.is_multiple_of(2).then_some((event, 0));
    let mut supply = Supply::new(PartitionDispatcher::routed(1, route).unwrap());
    take_partition(&mut supply, A, 0);
    let (mut next, mut demand) = (0, supply.ask(A, 4));
    let mut got = Vec::new();
    // A producer that emits exactly the announced demand, and a consumer with max 4, min 0.
    while got.len() < 100 {
        assert!(demand > 0, "stalled after {} events", got.len());
        let end = next + u32::try_from(demand).unwrap();
        demand = supply.emit(next..end);
        next = end;
        let before = got.len();
        got.extend(supply.sent().into_iter().flat_map(|(_, events)| events));
        if got.len() % 4 == 0 && got.len() > before {
            demand += supply.ask(A, 4);
        }
    }
    assert_eq!(got, (0..).step_by(2).take(got.len()).collect::<Vec<u32>>());
    assert_eq!(supply.discarded(), 0, "dropped on purpose");
}

#[test]
fn left_out_06_a_shuffle_never_puts_a_subscriber_without_credit_first() {
    for seed in 0..64 {
        let mut supply = Supply::new(DemandDispatcher::new().shuffled(seed));
        join(&mut supply, &[A, B, C]);
        supply.ask(B, 5);
        supply.emit(0..5);
        assert_eq!(supply.sent(), [(B, vec![0, 1, 2, 3, 4])], "seed {seed}");
        assert_eq!(supply.waiting(), 0);
    }
}

#[test]
fn left_out_07_a_third_subscription_of_a_stage_is_refused_as_the_second_was() {
    let mut supply = Supply::new(BroadcastDispatcher::new());
    let stage = || DispatchOptions::new().subscriber(7);
    supply.subscribe(A, stage()).unwrap();
    supply.ask(A, 5);
    assert_eq!(supply.subscribe(B, stage()), Err(SubscribeError::AlreadySubscribed));
    // The engine may cancel after a refusal, as GenStage does.
    supply.cancel(B);
    assert_eq!(supply.subscribe(C, stage()), Err(SubscribeError::AlreadySubscribed));
    supply.emit([1]);
    assert_eq!(supply.sent(), [(A, vec![1])]);
}

#[test]
fn left_out_13_a_partitions_backlog_outlives_its_consumer() {
    let mut supply = Supply::new(PartitionDispatcher::routed(2, |event: u32| Some((event, 0))).unwrap());
    take_partition(&mut supply, A, 0);
    take_partition(&mut supply, B, 1);
    supply.ask(A, 2);
    supply.ask(B, 5);
    supply.emit(1..=7);
    assert_eq!(supply.sent(), [(A, vec![1, 2])]);
    supply.take_back(A, [2]);
    supply.cancel(A);
    take_partition(&mut supply, C, 0);
    supply.ask(C, 10);
    assert_eq!(supply.sent(), [(C, vec![2, 3, 4, 5, 6, 7])]);
    assert_eq!(supply.discarded(), 0);
}

#[test]
fn left_out_13_a_bad_partition_leaves_the_producer_serving() {
    let mut supply = Supply::new(PartitionDispatcher::routed(1, |event: u32| Some((event, 0))).unwrap());
    let unknown = supply.subscribe(A, DispatchOptions::new().partition("zero")).unwrap_err();
    assert_eq!(unknown.to_string(), "partition `zero` does not exist; there are 1 (0 to 0)");
    take_partition(&mut supply, B, 0);
    supply.ask(B, 1);
    supply.emit([1]);
    assert_eq!(supply.sent(), [(B, vec![1])]);
}

#[test]
fn a_marker_behind_the_buffer_and_a_backlog_waits_for_both() {
    let mut supply = Supply::new(PartitionDispatcher::routed(2, |event: u32| Some((event, 0))).unwrap());
    take_partition(&mut supply, A, 0);
    take_partition(&mut supply, B, 1);
    supply.ask(B, 2);
    // Two in the backlog of partition 0, one in the buffer.
    supply.emit([1, 2, 3]);
    assert_eq!(supply.mark(marker(1)), None);
    supply.ask(A, 2);
    assert_eq!(supply.fired(), [], "event 3 has gone no further than the backlog");
    supply.ask(A, 1);
    assert_eq!(supply.sent().len(), 2);
    assert_eq!(supply.fired(), [marker(1)]);
}
