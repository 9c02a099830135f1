//! Windows by count, and triggers by count, compared with slices of the input, whatever the demand.

use flow::{Flow, TriggerName, Window, WindowId};
use proptest::collection::vec;
use proptest::prelude::*;
use stage_core::testing::Sim;

use super::config;
use super::program::layout;
use crate::support::collect;

/// An output: the window, whether it is final, and its events.
type Told = (u64, bool, Vec<u64>);

/// Returns the windows of `count` events, emitted every `every` events too; each keeps its emitted state.
fn reference(numbers: &[u64], count: usize, every: usize) -> Vec<Told> {
    let mut told = Vec::new();
    let whole = numbers.len() / count;
    for number in 0..=whole {
        let window = &numbers[number * count..numbers.len().min((number + 1) * count)];
        let id = number as u64;
        told.extend((1..=window.len() / every).map(|times| (id, false, window[..times * every].to_vec())));
        told.push((id, true, window.to_vec()));
    }
    told
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn windows_by_count_are_slices_of_the_input(
        numbers in vec(0..100_u64, 0..200),
        count in 1..60_usize,
        every in 1..30_usize,
        layout in layout(),
        seed in any::<u64>(),
    ) {
        let flow = layout
            .of(Flow::from_items(numbers.clone()))
            .stages(1)
            .window(Window::count(count).trigger_every(every))
            .reduce(Vec::new, Vec::push)
            .on_trigger(|events: Vec<u64>, trigger| {
                let WindowId::Count(number) = trigger.window else { panic!("{trigger:?}") };
                ([(number, trigger.is_done(), events.clone())], events)
            });
        let given = Sim::seeded(seed).run(collect(&flow)).unwrap();
        prop_assert_eq!(given, reference(&numbers, count, every));
    }

    #[test]
    fn each_stage_emits_a_window_per_count_of_its_events(
        numbers in vec(0..100_u64, 0..200),
        every in 1..30_usize,
        layout in layout(),
        seed in any::<u64>(),
    ) {
        let flow = layout
            .of(Flow::from_items(numbers.clone()).partition(|number| *number))
            .window(Window::global().trigger_every(every))
            .reduce(Vec::new, Vec::push)
            .on_trigger(|events: Vec<u64>, trigger| ([(trigger.name.clone(), events)], Vec::new()));
        let given: Vec<(TriggerName, Vec<u64>)> = Sim::seeded(seed).run(collect(&flow)).unwrap();
        let mut all: Vec<u64> = Vec::new();
        for (name, events) in given {
            match name {
                TriggerName::Done => prop_assert!(events.len() < every),
                name => {
                    prop_assert_eq!(name, TriggerName::Every(every));
                    prop_assert_eq!(events.len(), every);
                }
            }
            all.extend(events);
        }
        prop_assert_eq!(crate::support::sorted(all), crate::support::sorted(numbers));
    }
}

#[test]
fn the_reference_agrees_with_the_table() {
    let sums = |count, every| {
        let numbers: Vec<u64> = (1..=100).collect();
        reference(&numbers, count, every).iter().map(|told| told.2.iter().sum()).collect::<Vec<u64>>()
    };
    assert_eq!(sums(50, 12), [78, 300, 666, 1176, 1275, 678, 1500, 2466, 3576, 3775, 0]);
}
