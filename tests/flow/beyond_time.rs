//! G10 to G13: cases of event-time windows that the original's suite leaves out.

use std::time::Duration;

use flow::{Flow, Tally, Window, WindowId};

use crate::support::{collect, gives_in_order, sorted};

#[test]
fn flow_g10_one_event_of_the_far_future_makes_no_other_late() {
    let late = Tally::new();
    let windows = Flow::from_items([0_i64, 500, 1_000_000_000, 700, 1500, 2500])
        .event_time(|at| *at, Duration::from_mins(1))
        .stages(1)
        .window(Window::fixed(Duration::from_secs(1)).count_late(&late))
        .reduce(|| 0_u32, |count, _| *count += 1)
        .on_trigger(|count, trigger| ([(trigger.window, count)], 0));
    let expected = [(0, 3), (1000, 1), (2000, 1), (1_000_000_000, 1)];
    gives_in_order(&windows, expected.map(|(start, count)| (WindowId::Fixed(start), count)));
    assert_eq!(late.get(), 0);
}

#[test]
fn flow_g11_time_without_events_costs_nothing() {
    let far = i64::MAX / 4;
    let windows = Flow::from_items([0_i64, 100_000, far])
        .event_time(|at| *at, Duration::MAX)
        .stages(1)
        .window(Window::fixed(Duration::from_millis(1)))
        .reduce(|| 0_u32, |count, _| *count += 1)
        .on_trigger(|count, trigger| ([(trigger.window, count)], 0));
    gives_in_order(&windows, [0, 100_000, far].map(|start| (WindowId::Fixed(start), 1)));
}

#[test]
fn flow_g12_events_that_come_too_late_are_counted() {
    for stages in [1, 3] {
        let late = Tally::new();
        let windows = Flow::from_items([0_i64, 5000, 1, 4999, 2, 5001])
            .event_time(|at| *at, Duration::MAX)
            .partition(|at| *at)
            .stages(stages)
            .window(Window::fixed(Duration::from_secs(1)).count_late(&late))
            .reduce(Vec::new, Vec::push)
            .emit();
        let given = stage_core::testing::Sim::seeded(0).run(collect(&windows)).unwrap();
        assert_eq!(sorted(given), [0, 5000, 5001]);
        assert_eq!(late.get(), 3);
    }
}

#[test]
fn flow_g13_times_before_zero_have_windows_of_the_same_width() {
    let windows = Flow::from_items([-1500_i64, -1000, -500, -1, 0, 500, 999, 1000])
        .event_time(|at| *at, Duration::MAX)
        .stages(1)
        .window(Window::fixed(Duration::from_secs(1)))
        .reduce(Vec::new, Vec::push)
        .on_trigger(|all, trigger| ([(trigger.window, all)], Vec::new()));
    let expected = [
        (WindowId::Fixed(-2000), vec![-1500]),
        (WindowId::Fixed(-1000), vec![-1000, -500, -1]),
        (WindowId::Fixed(0), vec![0, 500, 999]),
        (WindowId::Fixed(1000), vec![1000]),
    ];
    gives_in_order(&windows, expected);
}

#[test]
fn a_window_stays_open_until_every_source_has_passed_it() {
    // Two sources, two stages that may each have events of both, and then one stage.
    let (early, late) = ((0..200_i64).collect::<Vec<_>>(), (0..200_i64).map(|at| at * 5).collect());
    let windows = Flow::from_iters([early, late])
        .event_time(|at| *at, Duration::MAX)
        .stages(2)
        .max_demand(3)
        .map(|at| at)
        .shuffle()
        .stages(1)
        .window(Window::fixed(Duration::from_millis(50)))
        .reduce(|| 0_u32, |count, _| *count += 1)
        .on_trigger(|count, trigger| ([(trigger.window, count)], 0));
    let count = |start: u32| if start < 200 { 60 } else { 10 };
    let expected: Vec<_> =
        (0..1000).step_by(50).map(|start| (WindowId::Fixed(i64::from(start)), count(start))).collect();
    gives_in_order(&windows, expected);
}

#[test]
fn a_window_stays_open_until_all_mixed_stages_have_passed_it() {
    // One source, two stages, one that merges their events, and then one with windows.
    let windows = Flow::from_items(0..200_i64)
        .event_time(|at| *at, Duration::MAX)
        .stages(2)
        .max_demand(3)
        .map(|at| at)
        .shuffle()
        .stages(1)
        .max_demand(3)
        .map(|at| at)
        .shuffle()
        .stages(1)
        .window(Window::fixed(Duration::from_millis(10)))
        .reduce(|| 0_u32, |count, _| *count += 1)
        .on_trigger(|count, trigger| ([(trigger.window, count)], 0));
    gives_in_order(&windows, (0..20).map(|window| (WindowId::Fixed(window * 10), 10)).collect::<Vec<_>>());
}
