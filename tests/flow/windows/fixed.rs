//! F159 to F170: windows of event time, in order.

use std::time::Duration;

use flow::{EventTime, Flow, Window};

use super::{Demand, KEPT, Told, timed_sums};
use crate::support::{collect, gives_in_order, in_any_order};

fn second() -> Window<EventTime> {
    Window::fixed(Duration::from_secs(1))
}

#[test]
fn f159_four_mappers_feed_four_reducers() {
    let sums = Flow::from_items(1..=100_u64)
        .event_time(|_| 0, Duration::MAX)
        .stages(4)
        .map(|number| number)
        .partition(|number| *number)
        .stages(4)
        .window(second())
        .reduce(|| 0, |sum, number| *sum += number)
        .emit_state();
    in_any_order(async || {
        let given = collect(&sums).await.unwrap();
        assert_eq!((given.len(), given.iter().sum()), (4, 5050), "{given:?}");
    });
}

/// Returns one window, with an output every ten events.
fn kept() -> Vec<Told> {
    let (every, done) = (KEPT[..10].iter().map(|sum| (*sum, 0, "every")), (5050, 0, "done"));
    every.chain([done]).collect()
}

#[test]
fn f160_a_sum_is_kept_with_large_demand() {
    gives_in_order(&timed_sums(second().trigger_every(10), |_| 0, Demand::Large), kept());
}

#[test]
fn f161_a_sum_is_kept_with_small_demand() {
    gives_in_order(&timed_sums(second().trigger_every(10), |_| 0, Demand::Small), kept());
}

/// Returns the times: 0 for the first fifty, a second later for the others.
fn halves(number: &u64) -> i64 {
    if *number <= 50 { 0 } else { 1000 }
}

#[test]
fn f166_two_windows_are_reduced() {
    gives_in_order(&timed_sums(second(), halves, Demand::Large), [(1275, 0, "done"), (3775, 1000, "done")]);
}

/// Returns the natural order: a window is final before the next has its first trigger.
fn natural() -> Vec<Told> {
    let mut expected = Vec::new();
    expected.extend([78, 300, 666, 1176].map(|sum| (sum, 0, "every")));
    expected.push((1275, 0, "done"));
    expected.extend([678, 1500, 2466, 3576].map(|sum| (sum, 1000, "every")));
    expected.push((3775, 1000, "done"));
    expected
}

#[test]
fn f167_two_windows_with_triggers_come_in_natural_order_from_one_batch() {
    gives_in_order(&timed_sums(second().trigger_every(12), halves, Demand::Large), natural());
}

#[test]
fn f169_two_windows_with_triggers_come_in_natural_order_from_small_batches() {
    gives_in_order(&timed_sums(second().trigger_every(12), halves, Demand::Small), natural());
}
