//! Section 17: the partition dispatcher. GenStage's "waiting" is `outstanding` less the orphaned demand, its
//! "pending" the orphaned demand. Where the table sends events to queues without a subscriber, they wait here
//! in the buffer, which is bounded and visible.

use stage_core::dispatch::{DispatchOptions, DispatchWarning, PartitionDispatcher, PartitionError};
use stage_core::subscribe::SubscribeError;
use stage_core::testing::Supply;

use super::support::{A, B, marker, take_partition};

type Route = fn(u32) -> Option<(u32, usize)>;

const ALL_TO_ZERO: Route = |event| Some((event, 0));

fn supply(partitions: usize, route: Route) -> Supply<u32> {
    Supply::new(PartitionDispatcher::routed(partitions, route).expect("some partitions"))
}

/// Both partitions asked for five, and seven events for the first one came: it got five of them, and no
/// demand is left. Returns the supply with five events in the backlog of partition 0.
fn backed_up() -> Supply<u32> {
    let mut supply = supply(2, ALL_TO_ZERO);
    take_partition(&mut supply, A, 0);
    take_partition(&mut supply, B, 1);
    supply.ask(A, 5);
    supply.ask(B, 5);
    supply.emit([1, 2]);
    supply.emit([5, 6, 7, 8, 9, 10, 11, 12]);
    supply
}

#[test]
fn g155_demand_of_one_partition_serves_another() {
    let mut supply = supply(2, ALL_TO_ZERO);
    take_partition(&mut supply, A, 0);
    assert_eq!(supply.ask(A, 10), 10);
    assert_eq!(supply.cancel(A), 0);
    assert_eq!(supply.outstanding() - supply.wanted(), 10);
    take_partition(&mut supply, B, 1);
    assert_eq!(supply.ask(B, 5), 0);
    assert_eq!((supply.outstanding(), supply.outstanding() - supply.wanted()), (10, 5));
    assert_eq!(supply.cancel(B), 0);
    assert_eq!((supply.outstanding(), supply.wanted()), (10, 0));
    assert_eq!(supply.emit(0..4), 0);
    assert_eq!((supply.sent(), supply.waiting(), supply.outstanding()), (vec![], 4, 6));
}

#[test]
fn g156_a_partition_gets_its_demand() {
    let mut supply = supply(1, ALL_TO_ZERO);
    take_partition(&mut supply, A, 0);
    supply.ask(A, 3);
    supply.emit([1]);
    assert_eq!((supply.sent(), supply.wanted()), (vec![(A, vec![1])], 2));
    supply.ask(A, 3);
    assert_eq!(supply.wanted(), 5);
    supply.emit([2, 3, 4, 5, 6, 9, 11]);
    assert_eq!(supply.sent(), [(A, vec![2, 3, 4, 5, 6])]);
    assert_eq!((supply.waiting(), supply.wanted()), (2, 0));
}

#[test]
fn g157_partitions_may_have_names() {
    let parity = |event: u32| Some((event, if event.is_multiple_of(2) { "even" } else { "odd" }));
    let mut supply = Supply::new(PartitionDispatcher::routed(["odd", "even"], parity).unwrap());
    supply.subscribe(A, DispatchOptions::new().partition("odd")).unwrap();
    supply.ask(A, 3);
    supply.emit([1]);
    assert_eq!((supply.sent(), supply.wanted()), (vec![(A, vec![1])], 2));
    supply.ask(A, 3);
    assert_eq!(supply.wanted(), 5);
    supply.emit([5, 7, 9, 11, 13, 15, 17]);
    assert_eq!(supply.sent(), [(A, vec![5, 7, 9, 11, 13])]);
    assert_eq!((supply.waiting(), supply.wanted()), (2, 0));
}

