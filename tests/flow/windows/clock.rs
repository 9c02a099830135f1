//! F135 to F165: triggers by the clock, and custom triggers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flow::time::Untimed;
use flow::{Chain, Flow, LayerFlow, Next, Place, Trigger, TriggerName, Window, WindowId, Workers};
use futures_util::{StreamExt, stream};
use stage_core::spawn::StageOptions;
use stage_core::testing::{ManualProducer, Sim};
use tokio::time::Instant;

use super::{Told, told};
use crate::support::{gives_in_order, in_any_order, sorted};

/// Returns the numbers to ten, and then a source that waits; one stage.
async fn waiting() -> (ManualProducer<u64>, LayerFlow<Untimed, u64>) {
    let source = ManualProducer::spawn(StageOptions::named("source")).await;
    source.emit(1..=10);
    let flow = Flow::from_stages([source.producer()]).stages(1);
    (source, flow)
}

/// Returns the events of a flow, each with its time; its source ends after `until` events.
async fn timed<C: Chain>(
    source: ManualProducer<u64>,
    flow: &Flow<C>,
    until: usize,
) -> Vec<(C::Out, Duration)> {
    let began = Instant::now();
    let mut events = flow.stream_on(Workers::Current).await.unwrap();
    let mut given = Vec::new();
    while let Some(event) = events.next().await {
        given.push((event.unwrap(), began.elapsed()));
        if given.len() == until {
            source.finish();
        }
    }
    given
}

#[test]
fn f135_a_periodic_trigger_has_the_name_of_its_period() {
    Sim::seeded(135).within(Duration::from_hours(11)).run(async {
        let (source, numbers) = waiting().await;
        let window = Window::global()
            .trigger_periodically(Duration::from_secs(10))
            .trigger_periodically(Duration::from_mins(10))
            .trigger_periodically(Duration::from_hours(10));
        let names = numbers
            .window(window)
            .reduce(|| (), |(), _| ())
            .on_trigger(|(), trigger| ([trigger.name.clone()], ()));
        let given = timed(source, &names, 3600 + 60 + 1).await;
        for (period, times) in [(10_000, 3600), (600_000, 60), (36_000_000, 1)] {
            let name = TriggerName::Periodically(Duration::from_millis(period));
            let own: Vec<_> = given.iter().filter(|(own, _)| *own == name).collect();
            assert_eq!(own.len(), times, "{name:?}");
            assert_eq!(own[0].1, Duration::from_millis(period));
        }
        assert_eq!(given.last().unwrap().0, TriggerName::Done);
    });
}

#[test]
fn f144_a_periodic_trigger_fires_while_nothing_comes() {
    in_any_order(async || {
        let (source, numbers) = waiting().await;
        let sums = numbers
            .map(|number| number * 2)
            .window(Window::global().trigger_periodically(Duration::from_millis(100)))
            .reduce(|| 0, |sum, number| *sum += number)
            .on_trigger(|sum, trigger| ([told(sum, trigger)], sum));
        let given = timed(source, &sums, 1).await;
        assert_eq!(given[0], ((110, 0, "periodically"), Duration::from_millis(100)));
        assert_eq!(given[1].0, (110, 0, "done"));
        assert_eq!(given.len(), 2);
    });
}

/// Returns a trigger that fires for every two events, and emits all but the first again.
fn moving(injected: &'static [&'static str]) -> LayerFlow<Untimed, Vec<&'static str>> {
    Flow::from_iters([["a", "b", "c"], ["a", "b", "c"]])
        .stages(1)
        .trigger(Vec::new, move |held: &mut Vec<&'static str>, batch: Vec<&'static str>| {
            let mut batch: Vec<_> = held.drain(..).chain(batch).collect();
            if batch.len() < 2 {
                *held = batch;
                return Next::Reduce(injected.to_vec());
            }
            let before = batch[..2].to_vec();
            Next::Fire { name: "moving".into(), before, after: batch.split_off(1) }
        })
        .reduce(Vec::new, Vec::push)
        .on_trigger(|events, _| ([events], Vec::new()))
}

#[test]
fn f136_a_trigger_may_hold_events_back() {
    let pairs = [vec!["a", "b"], vec!["b", "c"], vec!["c", "a"], vec!["a", "b"], vec!["b", "c"], vec![]];
    gives_in_order(&moving(&[]), pairs);
}

#[test]
fn f137_a_trigger_may_emit_its_own_events() {
    let pairs = [
        vec!["a", "b"],
        vec!["b", "c"],
        vec!["extra", "c", "a"],
        vec!["a", "b"],
        vec!["b", "c"],
        vec!["extra"],
    ];
    gives_in_order(&moving(&["extra"]), pairs);
    assert_eq!(sorted(vec!["extra", "c", "a"]), ["a", "c", "extra"]);
}

