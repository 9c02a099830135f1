//! Section 16: the broadcast dispatcher. GenStage's "waiting" is `wanted`, its "requested" `outstanding`.

use stage_core::dispatch::{BroadcastDispatcher, DispatchOptions};
use stage_core::subscribe::SubscribeError;
use stage_core::testing::Supply;

use super::support::{A, B, C, got, join};

fn supply() -> Supply<u32> {
    Supply::new(BroadcastDispatcher::new())
}

fn figures(supply: &Supply<u32>) -> (usize, usize) {
    (supply.wanted(), supply.outstanding())
}

#[test]
fn g144_subscribing_and_cancelling_forward_no_demand() {
    let mut supply = supply();
    let stage = || DispatchOptions::new().subscriber(1);
    supply.subscribe(A, stage()).unwrap();
    assert_eq!(figures(&supply), (0, 0));
    assert_eq!(supply.cancel(A), 0);
    supply.subscribe(B, stage()).expect("a stage that left may come again");
}

/// GenStage keeps "requested" at 10 after the three events, and so stalls later: its defect. Here they are
/// accounted for.
#[test]
fn g145_events_without_subscribers_are_kept_and_accounted_for() {
    let mut supply = supply();
    join(&mut supply, &[A]);
    assert_eq!(supply.ask(A, 10), 10);
    assert_eq!(figures(&supply), (10, 10));
    assert_eq!(supply.cancel(A), 0);
    assert_eq!(figures(&supply), (0, 10));
    assert_eq!(supply.emit(0..3), 0);
    assert_eq!((supply.sent(), supply.waiting()), (vec![], 3));
    assert_eq!(figures(&supply), (0, 7));
}

/// The figures are GenStage's; there they lead to its stall, here nothing was emitted yet.
#[test]
fn g146_early_demand_serves_the_next_subscriber() {
    let mut supply = supply();
    join(&mut supply, &[A]);
    assert_eq!(supply.ask(A, 10), 10);
    join(&mut supply, &[B]);
    assert_eq!(figures(&supply), (0, 10));
    assert_eq!(supply.cancel(A), 0);
    assert_eq!(supply.ask(B, 10), 0);
    assert_eq!(figures(&supply), (10, 10));
    supply.emit(0..10);
    assert_eq!(supply.sent(), [(B, (0..10).collect())]);
}

#[test]
fn g147_a_subscriber_without_demand_holds_the_others_back() {
    let mut supply = supply();
    join(&mut supply, &[A, B]);
    assert_eq!(supply.ask(A, 10), 0);
    assert_eq!(supply.cancel(B), 10);
    assert_eq!(supply.ask(A, 10), 10);
    assert_eq!(figures(&supply), (20, 20));
}

#[test]
fn g149_a_newcomer_asks_for_more_than_is_on_its_way() {
    let mut supply = supply();
    join(&mut supply, &[A]);
    supply.ask(A, 10);
    supply.emit(0..3);
    assert_eq!(supply.sent(), [(A, vec![0, 1, 2])]);
    assert_eq!(figures(&supply), (7, 7));
    join(&mut supply, &[B]);
    assert_eq!(supply.ask(B, 20), 0);
    assert_eq!(figures(&supply), (7, 7));
    supply.emit(3..10);
    let all: Vec<_> = (3..10).collect();
    assert_eq!(got(&mut supply), [(A, all.clone()), (B, all)].into());
    assert_eq!(figures(&supply), (0, 0));
    assert_eq!(supply.ask(A, 20), 13);
}

/// GenStage's figures, 2 and 7.
#[test]
fn g150_events_already_requested_serve_another_subscriber() {
    let mut supply = supply();
    join(&mut supply, &[A]);
    supply.ask(A, 10);
    supply.cancel(A);
    join(&mut supply, &[B]);
    assert_eq!(supply.ask(B, 5), 0);
    assert_eq!(figures(&supply), (5, 10));
    supply.emit(0..3);
    assert_eq!(supply.sent(), [(B, vec![0, 1, 2])]);
    assert_eq!(figures(&supply), (2, 7));
}

#[test]
fn g151_losing_the_slowest_subscriber_forwards_only_the_difference() {
    let mut supply = supply();
    join(&mut supply, &[A]);
    supply.ask(A, 10);
    join(&mut supply, &[B]);
    assert_eq!(supply.ask(A, 5), 0);
    assert_eq!(supply.cancel(B), 5);
    assert_eq!(figures(&supply), (15, 15));
}

#[test]
fn g152_rejected_events_use_no_credit() {
    let mut supply = Supply::new(BroadcastDispatcher::<&str>::new());
    let starts =
        |prefix: &'static str| DispatchOptions::new().selector(move |event: &&str| event.starts_with(prefix));
    supply.subscribe(A, starts("pre")).unwrap();
    supply.subscribe(B, starts("pref")).unwrap();
    supply.ask(A, 4);
    assert_eq!(supply.ask(B, 4), 4);
    // A is credited 1 again, B 2: the slowest wants 1 more.
    assert_eq!(supply.emit(["prefix", "prefer", "preview", "other"]), 1);
    assert_eq!(
        got(&mut supply),
        [(A, vec!["prefix", "prefer", "preview"]), (B, vec!["prefix", "prefer"])].into()
    );
    assert_eq!(supply.wanted(), 1);
    supply.ask(A, 5);
    assert_eq!(supply.wanted(), 2);
}

#[test]
fn g154_a_stage_is_served_once() {
    let mut supply = supply();
    supply.subscribe(A, DispatchOptions::new().subscriber(7)).unwrap();
    supply.ask(A, 3);
    let again = supply.subscribe(B, DispatchOptions::new().subscriber(7)).unwrap_err();
    assert_eq!(again, SubscribeError::AlreadySubscribed);
    assert_eq!(again.to_string(), "the stage is already subscribed to this broadcast");
    assert_eq!(figures(&supply), (3, 3), "as if it had not come");
}

#[test]
fn the_slowest_rules_as_in_the_trace_of_the_specification() {
    let mut supply = supply();
    join(&mut supply, &[A, B]);
    assert_eq!(supply.ask(A, 10), 0);
    assert_eq!(supply.ask(B, 20), 10);
    supply.emit(0..10);
    assert_eq!(supply.ask(B, 20), 0);
    assert_eq!(supply.ask(A, 15), 15);
    supply.emit(10..25);
    let first: Vec<_> = (0..25).collect();
    assert_eq!(got(&mut supply), [(A, first.clone()), (B, first)].into());
    join(&mut supply, &[C]);
    assert_eq!(supply.ask(A, 5), 0);
    assert_eq!(supply.ask(C, 3), 3);
    supply.emit(25..28);
    let next: Vec<_> = (25..28).collect();
    assert_eq!(got(&mut supply), [(A, next.clone()), (B, next.clone()), (C, next)].into());
}
