//! Dispatchers that GenStage does not have: fair, by tenant, weighted.

use stage_core::dispatch::{
    FairDispatcher, Notice, SubscriberOptions, TenantDispatcher, TenantQueues, WeightedDispatcher,
};
use stage_core::testing::Hub;

use super::support::{A, B, C, got, join, marker};

#[test]
fn a_large_window_brings_no_more_than_its_share() {
    let mut hub = Hub::new(FairDispatcher::new());
    join(&mut hub, &[A, B, C]);
    hub.ask(A, 1000);
    hub.ask(B, 10);
    hub.ask(C, 10);
    hub.emit(0..9);
    assert_eq!(got(&mut hub), [(A, vec![0, 3, 6]), (B, vec![1, 4, 7]), (C, vec![2, 5, 8])].into());
}

#[test]
fn a_slow_subscriber_gets_less() {
    let mut hub = Hub::new(FairDispatcher::new());
    join(&mut hub, &[A, B]);
    hub.ask(A, 100);
    hub.ask(B, 100);
    hub.emit(0..20);
    // A has handled its ten, B none: the next ten are A's.
    hub.ask(A, 10);
    hub.sent();
    hub.emit(20..30);
    assert_eq!(got(&mut hub), [(A, (20..30).collect())].into());
}

#[test]
fn weights_share_out_what_is_wanted_by_all() {
    let mut hub = Hub::new(WeightedDispatcher::new());
    hub.subscribe(A, SubscriberOptions::new().weight(5)).unwrap();
    hub.subscribe(B, SubscriberOptions::new().weight(1)).unwrap();
    hub.subscribe(C, SubscriberOptions::new().weight(1)).unwrap();
    for key in [A, B, C] {
        hub.ask(key, 100);
    }
    hub.emit(0..70);
    let shares: Vec<_> = got(&mut hub).into_values().map(|events| events.len()).collect();
    assert_eq!(shares, [50, 10, 10]);
}

#[test]
fn a_weight_of_somebody_who_wants_nothing_is_shared_by_the_others() {
    let mut hub = Hub::new(WeightedDispatcher::new());
    hub.subscribe(A, SubscriberOptions::new().weight(100)).unwrap();
    join(&mut hub, &[B, C]);
    hub.ask(A, 1);
    hub.ask(B, 50);
    hub.ask(C, 50);
    hub.emit(0..21);
    let shares: Vec<_> = got(&mut hub).into_values().map(|events| events.len()).collect();
    assert_eq!(shares, [1, 10, 10]);
}

#[test]
fn weights_are_spread_evenly_after_somebody_wanted_no_more() {
    let mut hub = Hub::new(WeightedDispatcher::new());
    for (key, weight, asked) in [(A, 100, 1), (B, 3, 60), (C, 1, 20)] {
        hub.subscribe(key, SubscriberOptions::new().weight(weight)).unwrap();
        hub.ask(key, asked);
    }
    hub.emit([0]);
    assert_eq!(hub.sent(), [(A, vec![0])]);
    for round in 0..10 {
        hub.emit(0..4);
        let shares: Vec<_> = got(&mut hub).into_iter().map(|(key, events)| (key, events.len())).collect();
        assert_eq!(shares, [(B, 3), (C, 1)], "round {round}");
    }
}

#[test]
fn a_flood_of_one_tenant_does_not_hold_the_others_up() {
    let mut hub = Hub::new(TenantDispatcher::new(TenantQueues::new(10_000), |event: &(char, u32)| event.0));
    join(&mut hub, &[A]);
    hub.emit((0..5000).map(|number| ('a', number)));
    hub.emit([('b', 1), ('b', 2), ('c', 1)]);
    hub.ask(A, 6);
    assert_eq!(hub.sent(), [(A, vec![('a', 0), ('b', 1), ('c', 1), ('a', 1), ('b', 2), ('a', 2)])]);
}

#[test]
fn a_tenant_beyond_its_bound_loses_its_own_events_and_they_are_counted() {
    let queues = TenantQueues::new(100).each(2);
    let mut hub = Hub::new(TenantDispatcher::new(queues, |event: &(char, u32)| event.0));
    join(&mut hub, &[A]);
    hub.ask(A, 1);
    hub.emit([('a', 1), ('a', 2), ('a', 3), ('b', 1), ('a', 4)]);
    assert_eq!((hub.discarded(), hub.notices()), (2, vec![Notice::TenantFull { events: 2 }]));
    hub.ask(A, 10);
    assert_eq!(hub.sent(), [(A, vec![('a', 1)]), (A, vec![('b', 1), ('a', 2)])]);
}

#[test]
fn what_tenants_do_not_find_room_for_stays_in_order() {
    let mut hub = Hub::new(TenantDispatcher::new(TenantQueues::new(2), |event: &(char, u32)| event.0));
    join(&mut hub, &[A]);
    hub.emit((0..6).map(|number| ('a', number)));
    assert_eq!((hub.waiting(), hub.discarded()), (6, 0));
    assert_eq!(hub.mark(marker(1)), None);
    hub.ask(A, 5);
    assert_eq!(
        (got(&mut hub), hub.fired()),
        ([(A, (0..5).map(|number| ('a', number)).collect())].into(), vec![])
    );
    hub.ask(A, 1);
    assert_eq!((hub.sent(), hub.fired()), (vec![(A, vec![('a', 5)])], vec![marker(1)]));
}
