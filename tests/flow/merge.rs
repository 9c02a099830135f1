//! F110 to F114: several flows merged into one.

use std::time::Duration;

use flow::{Flow, LayerFlow, Window};

use crate::support::{gives, in_any_order, key_to, of_four};

/// Returns the odd and the even numbers to 100, each doubled.
fn halves() -> LayerFlow<flow::time::Untimed, u64> {
    let doubled = |first: u64| Flow::from_items((first..=100).step_by(2)).map(|number| number * 2);
    doubled(1).merge([doubled(2)])
}

/// Returns the same, with the first half of each a second before the second half.
fn timed_halves() -> LayerFlow<flow::time::Timed, u64> {
    let doubled = |first: u64| {
        Flow::from_items((first..=100).step_by(2))
            .event_time(|number| if *number <= 50 { 0 } else { 1000 }, Duration::MAX)
            .map(|number| number * 2)
    };
    doubled(1).merge([doubled(2)])
}

#[test]
fn f110_merged_flows_are_partitioned_together() {
    let sums = halves()
        .partition(|number| *number)
        .stages(4)
        .min_demand(5)
        .reduce(|| 0, |sum, number| *sum += number)
        .emit_state();
    in_any_order(async || {
        let given = crate::support::collect(&sums).await.unwrap();
        assert_eq!((given.len(), given.iter().sum()), (4, 10_100), "{given:?}");
    });
}

#[test]
fn f111_merged_flows_may_all_go_to_one_partition() {
    let sums = halves()
        .partition_with(|number| Some((number, 0)))
        .stages(4)
        .reduce(|| 0, |sum, number| *sum += number)
        .emit_state();
    gives(&sums, [0, 0, 0, 10_100]);
}

#[test]
fn f112_merged_flows_are_windowed_by_the_time_of_both() {
    let sums = timed_halves()
        .partition(|number| key_to(of_four(*number), 4))
        .stages(4)
        .window(Window::fixed(Duration::from_secs(1)))
        .reduce(|| 0, |sum, number| *sum += number)
        .emit_state();
    gives(&sums, [594, 596, 654, 706, 1248, 1964, 2066, 2272]);
}

#[test]
fn f114_merged_flows_are_shuffled_into_windows() {
    let sums = timed_halves()
        .shuffle()
        .stages(1)
        .window(Window::fixed(Duration::from_secs(1)))
        .reduce(|| 0, |sum, number| *sum += number)
        .emit_state();
    gives(&sums, [2550, 7550]);
}