#[test]
fn g159_events_wait_for_the_subscriber_of_their_partition() {
    let mut supply = supply(2, ALL_TO_ZERO);
    take_partition(&mut supply, B, 1);
    assert_eq!(supply.ask(B, 5), 5);
    supply.emit([1, 2, 5, 6, 7]);
    assert_eq!((supply.sent(), supply.wanted(), supply.waiting()), (vec![], 0, 5));
    take_partition(&mut supply, A, 0);
    assert_eq!(supply.ask(A, 5), 5);
    assert_eq!(supply.sent(), [(A, vec![1, 2, 5, 6, 7])]);
    supply.emit([1, 2]);
    assert_eq!((supply.wanted(), supply.outstanding()), (3, 3));
}

/// The second half of G159: events that came without demand are served first, and only the rest is announced.
#[test]
fn left_over_events_are_served_before_more_demand() {
    let mut supply = supply(2, ALL_TO_ZERO);
    take_partition(&mut supply, B, 1);
    supply.ask(B, 5);
    supply.emit([1, 2, 5, 6, 7]);
    supply.emit([8, 9]);
    take_partition(&mut supply, A, 0);
    assert_eq!(supply.ask(A, 5), 3);
    assert_eq!(supply.sent(), [(A, vec![1, 2, 5, 6, 7])]);
    assert_eq!(supply.waiting(), 2);
}

#[test]
fn g160_a_backlog_is_served_at_the_next_ask() {
    let mut supply = backed_up();
    assert_eq!(supply.sent(), [(A, vec![1, 2]), (A, vec![5, 6, 7])]);
    assert_eq!((supply.wanted(), supply.waiting()), (0, 5));
    assert_eq!(supply.ask(A, 5), 5);
    assert_eq!(supply.sent(), [(A, vec![8, 9, 10, 11, 12])]);
}

/// GenStage discards the five events silently, asks for five more and releases the marker. Here they wait for
/// the next subscriber of the partition, and the marker after them.
#[test]
fn g161_a_backlog_and_its_marker_wait_for_the_next_subscriber() {
    let mut supply = backed_up();
    assert_eq!(supply.mark(marker(1)), None);
    assert_eq!(supply.cancel(A), 0);
    assert_eq!((supply.waiting(), supply.fired(), supply.discarded()), (5, vec![], 0));
    supply.sent();
    take_partition(&mut supply, A, 0);
    supply.ask(A, 5);
    assert_eq!(supply.sent(), [(A, vec![8, 9, 10, 11, 12])]);
    assert_eq!(supply.fired(), [marker(1)]);
}

#[test]
fn a_backlog_without_a_subscriber_is_counted_and_releases_its_marker() {
    let mut supply = backed_up();
    supply.mark(marker(1));
    assert_eq!(supply.finish(A), 5);
    assert_eq!((supply.waiting(), supply.fired(), supply.discarded()), (0, vec![marker(1)], 5));
}

#[test]
fn g162_a_marker_fires_at_once_when_nothing_waits() {
    let mut supply = supply(2, ALL_TO_ZERO);
    take_partition(&mut supply, A, 0);
    supply.ask(A, 5);
    assert_eq!(supply.mark(marker(1)), Some(marker(1)));
    assert_eq!((supply.wanted(), supply.outstanding()), (5, 5));
}

#[test]
fn g164_a_marker_waits_until_every_backlog_has_passed_it() {
    let mut supply = backed_up();
    assert_eq!(supply.mark(marker(1)), None);
    assert_eq!(supply.ask(A, 4), 4);
    assert_eq!(supply.fired(), []);
    supply.ask(A, 1);
    assert_eq!(supply.fired(), [marker(1)]);
}

#[test]
fn a_marker_waits_for_the_last_of_several_backlogs() {
    let mut supply = supply(3, |event| Some((event, event as usize % 2)));
    take_partition(&mut supply, A, 2);
    supply.ask(A, 4);
    supply.emit([0, 1, 2, 3]);
    assert_eq!(supply.mark(marker(1)), None);
    assert_eq!(supply.mark(marker(2)), None);
    take_partition(&mut supply, B, 0);
    supply.ask(B, 2);
    assert_eq!(supply.fired(), []);
    supply.cancel(A);
    take_partition(&mut supply, A, 1);
    supply.ask(A, 2);
    assert_eq!(supply.fired(), [marker(1), marker(2)]);
}

