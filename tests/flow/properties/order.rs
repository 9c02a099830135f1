//! Order of events: with single stages in a row, it is that of a plain loop; the events of a key after a
//! single stage are always in order.

use std::collections::HashMap;

use flow::{Flow, Window};
use proptest::collection::vec;
use proptest::prelude::*;
use stage_core::testing::Sim;

use super::config;
use super::program::layout;
use crate::support::collect;

/// Returns up to two copies of a number.
fn copies(number: i64, by: i64) -> Vec<i64> {
    (0..number.rem_euclid(by) % 3).map(|_| number).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn stages_in_a_row_keep_the_order(
        numbers in vec(-20..50_i64, 0..300),
        first in layout(),
        second in layout(),
        by in 1..6_i64,
        seed in any::<u64>(),
    ) {
        let flow = first.of(Flow::from_items(numbers.clone())).stages(1).flat_map(move |number| copies(number, by));
        let flow = second.of(flow.shuffle()).stages(1).filter(|number| number % 3 != 0).map(|number| number * 2);
        let expected: Vec<i64> = numbers
            .iter()
            .flat_map(|number| copies(*number, by))
            .filter(|number| number % 3 != 0)
            .map(|number| number * 2)
            .collect();
        prop_assert_eq!(Sim::seeded(seed).run(collect(&flow)).unwrap(), expected);
    }

    #[test]
    fn the_events_of_a_key_keep_the_order_of_a_single_stage_before(
        keys in vec(0..10_u8, 0..300),
        first in layout(),
        second in layout(),
        seed in any::<u64>(),
    ) {
        let numbered: Vec<(u8, usize)> = keys.iter().enumerate().map(|(place, key)| (*key, place)).collect();
        let flow = first.of(Flow::from_items(numbered)).stages(1).map(|event| event);
        let lists = second
            .of(flow.partition(|event| event.0))
            .reduce(HashMap::new, |lists: &mut HashMap<u8, Vec<usize>>, (key, place)| lists.entry(key).or_default().push(place))
            .emit();
        let given: Vec<(u8, Vec<usize>)> = Sim::seeded(seed).run(collect(&lists)).unwrap();
        let all: usize = given.iter().map(|(_, places)| places.len()).sum();
        prop_assert_eq!(all, keys.len());
        for (key, places) in given {
            prop_assert!(places.is_sorted(), "{} came as {:?}", key, places);
        }
    }

    #[test]
    fn uniq_keeps_the_first_of_each_window(
        numbers in vec(0..30_u64, 0..200),
        layout in layout(),
        count in 1..50_usize,
        seed in any::<u64>(),
    ) {
        let first = |numbers: &[u64]| {
            let mut seen = std::collections::BTreeSet::new();
            numbers.iter().copied().filter(|number| seen.insert(*number)).collect::<Vec<_>>()
        };
        let flow = layout.of(Flow::from_items(numbers.clone())).stages(1);
        prop_assert_eq!(Sim::seeded(seed).run(collect(&flow.clone().uniq())).unwrap(), first(&numbers));
        let windows = flow.window(Window::count(count)).uniq().reduce(Vec::new, Vec::push).emit();
        let expected: Vec<u64> = numbers.chunks(count).flat_map(first).collect();
        prop_assert_eq!(Sim::seeded(seed).run(collect(&windows)).unwrap(), expected);
    }
}
