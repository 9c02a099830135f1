//! Dispatchers that GenStage does not have: fair, by tenant, weighted.

use stage_core::dispatch::{
    DispatchOptions, DispatchWarning, FairDispatcher, TenantDispatcher, TenantQueues, WeightedDispatcher,
};
use stage_core::testing::Supply;

use super::support::{A, B, C, got, join, marker};

#[test]
fn a_large_window_brings_no_more_than_its_share() {
    let mut supply = Supply::new(FairDispatcher::new());
    join(&mut supply, &[A, B, C]);
    supply.ask(A, 1000);
    supply.ask(B, 10);
    supply.ask(C, 10);
    supply.emit(0..9);
    assert_eq!(got(&mut supply), [(A, vec![0, 3, 6]), (B, vec![1, 4, 7]), (C, vec![2, 5, 8])].into());
}

#[test]
fn a_slow_subscriber_gets_less() {
    let mut supply = Supply::new(FairDispatcher::new());
    join(&mut supply, &[A, B]);
    supply.ask(A, 100);
    supply.ask(B, 100);
    supply.emit(0..20);
    // A has handled its ten, B none: the next ten are A's.
    supply.ask(A, 10);
    supply.sent();
    supply.emit(20..30);
    assert_eq!(got(&mut supply), [(A, (20..30).collect())].into());
}

#[test]
fn weights_divide_the_common_demand() {
    let mut supply = Supply::new(WeightedDispatcher::new());
    supply.subscribe(A, DispatchOptions::new().weight(5)).unwrap();
    supply.subscribe(B, DispatchOptions::new().weight(1)).unwrap();
    supply.subscribe(C, DispatchOptions::new().weight(1)).unwrap();
    for key in [A, B, C] {
        supply.ask(key, 100);
    }
    supply.emit(0..70);
    let shares: Vec<_> = got(&mut supply).into_values().map(|events| events.len()).collect();
    assert_eq!(shares, [50, 10, 10]);
}

#[test]
fn the_weight_of_a_subscriber_without_demand_is_shared_by_the_others() {
    let mut supply = Supply::new(WeightedDispatcher::new());
    supply.subscribe(A, DispatchOptions::new().weight(100)).unwrap();
    join(&mut supply, &[B, C]);
    supply.ask(A, 1);
    supply.ask(B, 50);
    supply.ask(C, 50);
    supply.emit(0..21);
    let shares: Vec<_> = got(&mut supply).into_values().map(|events| events.len()).collect();
    assert_eq!(shares, [1, 10, 10]);
}

#[test]
fn weights_are_spread_evenly_after_a_subscriber_stopped_asking() {
    let mut supply = Supply::new(WeightedDispatcher::new());
    for (key, weight, asked) in [(A, 100, 1), (B, 3, 60), (C, 1, 20)] {
        supply.subscribe(key, DispatchOptions::new().weight(weight)).unwrap();
        supply.ask(key, asked);
    }
    supply.emit([0]);
    assert_eq!(supply.sent(), [(A, vec![0])]);
    for round in 0..10 {
        supply.emit(0..4);
        let shares: Vec<_> = got(&mut supply).into_iter().map(|(key, events)| (key, events.len())).collect();
        assert_eq!(shares, [(B, 3), (C, 1)], "round {round}");
    }
}

#[test]
fn a_flood_of_one_tenant_does_not_hold_the_others_up() {
    let mut supply =
        Supply::new(TenantDispatcher::new(TenantQueues::new(10_000), |event: &(char, u32)| event.0));
    join(&mut supply, &[A]);
    supply.emit((0..5000).map(|number| ('a', number)));
    supply.emit([('b', 1), ('b', 2), ('c', 1)]);
    supply.ask(A, 6);
    assert_eq!(supply.sent(), [(A, vec![('a', 0), ('b', 1), ('c', 1), ('a', 1), ('b', 2), ('a', 2)])]);
}

#[test]
fn a_tenant_beyond_its_bound_loses_its_own_events_and_they_are_counted() {
    let queues = TenantQueues::new(100).each(2);
    let mut supply = Supply::new(TenantDispatcher::new(queues, |event: &(char, u32)| event.0));
    join(&mut supply, &[A]);
    supply.ask(A, 1);
    supply.emit([('a', 1), ('a', 2), ('a', 3), ('b', 1), ('a', 4)]);
    assert_eq!((supply.discarded(), supply.warnings()), (2, vec![DispatchWarning::TenantFull { events: 2 }]));
    supply.ask(A, 10);
    assert_eq!(supply.sent(), [(A, vec![('a', 1)]), (A, vec![('b', 1), ('a', 2)])]);
}

#[test]
fn events_beyond_the_room_of_tenants_stay_in_order() {
    let mut supply = Supply::new(TenantDispatcher::new(TenantQueues::new(2), |event: &(char, u32)| event.0));
    join(&mut supply, &[A]);
    supply.emit((0..6).map(|number| ('a', number)));
    assert_eq!((supply.waiting(), supply.discarded()), (6, 0));
    assert_eq!(supply.mark(marker(1)), None);
    supply.ask(A, 5);
    assert_eq!(
        (got(&mut supply), supply.fired()),
        ([(A, (0..5).map(|number| ('a', number)).collect())].into(), vec![])
    );
    supply.ask(A, 1);
    assert_eq!((supply.sent(), supply.fired()), (vec![(A, vec![('a', 5)])], vec![marker(1)]));
}
