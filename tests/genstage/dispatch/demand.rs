//! Section 15: the demand dispatcher. GenStage's "pending" is `outstanding` less the wanted events: demand
//! that was announced for a subscriber that left.

use stage_core::dispatch::{DemandDispatcher, SubscriptionKey};
use stage_core::testing::Supply;

use super::support::{A, B, C, join, marker};

fn supply() -> Supply<u32> {
    Supply::new(DemandDispatcher::new())
}

/// Returns the number of events per message, with the subscription.
fn counts(supply: &mut Supply<u32>) -> Vec<(SubscriptionKey, usize)> {
    supply.sent().into_iter().map(|(key, events)| (key, events.len())).collect()
}

#[test]
fn g135_subscribing_and_cancelling_forward_no_demand() {
    let mut supply = supply();
    join(&mut supply, &[A]);
    assert_eq!((supply.wanted(), supply.outstanding()), (0, 0));
    assert_eq!(supply.cancel(A), 0);
    assert_eq!((supply.wanted(), supply.outstanding()), (0, 0));
}

#[test]
fn g136_demand_of_a_subscriber_that_left_serves_the_next_one() {
    let mut supply = supply();
    join(&mut supply, &[A]);
    assert_eq!(supply.ask(A, 10), 10);
    assert_eq!(supply.cancel(A), 0);
    assert_eq!(supply.outstanding() - supply.wanted(), 10);
    join(&mut supply, &[A]);
    assert_eq!(supply.ask(A, 5), 0);
    assert_eq!(supply.outstanding() - supply.wanted(), 5);
    assert_eq!(supply.cancel(A), 0);
    assert_eq!(supply.outstanding() - supply.wanted(), 10);
    assert_eq!(supply.emit(0..3), 0);
    assert_eq!((supply.sent(), supply.waiting(), supply.outstanding()), (vec![], 3, 7));
    assert_eq!(supply.emit(3..13), 0);
    assert_eq!((supply.sent(), supply.waiting(), supply.outstanding()), (vec![], 13, 0));
}

#[test]
fn g137_demand_left_by_one_of_two_is_used_for_the_left_over_events() {
    let mut supply = supply();
    join(&mut supply, &[A, B]);
    assert_eq!((supply.ask(A, 3), supply.ask(B, 3)), (3, 3));
    assert_eq!(supply.cancel(B), 0);
    assert_eq!(supply.outstanding() - supply.wanted(), 3);
    supply.emit(0..5);
    assert_eq!(supply.sent(), [(A, vec![0, 1, 2])]);
    assert_eq!((supply.waiting(), supply.outstanding()), (2, 1));
}

#[test]
fn g139_subscribers_are_ordered_by_demand() {
    let mut supply = supply();
    join(&mut supply, &[A, B, C]);
    let forwarded = [(A, 4), (B, 2), (C, 3), (C, 2), (B, 4)].map(|(key, asked)| supply.ask(key, asked));
    assert_eq!(forwarded, [4, 2, 3, 2, 4]);
    supply.emit(0..15);
    assert_eq!(counts(&mut supply), [(B, 6), (C, 5), (A, 4)]);
}

#[test]
fn g140_each_emission_goes_to_the_largest_demand() {
    let mut supply = supply();
    join(&mut supply, &[A, B]);
    supply.ask(A, 3);
    supply.ask(B, 2);
    supply.emit(0..5);
    assert_eq!(counts(&mut supply), [(A, 3), (B, 2)]);
    supply.emit(5..8);
    assert_eq!((counts(&mut supply), supply.waiting()), (vec![], 3));

    let mut supply = self::supply();
    join(&mut supply, &[A, B]);
    supply.ask(A, 3);
    supply.ask(B, 3);
    supply.emit(0..2);
    assert_eq!(counts(&mut supply), [(A, 2)]);
    supply.emit(2..4);
    assert_eq!(counts(&mut supply), [(B, 2)]);
    supply.emit(4..7);
    assert_eq!((counts(&mut supply), supply.waiting()), (vec![(A, 1), (B, 1)], 1));
}

#[test]
fn g141_the_first_dispatch_goes_in_a_shuffled_order_and_no_other() {
    let mut orders = std::collections::BTreeSet::new();
    for seed in 0..32 {
        let mut supply = Supply::new(DemandDispatcher::new().shuffled(seed));
        join(&mut supply, &[A, B]);
        supply.ask(A, 3);
        supply.ask(B, 2);
        supply.emit(0..5);
        let first = counts(&mut supply);
        assert!(first == [(A, 3), (B, 2)] || first == [(B, 2), (A, 3)], "{first:?}");
        orders.insert(first);
        supply.ask(A, 3);
        supply.ask(B, 2);
        supply.emit(5..10);
        assert_eq!(counts(&mut supply), [(A, 3), (B, 2)]);
    }
    assert_eq!(orders.len(), 2, "the seed decides");
}

#[test]
fn g142_a_marker_fires_at_once_when_nothing_waits() {
    let mut supply = supply();
    join(&mut supply, &[A]);
    supply.ask(A, 5);
    assert_eq!(supply.mark(marker(1)), Some(marker(1)));
    assert_eq!((supply.wanted(), supply.outstanding(), supply.fired()), (5, 5, vec![]));
}

#[test]
fn load_is_balanced_by_emission() {
    let mut supply = supply();
    join(&mut supply, &[A, B]);
    supply.ask(A, 4);
    supply.ask(B, 4);
    for count in [1, 1, 1, 3, 2, 2] {
        supply.emit(0..count);
    }
    assert_eq!(counts(&mut supply), [(A, 1), (B, 1), (A, 1), (B, 3), (A, 2)]);
    assert_eq!(supply.waiting(), 2);
}
