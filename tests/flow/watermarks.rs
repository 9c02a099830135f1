//! Watermarks in stages without events: markers, idle sources, and lateness.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use flow::time::Timed;
use flow::{Chain, Flow, LayerFlow, Tally, Window, WindowId, Workers};
use futures_util::{Stream, StreamExt, stream};
use tokio::time::{Instant, sleep};

use crate::support::in_any_order;

/// An output: the stage, the window, and the number of events.
type Told = (usize, i64, u32);

fn counts<C>(flow: Flow<C>, late: &Tally) -> LayerFlow<flow::time::Untimed, Told>
where
    C: Chain<Out = i64>,
    C::Origin: flow::Origin<Time = Timed>,
{
    flow.window(Window::fixed(Duration::from_secs(1)).count_late(late))
        .reduce(|| 0_u32, |count, _| *count += 1)
        .on_trigger(|count, trigger| {
            let WindowId::Fixed(start) = trigger.window else { panic!("{trigger:?}") };
            ([(trigger.place.index, start, count)], count)
        })
}

/// Returns the outputs while the sources wait, each with its time.
async fn given<C: Chain<Out = Told>>(flow: &Flow<C>) -> Vec<(Told, Duration)> {
    let began = Instant::now();
    let mut events = flow.stream_on(Workers::Current).await.unwrap();
    let mut given = Vec::new();
    while let Ok(Some(event)) = tokio::time::timeout(Duration::from_mins(10), events.next()).await {
        given.push((event.unwrap(), began.elapsed()));
    }
    given.sort();
    given
}

fn at_once(expected: impl IntoIterator<Item = Told>) -> Vec<(Told, Duration)> {
    expected.into_iter().map(|told| (told, Duration::ZERO)).collect()
}

/// Emits these events, and then waits.
fn then_waits(events: Vec<i64>) -> impl Stream<Item = i64> + Send + 'static {
    stream::iter(events).chain(stream::pending())
}

#[test]
fn a_partition_without_events_hands_its_windows_out_as_the_others_progress() {
    for max_demand in [1, 2, 1000] {
        // The first event goes to one stage, all others to the other.
        let events = Flow::from_stream(|| then_waits(vec![1, 2, 1002, 2002, 3002]))
            .event_time(|at| *at, Duration::MAX)
            .partition(
                |at| if *at == 1 { crate::support::key_to(0, 2) } else { crate::support::key_to(1, 2) },
            )
            .stages(2)
            .max_demand(max_demand);
        let counts = counts(events, &Tally::new());
        in_any_order(async || {
            let expected = [(0, 0, 1), (1, 0, 1), (1, 1000, 1), (1, 2000, 1)];
            assert_eq!(given(&counts).await, at_once(expected), "max_demand {max_demand}");
        });
    }
}

#[test]
fn a_stage_without_events_forwards_the_watermark() {
    // Both stages of steps drop everything from some time on, which must not delay the watermark.
    let events = Flow::from_stream(|| then_waits(vec![1, 2, 1002, 2002, 3002]))
        .event_time(|at| *at, Duration::MAX)
        .stages(2)
        .max_demand(2)
        .filter(|at| *at < 1000)
        .shuffle()
        .stages(2)
        .map(|at| at)
        .shuffle()
        .stages(1);
    let counts = counts(events, &Tally::new());
    in_any_order(async || assert_eq!(given(&counts).await, at_once([(0, 0, 2)])));
}

#[test]
fn windows_close_when_the_source_that_held_them_open_ends() {
    // The second source is behind, and ends; the first waits.
    let streams = [vec![1, 1001, 2001], vec![2]];
    let streams = streams.map(|events| {
        move || {
            let waits = events.len() > 1;
            stream::iter(events.clone()).chain(stream::pending().take(usize::from(waits)))
        }
    });
    let events = Flow::from_streams(streams).event_time(|at| *at, Duration::MAX).stages(1);
    let counts = counts(events, &Tally::new());
    in_any_order(async || assert_eq!(given(&counts).await, at_once([(0, 0, 2), (0, 1000, 1)])));
}

const IDLE: Duration = Duration::from_secs(5);

