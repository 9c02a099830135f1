//! F171 to F182: events that arrive after their window. Lateness depends neither on batches nor on stages, so
//! the figures are those of the original for small batches.

use std::time::Duration;

use flow::time::Untimed;
use flow::{EventTime, Flow, LayerFlow, Tally, Window};

use stage_core::testing::Sim;

use super::{Demand, Told, timed_sums, told};
use crate::support::{collect, gives_in_order, in_any_order};

/// Returns the times: 1 to 40 at 0, 41 to 80 two seconds later, 81 to 100 again at 0.
fn disordered(number: &u64) -> i64 {
    if (41..=80).contains(number) { 2000 } else { 0 }
}

fn second() -> Window<EventTime> {
    Window::fixed(Duration::from_secs(1))
}

fn one_stage(window: Window<EventTime>, demand: Demand) -> LayerFlow<Untimed, Told> {
    timed_sums(window, disordered, demand)
}

/// Returns two stages before the one with the windows; all events go through one of them.
fn two_stages(window: Window<EventTime>, demand: Demand) -> LayerFlow<Untimed, Told> {
    demand
        .of(Flow::from_iters([(1..=100).collect::<Vec<_>>()]))
        .event_time(disordered, Duration::MAX)
        .partition(|_| 0)
        .stages(2)
        .map(|number| number)
        .shuffle()
        .stages(1)
        .window(window)
        .reduce(|| 0, |sum, number| *sum += number)
        .on_trigger(|sum, trigger| ([told(sum, trigger)], sum))
}

const WITHOUT_THE_LATE: [Told; 2] = [(820, 0, "done"), (2420, 2000, "done")];
const WITH_THE_GAP: [Told; 3] = [(820, 0, "done"), (0, 1000, "done"), (2420, 2000, "done")];
/// Every twelve events of each window, without the late ones.
const EVERY_TWELVE: [Told; 8] = [
    (78, 0, "every"),
    (300, 0, "every"),
    (666, 0, "every"),
    (820, 0, "done"),
    (558, 2000, "every"),
    (1260, 2000, "every"),
    (2106, 2000, "every"),
    (2420, 2000, "done"),
];

#[test]
fn f171_one_stage_with_large_demand() {
    let late = Tally::new();
    gives_in_order(&one_stage(second(), Demand::Large), WITHOUT_THE_LATE);
    gives_in_order(&one_stage(second().emit_empty(), Demand::Large), WITH_THE_GAP);
    let counted = one_stage(second().count_late(&late), Demand::Large);
    Sim::seeded(0).run(collect(&counted)).unwrap();
    assert_eq!(late.get(), 20);
}

#[test]
fn f172_one_stage_with_large_demand_and_triggers() {
    gives_in_order(&one_stage(second().trigger_every(12), Demand::Large), EVERY_TWELVE);
}

#[test]
fn f174_one_stage_with_small_demand_and_triggers() {
    gives_in_order(&one_stage(second().trigger_every(12), Demand::Small), EVERY_TWELVE);
}

#[test]
fn an_empty_window_is_emitted_before_later_windows() {
    let mut expected = EVERY_TWELVE.to_vec();
    expected.insert(4, (0, 1000, "done"));
    assert_eq!(expected.len(), 9);
    gives_in_order(&one_stage(second().trigger_every(12).emit_empty(), Demand::Small), expected);
}

#[test]
fn f176_two_stages_with_large_demand() {
    gives_in_order(&two_stages(second(), Demand::Large), WITHOUT_THE_LATE);
    gives_in_order(&two_stages(second().emit_empty(), Demand::Large), WITH_THE_GAP);
}

/// Checks the outputs by window: each is emitted in order, before the next is final; the time at which its
/// stage learns that it is complete depends on the stages before, and on which of them have events.
fn by_window(demand: Demand) {
    in_any_order(async || {
        let mut given = collect(&two_stages(second().trigger_every(12), demand)).await.unwrap();
        assert_eq!(given.last(), EVERY_TWELVE.last());
        given.sort_by_key(|told| told.1);
        assert_eq!(given, EVERY_TWELVE);
    });
}

#[test]
fn f177_two_stages_with_large_demand_and_triggers() {
    by_window(Demand::Large);
}

#[test]
fn f179_two_stages_with_small_demand_and_triggers() {
    by_window(Demand::Small);
}

fn an_hour() -> Window<EventTime> {
    second().allowed_lateness(Duration::from_hours(1))
}

const HANDED_OUT_TWICE: [Told; 3] = [(820, 0, "watermark"), (2630, 0, "done"), (2420, 2000, "done")];

#[test]
fn f180_one_stage_with_large_demand_and_lateness() {
    gives_in_order(&one_stage(an_hour(), Demand::Large), HANDED_OUT_TWICE);
}

#[test]
fn f181_one_stage_with_large_demand_and_lateness_and_triggers() {
    let expected = [
        (78, 0, "every"),
        (300, 0, "every"),
        (666, 0, "every"),
        (820, 0, "watermark"),
        (558, 2000, "every"),
        (1260, 2000, "every"),
        (2106, 2000, "every"),
        (1496, 0, "every"),
        (2630, 0, "every"),
        (2630, 0, "done"),
        (2420, 2000, "done"),
    ];
    gives_in_order(&one_stage(an_hour().trigger_every(12), Demand::Large), expected);
}

#[test]
fn f182_one_stage_with_small_demand_and_lateness() {
    gives_in_order(&one_stage(an_hour(), Demand::Small), HANDED_OUT_TWICE);
    let gaps = [
        (820, 0, "watermark"),
        (0, 1000, "watermark"),
        (2630, 0, "done"),
        (0, 1000, "done"),
        (2420, 2000, "done"),
    ];
    gives_in_order(&one_stage(an_hour().emit_empty(), Demand::Small), gaps);
}
