//! Tests of flows over small data, with every step and window.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::trivially_copy_pass_by_ref, reason = "time functions take events by reference")]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flow::join::Inner;
use flow::{Flow, FlowError, Next, Sessions, Tally, TriggerName, Window, WindowId};

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items
}

#[tokio::test]
async fn steps_are_done_in_their_order() {
    let flow = Flow::from_iters([vec![1, 2, 3], vec![4, 5, 6]])
        .filter(|number| number % 2 == 0)
        .map(|number| number + 1)
        .map(|number| number * 2)
        .stages(2);
    assert_eq!(sorted(flow.collect::<Vec<_>>().await.unwrap()), [6, 10, 14]);
    assert_eq!(flow.count().await.unwrap(), 3);
}

#[tokio::test]
async fn a_flat_map_keeps_the_order_of_a_single_stage() {
    let flow = Flow::from_items([1, 2]).flat_map(|x| [x, 10 * x, 100 * x]).stages(1);
    assert_eq!(flow.collect::<Vec<_>>().await.unwrap(), [1, 10, 100, 2, 20, 200]);
}

#[tokio::test]
async fn a_partition_brings_equal_keys_together() {
    let flow = Flow::from_slice((0..10_000_u64).collect::<Vec<_>>())
        .partition(|number| number % 10)
        .stages(4)
        .reduce(HashMap::new, |counts: &mut HashMap<u64, u64>, number| {
            *counts.entry(number % 10).or_default() += 1;
        })
        .emit();
    let counts: Vec<(u64, u64)> = flow.collect().await.unwrap();
    assert_eq!(sorted(counts), (0..10).map(|key| (key, 1000)).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_trigger_fires_at_its_event_and_again_at_the_end() {
    let sums = |reset: bool| {
        Flow::from_items(1..=100_u64)
            .stages(1)
            .window(Window::global().trigger_every(10))
            .reduce(|| 0, |sum, number| *sum += number)
            .on_trigger(move |sum, _| ([sum], if reset { 0 } else { sum }))
    };
    let kept: Vec<u64> = sums(false).collect().await.unwrap();
    assert_eq!(kept, [55, 210, 465, 820, 1275, 1830, 2485, 3240, 4095, 5050, 5050]);
    let reset: Vec<u64> = sums(true).collect().await.unwrap();
    assert_eq!(reset, [55, 155, 255, 355, 455, 555, 655, 755, 855, 955, 0]);
}

#[tokio::test]
async fn windows_by_count_are_numbered_and_the_last_may_be_empty() {
    let flow = Flow::from_items(1..=100_u64)
        .stages(1)
        .window(Window::count(50).trigger_every(12))
        .reduce(|| 0, |sum, number| *sum += number)
        .on_trigger(|sum, trigger| ([(sum, trigger.window, trigger.is_done())], sum));
    let all: Vec<(u64, WindowId, bool)> = flow.collect().await.unwrap();
    let expected = [78, 300, 666, 1176, 1275]
        .map(|sum| (sum, WindowId::Count(0), sum == 1275))
        .into_iter()
        .chain([678, 1500, 2466, 3576, 3775].map(|sum| (sum, WindowId::Count(1), sum == 3775)))
        .chain([(0, WindowId::Count(2), true)]);
    assert_eq!(all, expected.collect::<Vec<_>>());
}

/// Event times: 0 for 1 to 40, 2000 for 41 to 80, and 0, which is late, for 81 to 100.
fn disordered(number: &u64) -> i64 {
    if (41..=80).contains(number) { 2000 } else { 0 }
}

#[tokio::test]
async fn the_count_of_late_events_does_not_depend_on_the_batches() {
    for demand in [1000, 5] {
        let late = Tally::new();
        let flow = Flow::from_items(1..=100_u64)
            .event_time(disordered, Duration::MAX)
            .stages(1)
            .max_demand(demand)
            .min_demand(0)
            .window(Window::fixed(Duration::from_secs(1)).count_late(&late).emit_empty())
            .reduce(|| 0, |sum, number| *sum += number)
            .emit_state();
        let sums: Vec<u64> = flow.collect().await.unwrap();
        assert_eq!(sums, [820, 0, 2420]);
        assert_eq!(late.get(), 20);
    }
}

#[tokio::test]
async fn lateness_that_is_allowed_hands_out_a_window_twice() {
    let flow = Flow::from_items(1..=100_u64)
        .event_time(disordered, Duration::MAX)
        .stages(1)
        .window(Window::fixed(Duration::from_secs(1)).allowed_lateness(Duration::from_hours(1)))
        .reduce(|| 0, |sum, number| *sum += number)
        .on_trigger(|sum, trigger| ([(sum, trigger.window, trigger.name.clone())], sum));
    let all: Vec<(u64, WindowId, TriggerName)> = flow.collect().await.unwrap();
    let expected = [
        (820, WindowId::Fixed(0), TriggerName::Watermark),
        (2630, WindowId::Fixed(0), TriggerName::Done),
        (2420, WindowId::Fixed(2000), TriggerName::Done),
    ];
    assert_eq!(all, expected);
}

#[tokio::test]
async fn an_event_is_in_every_sliding_window_that_contains_it() {
    let flow = Flow::from_items([-500_i64, 0, 700, 1200])
        .event_time(|at| *at, Duration::MAX)
        .stages(1)
        .sliding_window(Window::sliding(Duration::from_secs(1), Duration::from_millis(500)))
        .reduce(Vec::new, Vec::push)
        .on_trigger(|all, trigger| ([(trigger.window, all)], Vec::new()));
    let all: Vec<(WindowId, Vec<i64>)> = flow.collect().await.unwrap();
    let expected = [
        (-1000, vec![-500]),
        (-500, vec![-500, 0]),
        (0, vec![0, 700]),
        (500, vec![700, 1200]),
        (1000, vec![1200]),
    ];
    assert_eq!(all, expected.map(|(start, all)| (WindowId::Sliding(start), all)));
}

#[tokio::test]
async fn uniq_streams_in_order() {
    let flow = Flow::from_items([1, 2, 1, 3, 2, 4]).uniq().stages(1);
    assert_eq!(flow.collect::<Vec<_>>().await.unwrap(), [1, 2, 3, 4]);
    let evicted = Tally::new();
    let flow = Flow::from_items([1, 2, 1, 3, 1]).uniq_by_most(2, &evicted, |number| *number).stages(1);
    assert_eq!(flow.collect::<Vec<_>>().await.unwrap(), [1, 2, 3, 1]);
    assert_eq!(evicted.get(), 2);
}

#[tokio::test]
async fn the_first_events_end_the_run() {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let flow = Flow::from_items(0_u64..)
        .inspect(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        })
        .max_demand(1)
        .stages(1);
    assert_eq!(flow.first(1).await.unwrap(), [0]);
    assert!(seen.load(Ordering::Relaxed) < 2000);
}

#[tokio::test]
async fn a_panic_ends_the_flow_with_an_error_that_names_the_stage() {
    let flow = Flow::from_items(1..=10_u64).named("picky").stages(1).map(|number| {
        assert!(number != 7, "seven is too much");
        number
    });
    let error = flow.collect::<Vec<_>>().await.unwrap_err();
    let FlowError::Stage { stage, reason } = &error else { panic!("{error}") };
    assert!(stage.starts_with("picky"), "{stage}");
    assert_eq!(reason.to_string(), "panicked: seven is too much");
}

#[tokio::test]
async fn a_failure_emits_no_reduced_value() {
    let done = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&done);
    let flow = Flow::from_items(1..=10_u64)
        .stages(2)
        .map(|number| {
            assert!(number != 7, "seven is too much");
            number
        })
        .partition(|number| *number)
        .stages(2)
        .reduce(|| 0, |sum, number| *sum += number)
        .on_trigger(move |sum, _| {
            count.fetch_add(1, Ordering::Relaxed);
            ([sum], 0)
        });
    assert!(flow.collect::<Vec<u64>>().await.is_err());
    assert_eq!(done.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_partition_that_does_not_exist_is_an_error() {
    let flow =
        Flow::from_items(1..=4_usize).partition_with(|user| Some((user, user))).stages(4).named("by user");
    let error = flow.collect::<Vec<_>>().await.unwrap_err();
    assert!(matches!(error, FlowError::Partition { partition: 4, last: 3, .. }), "{error}");
}

#[tokio::test]
async fn merged_flows_emit_the_events_of_each() {
    let odd = Flow::from_items((1..10).step_by(2)).map(|number| number * 2);
    let even = Flow::from_items((2..11).step_by(2)).map(|number| number * 2);
    let all = odd.merge([even]).map(|number| number / 2);
    assert_eq!(sorted(all.collect::<Vec<_>>().await.unwrap()), (1..=10).collect::<Vec<_>>());
}

#[test]
fn synchronous_code_gets_the_same() {
    let flow = Flow::from_items(0..1000_u64).map(|number| number + 1).stages(2);
    assert_eq!(flow.iter().map(Result::unwrap).sum::<u64>(), 500_500);
    assert_eq!(flow.collect_blocking::<Vec<_>>().unwrap().len(), 1000);
}

#[test]
fn a_plan_is_shown_before_it_runs() {
    let flow = Flow::from_items(0..10_u64)
        .map(|number| number + 1)
        .stages(3)
        .partition(|number| *number)
        .stages(2)
        .filter(|number| *number > 3);
    let plan = "0: iterator × 1\n1: map × 3 ← 0; demand auto\n2: filter × 2 ← 1 by partition; demand auto\n";
    assert_eq!(flow.explain().to_string(), plan);
    assert!(flow.explain().to_mermaid().contains("l1 -- by partition --> l2"));
}

#[test]
fn a_plan_has_the_operators_windows_and_demand_of_each_layer() {
    let window = Window::fixed(Duration::from_secs(60)).allowed_lateness(Duration::from_secs(5));
    let counts = Flow::from_items(0..10_i64)
        .event_time(|at| *at, Duration::MAX)
        .filter(|at| *at > 3)
        .stages(2)
        .max_demand(100)
        .partition(|at| *at)
        .named("per minute")
        .stages(4)
        .window(window)
        .reduce(|| 0, |count, _| *count += 1)
        .departition(|| 0, |sum, count| *sum += count, |sum, _| sum);
    let plan = counts.explain();
    assert_eq!(
        plan.to_string(),
        "0: iterator × 1\n\
         1: filter × 2 ← 0; demand up to 100\n\
         2: per minute (reduce) × 4 ← 1 by partition; windows of 60s, open for 5s more; demand auto\n\
         3: departition × 1 ← 2; demand auto\n"
    );
    let per_minute = &plan.layers()[2];
    assert_eq!((per_minute.is_partitioned, per_minute.stages, &*per_minute.from), (true, 4, &[1][..]));
    assert_eq!(per_minute.windows.as_deref(), Some("windows of 60s, open for 5s more"));
    assert!(plan.to_mermaid().contains("per minute (reduce) × 4<br>windows of 60s"), "{}", plan.to_mermaid());
    let numbers = || Flow::from_items(0..10_i64).event_time(|at| *at, Duration::MAX).stages(1);
    let joined =
        numbers().window_join(Inner, Window::fixed(Duration::from_secs(1)), numbers(), |at| *at, |at| *at);
    let plan = joined.clone().stages(2).explain().to_string();
    assert!(plan.contains("; windows of 1s; demand auto"), "{plan}");
    let counts = joined.stages(2).window(Window::count(10)).reduce(|| 0, |count, _| *count += 1).emit_state();
    let plan = counts.explain().to_string();
    assert!(plan.contains("; windows of 1s; then windows of 10 events; demand auto"), "{plan}");
    let gaps = Sessions::new(Duration::from_secs(10)).allowed_lateness(Duration::from_secs(1));
    let visits =
        numbers().sessions(gaps, |_| 'v', || 0, |count, _| *count += 1, |count, more| *count += more);
    let plan = visits.stages(2).explain().to_string();
    assert!(plan.contains("; sessions with gaps of 10s, open for 1s more; demand auto"), "{plan}");
}

#[test]
fn a_plan_tells_what_a_table_is_asked_for_and_what_is_partitioned() {
    let (orders, names) = (Flow::from_items([(1, 30)]).stages(2), Flow::from_items([(1, "a")]).stages(1));
    let joined = orders.clone().lookup_join(Inner, names.clone(), |order| order.0, |name| name.0).stages(2);
    let plan = joined.explain().to_string();
    assert!(plan.contains("lookup × 2 ← ") && !plan.contains("by partition"), "{plan}");
    let joined = orders.bounded_join(Inner, names, |order| order.0, |name| name.0).stages(2);
    let plan = joined.explain().to_string();
    assert!(plan.contains("join × 2 ← 1, 3 by partition"), "{plan}");
}

#[tokio::test]
async fn a_custom_trigger_sees_each_batch_and_may_hold_events_back() {
    // A moving window of two: fires with the first two, and shows all but the first again.
    let flow = Flow::from_iters([["a", "b", "c"], ["d", "e", "f"]])
        .stages(1)
        .trigger(Vec::new, |held: &mut Vec<&str>, batch: Vec<&str>| {
            held.extend(batch);
            if held.len() < 2 {
                return Next::Reduce(Vec::new());
            }
            let before = vec![held[0], held[1]];
            let after = held.drain(..).skip(1).collect();
            Next::Fire { name: "moving".into(), before, after }
        })
        .reduce(Vec::new, Vec::push)
        .on_trigger(|pair, trigger| (Some((pair, trigger.is_done())), Vec::new()));
    let all: Vec<(Vec<&str>, bool)> = flow.collect().await.unwrap();
    assert_eq!(all.len(), 6);
    assert!(all[..5].iter().all(|(pair, done)| pair.len() == 2 && !done));
    assert!(all[..5].windows(2).all(|two| two[0].0[1] == two[1].0[0]));
    assert_eq!(all[5], (Vec::new(), true));
}

#[tokio::test]
async fn the_output_of_on_trigger_is_merged_by_window() {
    let sums = Flow::from_items(1..=10_u64)
        .stages(1)
        .window(Window::count(4))
        .reduce(|| 0, |sum, number| *sum += number)
        .on_trigger(|sum, trigger| ([(trigger.clone(), sum * 10)], sum))
        .departition(Vec::new, Vec::push, |sums, window| (window, sums));
    let expected =
        [100, 260, 190].into_iter().zip(0..).map(|(sum, number)| (WindowId::Count(number), vec![sum]));
    assert_eq!(sums.collect::<Vec<_>>().await.unwrap(), expected.collect::<Vec<_>>());
    let all = Flow::from_items(1..=100_u64)
        .partition(|number| *number)
        .stages(3)
        .reduce(|| 0, |sum, number| *sum += number)
        .on_trigger(|sum, trigger| ([(trigger.clone(), sum + 1)], sum))
        .departition(|| 0, |all, sum| *all += sum, |all, _| all);
    assert_eq!(all.collect::<Vec<_>>().await.unwrap(), [5053]);
}