/// Returns a source with immediate events, and one with events after the given delays.
fn two_sources(first: Vec<i64>, then: Vec<(u64, i64)>) -> impl Fn(Duration) -> LayerFlow<Timed, i64> {
    move |most_ahead| {
        let first: Vec<(u64, i64)> = first.iter().map(|at| (0, *at)).collect();
        let streams = [first, then.clone()].map(|all| {
            move || {
                let waited = |(seconds, at)| async move {
                    sleep(Duration::from_secs(seconds)).await;
                    at
                };
                stream::iter(all.clone()).then(waited).boxed().chain(stream::pending())
            }
        });
        Flow::from_streams(streams)
            .event_time(|at| *at, most_ahead)
            .idle_after(IDLE)
            .stages(1)
            .shuffle()
            .stages(1)
    }
}

#[test]
fn flow_g09_a_source_that_is_idle_is_not_waited_for() {
    let counts = counts(two_sources(vec![1, 1001, 2001], vec![])(Duration::MAX), &Tally::new());
    in_any_order(async || {
        let idle = |told| (told, IDLE);
        // Once both are idle, neither is waited for; but no further window is known to be complete.
        assert_eq!(given(&counts).await, [(0, 0, 1), (0, 1000, 1)].map(idle));
    });
}

#[test]
fn flow_g09_a_formerly_idle_source_is_awaited_again_and_closed_windows_stay_closed() {
    let late = Tally::new();
    // After ten seconds, its first event is late, and the next ones are not.
    let events = two_sources(vec![1, 1001, 2001], vec![(10, 500), (0, 2500), (60, 9000)])(Duration::MAX);
    let counts = counts(events, &late);
    in_any_order(async || {
        let before = late.get();
        let given = given(&counts).await;
        assert_eq!(late.get() - before, 1);
        let second = (0, 2000, 2);
        // The first source is idle by then, and the second has emitted 9000.
        let expected = [((0, 0, 1), IDLE), ((0, 1000, 1), IDLE), (second, Duration::from_secs(70))];
        assert_eq!(given, expected);
    });
}

#[test]
fn after_a_pause_an_event_is_believed_at_any_distance() {
    let hour = 3_600_000;
    let most_ahead = Duration::from_mins(1);
    let streams = |pause: u64| {
        move || {
            let waited = move |(number, at): (usize, i64)| async move {
                if number == 5 {
                    sleep(Duration::from_secs(pause)).await;
                }
                at
            };
            // The first five set the watermark.
            let all = [0, 1, 2, 3, 4, hour, hour + 1000, hour + 2000].into_iter().enumerate();
            stream::iter(all).then(waited).boxed().chain(stream::pending())
        }
    };
    let counts = |pause| {
        let events = Flow::from_stream(streams(pause)).event_time(|at| *at, most_ahead).idle_after(IDLE);
        counts(events.stages(1), &Tally::new())
    };
    in_any_order(async || {
        let given =
            async |pause| given(&counts(pause)).await.into_iter().map(|(told, _)| told).collect::<Vec<_>>();
        assert_eq!(given(7).await, [(0, 0, 5), (0, hour, 1), (0, hour + 1000, 1)]);
        // Without one, an hour ahead is treated as a wrong clock.
        assert_eq!(given(1).await, []);
    });
}

#[test]
fn late_events_are_given_as_they_came_and_once() {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&taken);
    let (tally, second) = (Tally::new(), Duration::from_secs(1));
    let window = Window::sliding(second * 2, second).allowed_lateness(Duration::from_millis(700));
    let windows = Flow::from_items([100_i64, 3600, 900, 1200, 4000, 1999])
        .event_time(|at| *at, Duration::MAX)
        .stages(1)
        .sliding_window(window.count_late(&tally))
        .late(move |late| sink.lock().unwrap().push((late.event, late.at, late.watermark)))
        .map(|at| at * 10)
        .reduce(Vec::new, Vec::push)
        .emit();
    in_any_order(async || {
        let before = tally.get();
        crate::support::collect(&windows).await.unwrap();
        // At 3600, the window that began at 1000 is open; by 4000 it is final.
        assert_eq!(std::mem::take(&mut *taken.lock().unwrap()), [(900, 900, 3600), (1999, 1999, 4000)]);
        assert_eq!(tally.get() - before, 2);
    });
}
