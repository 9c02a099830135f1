//! Section 16: the broadcast dispatcher. GenStage's "waiting" is `wanted`, its "requested" `outstanding`.

use stage_core::SubscribeError;
use stage_core::dispatch::{BroadcastDispatcher, SubscriberOptions};
use stage_core::testing::Hub;

use super::support::{A, B, C, got, join};

fn hub() -> Hub<u32> {
    Hub::new(BroadcastDispatcher::new())
}

fn figures(hub: &Hub<u32>) -> (usize, usize) {
    (hub.wanted(), hub.outstanding())
}

#[test]
fn g144_subscribing_and_cancelling_forward_no_demand() {
    let mut hub = hub();
    let stage = || SubscriberOptions::new().subscriber(1);
    hub.subscribe(A, stage()).unwrap();
    assert_eq!(figures(&hub), (0, 0));
    assert_eq!(hub.cancel(A), 0);
    hub.subscribe(B, stage()).expect("a stage that left may come again");
}

/// GenStage keeps "requested" at 10 after the three events, and so stalls later: its defect. Here they are
/// accounted for.
#[test]
fn g145_events_for_nobody_are_kept_and_accounted_for() {
    let mut hub = hub();
    join(&mut hub, &[A]);
    assert_eq!(hub.ask(A, 10), 10);
    assert_eq!(figures(&hub), (10, 10));
    assert_eq!(hub.cancel(A), 0);
    assert_eq!(figures(&hub), (0, 10));
    assert_eq!(hub.emit(0..3), 0);
    assert_eq!((hub.sent(), hub.waiting()), (vec![], 3));
    assert_eq!(figures(&hub), (0, 7));
}

/// The figures are GenStage's; there they lead to its stall, here nothing was emitted yet.
#[test]
fn g146_early_demand_serves_whoever_comes() {
    let mut hub = hub();
    join(&mut hub, &[A]);
    assert_eq!(hub.ask(A, 10), 10);
    join(&mut hub, &[B]);
    assert_eq!(figures(&hub), (0, 10));
    assert_eq!(hub.cancel(A), 0);
    assert_eq!(hub.ask(B, 10), 0);
    assert_eq!(figures(&hub), (10, 10));
    hub.emit(0..10);
    assert_eq!(hub.sent(), [(B, (0..10).collect())]);
}

#[test]
fn g147_who_did_not_ask_holds_the_others_up() {
    let mut hub = hub();
    join(&mut hub, &[A, B]);
    assert_eq!(hub.ask(A, 10), 0);
    assert_eq!(hub.cancel(B), 10);
    assert_eq!(hub.ask(A, 10), 10);
    assert_eq!(figures(&hub), (20, 20));
}

#[test]
fn g149_a_newcomer_asks_for_more_than_is_on_its_way() {
    let mut hub = hub();
    join(&mut hub, &[A]);
    hub.ask(A, 10);
    hub.emit(0..3);
    assert_eq!(hub.sent(), [(A, vec![0, 1, 2])]);
    assert_eq!(figures(&hub), (7, 7));
    join(&mut hub, &[B]);
    assert_eq!(hub.ask(B, 20), 0);
    assert_eq!(figures(&hub), (7, 7));
    hub.emit(3..10);
    let all: Vec<_> = (3..10).collect();
    assert_eq!(got(&mut hub), [(A, all.clone()), (B, all)].into());
    assert_eq!(figures(&hub), (0, 0));
    assert_eq!(hub.ask(A, 20), 13);
}

/// GenStage's figures, 2 and 7.
#[test]
fn g150_events_already_requested_serve_another_subscriber() {
    let mut hub = hub();
    join(&mut hub, &[A]);
    hub.ask(A, 10);
    hub.cancel(A);
    join(&mut hub, &[B]);
    assert_eq!(hub.ask(B, 5), 0);
    assert_eq!(figures(&hub), (5, 10));
    hub.emit(0..3);
    assert_eq!(hub.sent(), [(B, vec![0, 1, 2])]);
    assert_eq!(figures(&hub), (2, 7));
}

#[test]
fn g151_losing_who_held_up_forwards_only_the_difference() {
    let mut hub = hub();
    join(&mut hub, &[A]);
    hub.ask(A, 10);
    join(&mut hub, &[B]);
    assert_eq!(hub.ask(A, 5), 0);
    assert_eq!(hub.cancel(B), 5);
    assert_eq!(figures(&hub), (15, 15));
}

#[test]
fn g152_rejected_events_use_no_credit() {
    let mut hub = Hub::new(BroadcastDispatcher::<&str>::new());
    let starts = |prefix: &'static str| {
        SubscriberOptions::new().selector(move |event: &&str| event.starts_with(prefix))
    };
    hub.subscribe(A, starts("pre")).unwrap();
    hub.subscribe(B, starts("pref")).unwrap();
    hub.ask(A, 4);
    assert_eq!(hub.ask(B, 4), 4);
    // A is credited 1 again, B 2: the slowest wants 1 more.
    assert_eq!(hub.emit(["prefix", "prefer", "preview", "other"]), 1);
    assert_eq!(
        got(&mut hub),
        [(A, vec!["prefix", "prefer", "preview"]), (B, vec!["prefix", "prefer"])].into()
    );
    assert_eq!(hub.wanted(), 1);
    hub.ask(A, 5);
    assert_eq!(hub.wanted(), 2);
}

#[test]
fn g154_a_stage_is_served_once() {
    let mut hub = hub();
    hub.subscribe(A, SubscriberOptions::new().subscriber(7)).unwrap();
    hub.ask(A, 3);
    let again = hub.subscribe(B, SubscriberOptions::new().subscriber(7)).unwrap_err();
    assert_eq!(again, SubscribeError::AlreadySubscribed);
    assert_eq!(again.to_string(), "the stage is already subscribed to this broadcast");
    assert_eq!(figures(&hub), (3, 3), "as if it had not come");
}

#[test]
fn the_slowest_rules_as_in_the_trace_of_the_specification() {
    let mut hub = hub();
    join(&mut hub, &[A, B]);
    assert_eq!(hub.ask(A, 10), 0);
    assert_eq!(hub.ask(B, 20), 10);
    hub.emit(0..10);
    assert_eq!(hub.ask(B, 20), 0);
    assert_eq!(hub.ask(A, 15), 15);
    hub.emit(10..25);
    let first: Vec<_> = (0..25).collect();
    assert_eq!(got(&mut hub), [(A, first.clone()), (B, first)].into());
    join(&mut hub, &[C]);
    assert_eq!(hub.ask(A, 5), 0);
    assert_eq!(hub.ask(C, 3), 3);
    hub.emit(25..28);
    let next: Vec<_> = (25..28).collect();
    assert_eq!(got(&mut hub), [(A, next.clone()), (B, next.clone()), (C, next)].into());
}
