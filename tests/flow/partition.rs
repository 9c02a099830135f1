//! F095 to F102: by key, by route, after a shuffle, with windows.

use std::time::Duration;

use flow::{Flow, Window};

use crate::support::{gives, key_to, of_four, of_two};

#[test]
fn f095_a_route_may_send_everything_to_one_partition() {
    let all = Flow::from_items(1..=10_u64)
        .partition_with(|number| Some((number, 0)))
        .stages(4)
        .reduce(Vec::new, Vec::push)
        .emit_state();
    gives(&all, [vec![], vec![], vec![], (1..=10).collect()]);
}

/// Each key twice: the values of a key meet in one stage.
const PAIRS: [(u64, u64); 6] = [(1, 1), (2, 2), (3, 3), (1, 4), (2, 5), (3, 6)];

#[test]
fn f096_an_element_of_a_tuple_is_a_key() {
    let values = Flow::from_items(PAIRS)
        .partition(|(key, _)| key_to(of_two(*key), 2))
        .stages(2)
        .map(|(_, value)| value)
        .reduce(Vec::new, Vec::push)
        .emit_state();
    gives(&values, [vec![1, 2, 4, 5], vec![3, 6]]);
}

#[derive(Clone)]
struct Record {
    key: u64,
    value: u64,
}

fn records() -> [Record; 6] {
    PAIRS.map(|(key, value)| Record { key, value })
}

#[test]
fn f097_a_field_is_a_key() {
    let values = Flow::from_items(records())
        .partition(|record| key_to(of_two(record.key), 2))
        .stages(2)
        .map(|record| record.value)
        .reduce(Vec::new, Vec::push)
        .emit_state();
    gives(&values, [vec![1, 2, 4, 5], vec![3, 6]]);
}

#[test]
fn f099_a_shuffle_before_a_partition_is_a_separate_layer() {
    let values = Flow::from_items(records())
        .shuffle()
        .stages(2)
        .map(|record| record)
        .partition_with(|record| {
            let partition = of_two(record.key);
            Some((record, partition))
        })
        .stages(2)
        .map(|record| record.value)
        .reduce(Vec::new, Vec::push)
        .on_trigger(|mut values: Vec<u64>, _| {
            values.sort_unstable();
            ([values], Vec::new())
        });
    let outline = values.explain();
    let stages: Vec<_> = outline.layers().iter().map(|layer| layer.stages).collect();
    assert_eq!(stages, [1, 2, 2], "{outline}");
    gives(&values, [vec![1, 2, 4, 5], vec![3, 6]]);
}

#[test]
fn f100_each_partition_has_its_own_windows() {
    let sums = Flow::from_items(1..=100_u64)
        .event_time(|number| if *number <= 50 { 0 } else { 1000 }, Duration::MAX)
        .partition(|number| key_to(of_four(*number), 4))
        .stages(4)
        .window(Window::fixed(Duration::from_secs(1)))
        .reduce(|| 0, |sum, number| *sum += number)
        .emit_state();
    gives(&sums, [173, 361, 364, 377, 797, 865, 895, 1218]);
}