/// GenStage raises, which ends the producer.
#[test]
fn g165_an_event_for_an_unknown_partition_is_reported_and_costs_nothing_else() {
    let mut supply = supply(1, |event| Some((event, if event > 2 { 8 } else { 0 })));
    take_partition(&mut supply, A, 0);
    supply.ask(A, 3);
    assert_eq!(supply.emit([1, 3, 4]), 2);
    assert_eq!(supply.sent(), [(A, vec![1])]);
    assert_eq!(supply.discarded(), 2);
    let warning = DispatchWarning::UnknownPartition { partition: 8.into(), events: 2 };
    assert_eq!(warning.to_string(), "2 events were routed to partition 8, which does not exist");
    assert_eq!(supply.warnings(), [warning]);
}

/// A malformed result of the hash is a type error. The remaining case is a name that does not exist.
#[test]
fn g166_an_unknown_name_is_reported_too() {
    let route = |event: u32| Some((event, "none"));
    let mut supply = Supply::new(PartitionDispatcher::routed(["odd", "even"], route).unwrap());
    supply.subscribe(A, DispatchOptions::new().partition("odd")).unwrap();
    supply.ask(A, 3);
    assert_eq!(supply.emit([1]), 1);
    assert_eq!(
        supply.warnings(),
        [DispatchWarning::UnknownPartition { partition: "none".into(), events: 1 }]
    );
}

/// Missing partitions are a typed error; names without a function to route by are a type error.
#[test]
fn g167_no_partitions_and_doubled_names_are_errors_when_built() {
    let none = PartitionDispatcher::routed(0, ALL_TO_ZERO).unwrap_err();
    assert_eq!(none, PartitionError::None);
    assert_eq!(none.to_string(), "a partition dispatcher must have at least 1 partition, got 0");
    let doubled = PartitionDispatcher::routed(["a", "b", "a"], |event: u32| Some((event, "a")));
    assert_eq!(doubled.unwrap_err().to_string(), "partition names must differ, got `a` twice");
    assert_eq!(PartitionDispatcher::<u32, ()>::hashed(0).map(drop).unwrap_err(), PartitionError::None);
}

#[test]
fn a_wrong_partition_is_an_error_of_the_subscriber() {
    let route = |event: u32| Some((event, "odd"));
    let mut supply = Supply::new(PartitionDispatcher::routed(["odd", "even"], route).unwrap());
    let unknown = supply.subscribe(A, DispatchOptions::new().partition("prime")).unwrap_err();
    assert_eq!(unknown.to_string(), "partition `prime` does not exist; there are 2 (`odd`, `even`)");
    assert_eq!(supply.subscribe(A, DispatchOptions::new()), Err(SubscribeError::NoPartition));
    supply.subscribe(A, DispatchOptions::new().partition("odd")).unwrap();
    let taken = supply.subscribe(B, DispatchOptions::new().partition("odd")).unwrap_err();
    assert_eq!(taken.to_string(), "partition `odd` already has a subscriber");
}

#[test]
fn the_default_hash_spreads_events_over_all_partitions() {
    let mut supply = Supply::new(PartitionDispatcher::hashed(4).unwrap());
    for partition in 0..4 {
        let key = stage_core::dispatch::SubscriptionKey::new(partition);
        take_partition(&mut supply, key, partition);
        supply.ask(key, 1000);
    }
    supply.emit(0..1000_u32);
    let got = super::support::got(&mut supply);
    assert_eq!(got.values().map(Vec::len).sum::<usize>(), 1000);
    assert!(got.values().all(|events| events.len() > 200), "{got:?}");
}

#[test]
fn the_route_may_rewrite_an_event() {
    let mut supply = supply(1, |event| Some((event * 10, 0)));
    take_partition(&mut supply, A, 0);
    supply.ask(A, 2);
    supply.emit([1, 2]);
    assert_eq!(supply.sent(), [(A, vec![10, 20])]);
}
