//! F145, F154, F162, F165: windows emitted by a timer of their reducer, or by a custom trigger.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use flow::{Alarms, Flow, LayerFlow, Next, Place, Trigger, TriggerName, Window, WindowId, Workers};
use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use crate::support::{gives_in_order, in_any_order};

/// An output: the sum, the place, the window, and the trigger.
type Told = (u64, Place, WindowId, TriggerName);

const AFTER: Duration = Duration::from_millis(200);

/// Sets the timer of the case at the start of its window.
fn begin(alarms: &mut Alarms) -> u64 {
    alarms.set("sample", AFTER);
    0
}

fn tell(sum: u64, trigger: &Trigger) -> ([Told; 1], u64) {
    ([(sum, trigger.place, trigger.window, trigger.name.clone())], sum)
}

/// Returns the numbers to ten, and then waits.
fn numbers() -> impl futures_util::Stream<Item = u64> + Send + 'static {
    stream::iter(1..=10_u64).chain(stream::pending())
}

/// Checks that the doubled numbers are emitted once, when the timer fires.
fn rings_once(flow: &LayerFlow<flow::time::Untimed, Told>, window: WindowId) {
    in_any_order(async || {
        let began = Instant::now();
        let mut events = flow.stream_on(Workers::Current).await.unwrap();
        let sample = TriggerName::Custom("sample".into());
        let expected = (110, Place { index: 0, of: 1 }, window, sample);
        assert_eq!(events.next().await.unwrap().unwrap(), expected);
        assert_eq!(began.elapsed(), AFTER);
        let nothing = tokio::time::timeout(Duration::from_mins(1), events.next()).await;
        assert!(nothing.is_err(), "{nothing:?}");
    });
}

fn add(sum: &mut u64, number: u64, _alarms: &mut Alarms) {
    *sum += number;
}

#[test]
fn f145_a_timer_of_the_reducer_hands_the_global_window_out() {
    let sums = Flow::from_stream(numbers).stages(1).map(|number| number * 2);
    rings_once(&sums.reduce_with_alarms(begin, add).on_trigger(tell), WindowId::Global);
}

#[test]
fn f154_a_timer_of_the_reducer_hands_a_window_by_count_out() {
    let sums = Flow::from_stream(numbers).stages(1).map(|number| number * 2).window(Window::count(1000));
    rings_once(&sums.reduce_with_alarms(begin, add).on_trigger(tell), WindowId::Count(0));
}

#[test]
fn f165_a_timer_of_the_reducer_hands_a_window_of_event_time_out() {
    let numbers = Flow::from_stream(numbers).event_time(|_| 0, Duration::MAX).stages(1);
    let sums = numbers.map(|number| number * 2).window(Window::fixed(Duration::from_secs(1)));
    rings_once(&sums.reduce_with_alarms(begin, add).on_trigger(tell), WindowId::Fixed(0));
}

#[test]
fn a_timer_ends_with_its_window() {
    // Each window of two sets a timer; only the timer of the window that stays open fires.
    let sums = Flow::from_stream(|| stream::iter(1..=5_u64).chain(stream::pending()))
        .stages(1)
        .window(Window::count(2))
        .reduce_with_alarms(begin, add)
        .on_trigger(|sum, trigger| ([(sum, trigger.window, trigger.is_done())], sum));
    in_any_order(async || {
        let mut events = sums.stream_on(Workers::Current).await.unwrap();
        let mut given = Vec::new();
        while let Ok(Some(event)) = tokio::time::timeout(Duration::from_mins(1), events.next()).await {
            given.push(event.unwrap());
        }
        let expected = [(3, 0, true), (7, 1, true), (5, 2, false)];
        assert_eq!(given, expected.map(|(sum, number, done)| (sum, WindowId::Count(number), done)));
    });
}

#[test]
fn f162_a_trigger_sees_each_event_once_before_the_steps_of_a_window_of_event_time() {
    let looked = Arc::new(Mutex::new(Vec::new()));
    let looks = Arc::clone(&looked);
    let sum = Flow::from_items(1..=10_u64)
        .event_time(|_| 0, Duration::MAX)
        .partition(|_| 0_u8)
        .stages(1)
        .max_demand(1000)
        .window(Window::fixed(Duration::from_secs(1)))
        .trigger(
            || (),
            move |(), batch: Vec<u64>| {
                looks.lock().unwrap().push(batch.clone());
                Next::Reduce(batch)
            },
        )
        .map(|number| number + 1)
        .map(|number| number * 2)
        .reduce(|| 0, |sum, number| *sum += number)
        .emit_state();
    in_any_order(async || {
        looked.lock().unwrap().clear();
        assert_eq!(crate::support::collect(&sum).await.unwrap(), [130]);
        assert_eq!(*looked.lock().unwrap(), [(1..=10).collect::<Vec<_>>()]);
    });
}

/// Fires for every two events that it has seen in its window; emits none of them again.
fn every_two(seen: &mut u64, mut batch: Vec<u64>) -> Next<u64> {
    let missing = usize::try_from(2 - *seen % 2).unwrap();
    if batch.len() < missing {
        *seen += batch.len() as u64;
        return Next::Reduce(batch);
    }
    let after = batch.split_off(missing);
    *seen += missing as u64;
    Next::Fire { name: "two".into(), before: batch, after }
}

#[test]
fn a_custom_trigger_has_a_state_for_each_window_of_event_time() {
    let window = || Window::fixed(Duration::from_secs(1));
    let events = || Flow::from_items([0_u64, 100, 200, 1000, 1100, 2000]);
    let two = TriggerName::Custom("two".into());
    let fixed = |max_demand| {
        let events = events().event_time(|at| at.cast_signed(), Duration::MAX).stages(1);
        let windows = events.max_demand(max_demand).window(window()).trigger(|| 0, every_two);
        windows
            .reduce(|| 0_u32, |count, _| *count += 1)
            .on_trigger(|count, trigger| ([(trigger.window, count, trigger.name.clone())], count))
    };
    let expected = [
        (WindowId::Fixed(0), 2, two.clone()),
        (WindowId::Fixed(0), 3, TriggerName::Done),
        (WindowId::Fixed(1000), 2, two),
        (WindowId::Fixed(1000), 2, TriggerName::Done),
        (WindowId::Fixed(2000), 1, TriggerName::Done),
    ];
    // Whatever the size of the batches.
    gives_in_order(&fixed(1000), &expected);
    gives_in_order(&fixed(2), &expected);
    let sliding = events()
        .event_time(|at| at.cast_signed(), Duration::MAX)
        .stages(1)
        .sliding_window(Window::sliding(Duration::from_secs(2), Duration::from_secs(1)))
        .trigger(|| 0, every_two)
        .reduce(|| 0_u32, |count, _| *count += 1)
        .on_trigger(|count, trigger| {
            ([trigger.is_done().then_some((trigger.window, count))].into_iter().flatten(), count)
        });
    let expected = [(-1000, 3), (0, 5), (1000, 3), (2000, 1)];
    gives_in_order(&sliding, expected.map(|(start, count)| (WindowId::Sliding(start), count)));
}
