//! Warnings of dispatchers: large asks, and events that come back from a lost subscriber of a broadcast.

use stage_core::dispatch::{BroadcastDispatcher, DemandDispatcher, DispatchWarning};
use stage_core::testing::Supply;

use super::support::{A, B, join};

#[test]
fn asks_beyond_the_first_one_are_noticed_and_served() {
    let mut supply = Supply::new(DemandDispatcher::new());
    join(&mut supply, &[A, B]);
    supply.ask(A, 10);
    supply.ask(A, 3);
    assert_eq!(supply.warnings(), []);
    assert_eq!(supply.ask(B, 11), 11);
    assert_eq!(supply.warnings(), [DispatchWarning::LargeAsk { from: B, asked: 11, max: 10 }]);
    supply.emit(0..24);
    assert_eq!(supply.sent().len(), 2);
}

#[test]
fn a_fixed_maximum_rules_the_first_ask_too() {
    let mut supply = Supply::<u32>::new(DemandDispatcher::new().max_demand(5));
    join(&mut supply, &[A]);
    supply.ask(A, 6);
    assert_eq!(supply.warnings(), [DispatchWarning::LargeAsk { from: A, asked: 6, max: 5 }]);
}

#[test]
fn unreceived_events_of_the_only_subscriber_go_to_the_next() {
    let mut supply = Supply::new(BroadcastDispatcher::new());
    join(&mut supply, &[A]);
    supply.ask(A, 5);
    supply.emit(1..=5);
    supply.sent();
    supply.take_back(A, [4, 5]);
    supply.cancel(A);
    join(&mut supply, &[B]);
    supply.ask(B, 5);
    assert_eq!(supply.sent(), [(B, vec![4, 5])]);
    assert_eq!(supply.discarded(), 0);
}

#[test]
fn events_that_others_also_got_are_discarded_and_counted() {
    let mut supply = Supply::new(BroadcastDispatcher::new());
    join(&mut supply, &[A, B]);
    supply.ask(A, 5);
    supply.ask(B, 5);
    supply.emit(1..=5);
    supply.sent();
    supply.take_back(A, [4, 5]);
    supply.cancel(A);
    assert_eq!((supply.waiting(), supply.discarded()), (0, 2));
}

#[test]
fn earlier_broadcasts_do_not_reach_a_new_subscriber() {
    let mut supply = Supply::new(BroadcastDispatcher::new());
    join(&mut supply, &[A]);
    supply.ask(A, 5);
    supply.emit(1..=5);
    supply.sent();
    join(&mut supply, &[B]);
    supply.take_back(A, [4, 5]);
    supply.cancel(A);
    supply.ask(B, 5);
    assert_eq!((supply.sent(), supply.discarded()), (vec![], 2));
}