/// Emits the numbers to ten, changed, in a window with a trigger that counts its calls.
fn looked_at(window: Window) {
    let looks = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&looks);
    let sum = Flow::from_items(1..=10_u64)
        .partition(|number| *number)
        .stages(1)
        .max_demand(1000)
        .window(window)
        .trigger(
            || (),
            move |(), batch| {
                assert_eq!(batch, (1..=10).collect::<Vec<_>>());
                count.fetch_add(1, Ordering::SeqCst);
                Next::Reduce(batch)
            },
        )
        .map(|number| number + 1)
        .map(|number| number * 2)
        .reduce(|| 0, |sum, number| *sum += number)
        .emit_state();
    in_any_order(async || {
        looks.store(0, Ordering::SeqCst);
        assert_eq!(crate::support::collect(&sum).await.unwrap(), [130]);
        assert_eq!(looks.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn f142_a_trigger_sees_each_event_once_before_the_steps_of_a_global_window() {
    looked_at(Window::global());
}

#[test]
fn f151_a_trigger_sees_each_event_once_before_the_steps_of_a_window_by_count() {
    looked_at(Window::count(1000));
}

#[test]
fn f184_a_window_by_the_clock_is_emitted_at_its_end_even_if_empty() {
    in_any_order(async || {
        let (source, numbers) = waiting().await;
        let sums = numbers
            .window(Window::periodic(Duration::from_millis(100)))
            .reduce(|| 0, |sum, number| *sum += number)
            .on_trigger(|sum, trigger: &Trigger| {
                ([(sum, trigger.place, trigger.window, trigger.name.clone())], sum)
            });
        let given = timed(source, &sums, 2).await;
        let expected =
            |sum, number| (sum, Place { index: 0, of: 1 }, WindowId::Periodic(number), TriggerName::Done);
        assert_eq!(given[0], (expected(55, 0), Duration::from_millis(100)));
        assert_eq!(given[1], (expected(0, 1), Duration::from_millis(200)));
        // The window that is open at the end of the source.
        assert_eq!(given[2].0, expected(0, 2));
        assert_eq!(given.len(), 3);
    });
}

#[test]
fn f185_a_window_by_the_clock_has_triggers_by_count() {
    in_any_order(async || {
        let (source, numbers) = waiting().await;
        let sums = numbers
            .window(Window::periodic(Duration::from_millis(100)).trigger_every(5))
            .reduce(|| 0, |sum, number| *sum += number)
            .on_trigger(|sum, trigger| ([told(sum, trigger)], sum));
        let given: Vec<Told> = timed(source, &sums, 3).await.into_iter().map(|(told, _)| told).collect();
        assert_eq!(given, [(15, 0, "every"), (55, 0, "every"), (55, 0, "done"), (0, 1, "done")]);
    });
}

/// Returns a source whose events carry a time, and that then waits.
fn waiting_with_times(most: u64, happened: fn(&u64) -> i64, emit: Empty) -> LayerFlow<Untimed, Told> {
    let window = Window::fixed(Duration::from_secs(1)).trigger_periodically(Duration::from_millis(100));
    let window = match emit {
        Empty::Drop => window,
        Empty::Emit => window.emit_empty(),
    };
    Flow::from_stream(move || stream::iter(1..=most).chain(stream::pending()))
        .event_time(happened, Duration::MAX)
        .stages(1)
        .window(window)
        .reduce(|| 0, |sum, number| *sum += number)
        .on_trigger(|sum, trigger| ([told(sum, trigger)], sum))
}

/// The treatment of windows without events.
#[derive(Clone, Copy)]
enum Empty {
    Drop,
    Emit,
}

/// Checks the outputs until the clock has triggered, and again a period later.
fn then_waits<const N: usize>(flow: &LayerFlow<Untimed, Told>, expected: [Told; N]) {
    in_any_order(async || {
        let began = Instant::now();
        let mut events = flow.stream_on(Workers::Current).await.unwrap();
        for told in expected {
            assert_eq!(events.next().await.unwrap().unwrap(), told);
        }
        assert_eq!(began.elapsed(), Duration::from_millis(100));
        assert_eq!(events.next().await.unwrap().unwrap(), expected[N - 1]);
        assert_eq!(began.elapsed(), Duration::from_millis(200));
    });
}

#[test]
fn f164_a_periodic_trigger_fires_in_a_window_of_event_time() {
    let doubled = Flow::from_stream(|| stream::iter(1..=10_u64).chain(stream::pending()))
        .event_time(|_| 0, Duration::MAX)
        .stages(1)
        .map(|number| number * 2)
        .window(Window::fixed(Duration::from_secs(1)).trigger_periodically(Duration::from_millis(100)))
        .reduce(|| 0, |sum, number| *sum += number)
        .on_trigger(|sum, trigger| ([told(sum, trigger)], sum));
    then_waits(&doubled, [(110, 0, "periodically")]);
}

#[test]
fn f170_a_periodic_trigger_fires_for_the_windows_that_are_open() {
    let sums = waiting_with_times(100, |number| if *number <= 50 { 0 } else { 1000 }, Empty::Drop);
    then_waits(&sums, [(1275, 0, "done"), (3775, 1000, "periodically")]);
}

#[test]
fn f175_a_periodic_trigger_fires_for_the_windows_that_are_open_behind_late_events() {
    let disordered = |number: &u64| if (41..=80).contains(number) { 2000 } else { 0 };
    let sums = waiting_with_times(100, disordered, Empty::Drop);
    then_waits(&sums, [(820, 0, "done"), (2420, 2000, "periodically")]);
    let sums = waiting_with_times(100, disordered, Empty::Emit);
    then_waits(&sums, [(820, 0, "done"), (0, 1000, "done"), (2420, 2000, "periodically")]);
}
