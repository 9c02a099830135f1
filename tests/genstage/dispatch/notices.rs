//! Notices of dispatchers: large asks, and events that come back from a lost subscriber of a broadcast.

use stage_core::dispatch::{BroadcastDispatcher, DemandDispatcher, Notice};
use stage_core::testing::Hub;

use super::support::{A, B, join};

#[test]
fn asks_beyond_the_first_one_are_noticed_and_served() {
    let mut hub = Hub::new(DemandDispatcher::new());
    join(&mut hub, &[A, B]);
    hub.ask(A, 10);
    hub.ask(A, 3);
    assert_eq!(hub.notices(), []);
    assert_eq!(hub.ask(B, 11), 11);
    assert_eq!(hub.notices(), [Notice::LargeAsk { from: B, asked: 11, max: 10 }]);
    hub.emit(0..24);
    assert_eq!(hub.sent().len(), 2);
}

#[test]
fn a_fixed_maximum_rules_the_first_ask_too() {
    let mut hub = Hub::<u32>::new(DemandDispatcher::new().max_demand(5));
    join(&mut hub, &[A]);
    hub.ask(A, 6);
    assert_eq!(hub.notices(), [Notice::LargeAsk { from: A, asked: 6, max: 5 }]);
}

#[test]
fn what_the_only_subscriber_did_not_receive_goes_to_the_next() {
    let mut hub = Hub::new(BroadcastDispatcher::new());
    join(&mut hub, &[A]);
    hub.ask(A, 5);
    hub.emit(1..=5);
    hub.sent();
    hub.take_back(A, [4, 5]);
    hub.cancel(A);
    join(&mut hub, &[B]);
    hub.ask(B, 5);
    assert_eq!(hub.sent(), [(B, vec![4, 5])]);
    assert_eq!(hub.discarded(), 0);
}

#[test]
fn what_others_got_too_is_discarded_and_counted() {
    let mut hub = Hub::new(BroadcastDispatcher::new());
    join(&mut hub, &[A, B]);
    hub.ask(A, 5);
    hub.ask(B, 5);
    hub.emit(1..=5);
    hub.sent();
    hub.take_back(A, [4, 5]);
    hub.cancel(A);
    assert_eq!((hub.waiting(), hub.discarded()), (0, 2));
}

#[test]
fn what_was_broadcast_before_somebody_came_does_not_go_to_it() {
    let mut hub = Hub::new(BroadcastDispatcher::new());
    join(&mut hub, &[A]);
    hub.ask(A, 5);
    hub.emit(1..=5);
    hub.sent();
    join(&mut hub, &[B]);
    hub.take_back(A, [4, 5]);
    hub.cancel(A);
    hub.ask(B, 5);
    assert_eq!((hub.sent(), hub.discarded()), (vec![], 2));
}
