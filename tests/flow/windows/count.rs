//! F146 to F158: windows by count.

use flow::{Flow, LayerFlow, Trigger, TriggerName, Window, WindowId};

use super::{After, Demand, KEPT, RESET, Told, sums, told};
use crate::support::{collect, gives_in_order, in_any_order};

fn single() -> Window {
    Window::count(1000).trigger_every(10)
}

#[test]
fn f146_four_mappers_feed_four_reducers() {
    let sums = Flow::from_items(1..=100_u64)
        .stages(4)
        .map(|number| number)
        .partition(|number| *number)
        .stages(4)
        .window(Window::count(1000))
        .reduce(|| 0, |sum, number| *sum += number)
        .emit_state();
    in_any_order(async || {
        let given = collect(&sums).await.unwrap();
        assert_eq!((given.len(), given.iter().sum()), (4, 5050), "{given:?}");
    });
}

#[test]
fn f147_a_sum_is_kept_with_large_demand() {
    gives_in_order(&sums(single(), Demand::Large, After::Keep), KEPT);
}

#[test]
fn f149_a_sum_is_reset_with_large_demand() {
    gives_in_order(&sums(single(), Demand::Large, After::Reset), RESET);
}

#[test]
fn f150_a_sum_is_reset_with_small_demand() {
    gives_in_order(&sums(single(), Demand::Small, After::Reset), RESET);
}

#[test]
fn f152_a_trigger_has_its_name_and_its_window() {
    let triggers = Flow::from_items(1..=100_u64)
        .stages(1)
        .window(single())
        .reduce(|| 0, |sum, number| *sum += number)
        .on_trigger(|sum, trigger: &Trigger| {
            ([(sum, trigger.place.of, trigger.window, trigger.name.clone())], 0)
        });
    let every = |sum| (sum, 1, WindowId::Count(0), TriggerName::Every(10));
    let mut expected: Vec<_> = RESET[..10].iter().map(|sum| every(*sum)).collect();
    expected.push((0, 1, WindowId::Count(0), TriggerName::Done));
    gives_in_order(&triggers, expected);
}

/// Returns the sums of 1 to 100 in windows of 50.
fn double(window: Window, demand: Demand) -> LayerFlow<flow::time::Untimed, Told> {
    demand
        .of(Flow::from_iters([(1..=100).collect::<Vec<_>>()]))
        .stages(1)
        .window(window)
        .reduce(|| 0, |sum, number| *sum += number)
        .on_trigger(|sum, trigger| ([told(sum, trigger)], sum))
}

const WINDOWS: [Told; 3] = [(1275, 0, "done"), (3775, 1, "done"), (0, 2, "done")];

#[test]
fn f155_each_window_is_reduced_with_large_demand() {
    gives_in_order(&double(Window::count(50), Demand::Large), WINDOWS);
}

#[test]
fn f156_the_count_to_a_trigger_restarts_in_each_window() {
    let mut expected = Vec::new();
    expected.extend([78, 300, 666, 1176].map(|sum| (sum, 0, "every")));
    expected.push(WINDOWS[0]);
    expected.extend([678, 1500, 2466, 3576].map(|sum| (sum, 1, "every")));
    expected.extend([WINDOWS[1], WINDOWS[2]]);
    gives_in_order(&double(Window::count(50).trigger_every(12), Demand::Large), &expected);
    gives_in_order(&double(Window::count(50).trigger_every(12), Demand::Small), expected);
}

#[test]
fn f157_each_window_is_reduced_with_small_demand() {
    gives_in_order(&double(Window::count(50), Demand::Small), WINDOWS);
}
