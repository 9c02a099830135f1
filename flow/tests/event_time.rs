//! Tests of event time with unusual timestamps and windows: which events are late, which windows are emitted,
//! and that time advances.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use flow::join::{FullOuter, Inner};
use flow::{EventTime, Flow, Sessions, Tally, TriggerName, Window, WindowId, Workers};
use futures_util::{StreamExt, stream};

const NOW: i64 = 1_700_000_000_000;
const MINUTE: i64 = 60_000;
const HOUR: Duration = Duration::from_secs(3600);

fn millis(time: u64) -> Duration {
    Duration::from_millis(time)
}

/// Returns the windows of one stage, and the number of events in each.
async fn counts(
    events: Vec<i64>,
    window: Window<EventTime>,
    most_ahead: Duration,
) -> Vec<(i64, TriggerName, u32)> {
    let flow = Flow::from_items(events)
        .event_time(|at| *at, most_ahead)
        .stages(1)
        .window(window)
        .reduce(|| 0_u32, |count, _| *count += 1)
        .on_trigger(|count, trigger| {
            let WindowId::Fixed(start) = trigger.window else { panic!("{trigger:?}") };
            ([(start, trigger.name.clone(), count)], count)
        });
    flow.collect().await.unwrap()
}

#[tokio::test]
async fn a_lateness_of_zero_equals_no_lateness() {
    for said in [None, Some(Duration::ZERO)] {
        let late = Tally::new();
        let mut window = Window::fixed(millis(10)).count_late(&late);
        if let Some(lateness) = said {
            window = window.allowed_lateness(lateness);
        }
        let given = counts(vec![1, 5, 10, 9, 12, 25, 31], window, Duration::MAX).await;
        let done = |start, count| (start, TriggerName::Done, count);
        assert_eq!(given, [done(0, 2), done(10, 2), done(20, 1), done(30, 1)], "{said:?}");
        assert_eq!(late.get(), 1, "{said:?}");
    }
}

#[tokio::test]
async fn windows_that_leave_gaps_have_only_the_events_within_them_and_count_the_others() {
    let (late, outside) = (Tally::new(), Tally::new());
    let window = Window::sliding(Duration::from_secs(1), Duration::from_secs(5));
    let flow = Flow::from_items((0..20).map(|half| half * 500_i64))
        .event_time(|at| *at, Duration::MAX)
        .stages(1)
        .sliding_window(window.count_late(&late).count_outside(&outside))
        .reduce(Vec::new, Vec::push)
        .on_trigger(|all: Vec<i64>, trigger| ([(trigger.window, all)], Vec::new()));
    let given: Vec<(WindowId, Vec<i64>)> = flow.collect().await.unwrap();
    let expected = [(WindowId::Sliding(0), vec![0, 500]), (WindowId::Sliding(5000), vec![5000, 5500])];
    assert_eq!(given, expected);
    assert_eq!((late.get(), outside.get()), (0, 16));
}

/// Returns the number of one-minute windows that are emitted for a source that then waits; `most_ahead` is an
/// hour.
async fn minutes_of_a_waiting_source(events: Vec<i64>) -> usize {
    let flow = Flow::from_stream(move || stream::iter(events.clone()).chain(stream::pending()))
        .event_time(|at| *at, HOUR)
        .stages(1)
        .window(Window::fixed(Duration::from_secs(60)))
        .reduce(|| 0_u32, |count, _| *count += 1)
        .emit_state();
    let mut windows = flow.stream_on(Workers::Current).await.unwrap();
    let mut given = 0;
    while let Ok(Some(window)) = tokio::time::timeout(Duration::from_secs(1), windows.next()).await {
        window.unwrap();
        given += 1;
    }
    given
}

#[tokio::test(start_paused = true)]
async fn time_advances_past_a_first_event_of_another_time() {
    let right = || (0..400).map(|minute| NOW + minute * MINUTE);
    assert_eq!(minutes_of_a_waiting_source(right().collect()).await, 399);
    // The window of an event long ago ends with the first correct events; that of an event in the future does
    // not.
    for (wrong, windows) in [(0, 400), (i64::MIN, 400), (NOW + 100_000 * MINUTE, 399), (i64::MAX, 399)] {
        let events = [wrong].into_iter().chain(right()).collect();
        assert_eq!(minutes_of_a_waiting_source(events).await, windows, "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn time_advances_past_a_gap_in_the_data_of_a_busy_source() {
    let minute = |minute: i64| NOW + (if minute < 10 { 0 } else { 8 * 60 } + minute) * MINUTE;
    assert_eq!(minutes_of_a_waiting_source((0..400).map(minute).collect()).await, 399);
}

#[tokio::test(start_paused = true)]
async fn an_endless_source_hands_its_windows_out_behind_a_first_event_of_long_ago() {
    for first in [NOW - MINUTE, 0] {
        let events = move || {
            stream::unfold(-1_i64, move |minute| async move {
                tokio::time::sleep(millis(2)).await;
                Some((if minute < 0 { first } else { NOW + minute * MINUTE }, minute + 1))
            })
        };
        let flow = Flow::from_stream(events)
            .event_time(|at| *at, HOUR)
            .idle_after(millis(100))
            .stages(1)
            .window(Window::fixed(Duration::from_mins(1)))
            .reduce(|| 0_u32, |count, _| *count += 1)
            .emit_state();
        let windows = flow.stream_on(Workers::Current).await.unwrap();
        let given = tokio::time::timeout(Duration::from_secs(2), windows.take(300).count()).await;
        assert_eq!(given.unwrap(), 300, "{first}");
    }
}

#[tokio::test]
async fn both_ends_of_time_are_handed_out_once_and_are_not_late() {
    let events = vec![i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX, i64::MAX];
    for lateness in [0, 1, u64::MAX] {
        let late = Tally::new();
        let window =
            Window::fixed(Duration::from_secs(1)).allowed_lateness(millis(lateness)).count_late(&late);
        let mut given = counts(events.clone(), window, Duration::MAX).await;
        given.retain(|(_, name, _)| *name == TriggerName::Done);
        let given: Vec<_> = given.into_iter().map(|(start, _, count)| (start, count)).collect();
        let last = 9_223_372_036_854_775_000;
        assert_eq!(given, [(i64::MIN, 2), (-1000, 1), (0, 1), (last, 3)], "{lateness}");
        assert_eq!(late.get(), 0);
    }
    let sides = |events: &[i64]| Flow::from_items(events.to_vec()).event_time(|at| *at, Duration::MAX);
    let joined =
        sides(&events).window_join(Inner, Window::fixed(Duration::MAX), sides(&events), |at| *at, |at| *at);
    assert_eq!(joined.count().await.unwrap(), 9, "the greatest time twice, with itself");
}

#[tokio::test]
async fn sessions_at_both_ends_of_time_come_out() {
    for gap in [millis(1), Duration::MAX] {
        let late = Tally::new();
        let sessions = Flow::from_items([i64::MIN, 0, i64::MAX - 1, i64::MAX])
            .event_time(|at| *at, Duration::MAX)
            .stages(1)
            .sessions(
                Sessions::new(gap).count_late(&late),
                |_| (),
                || 0,
                |n, _| *n += 1,
                |n, other| *n += other,
            )
            .map(|session| (session.start, session.end, session.value));
        let given: Vec<(i64, i64, u32)> = sessions.collect().await.unwrap();
        let apart = vec![(i64::MIN, i64::MIN, 1), (0, 0, 1), (i64::MAX - 1, i64::MAX, 2)];
        let expected = if gap == Duration::MAX { vec![(i64::MIN, i64::MAX, 4)] } else { apart };
        assert_eq!(given, expected);
        assert_eq!(late.get(), 0);
    }
}

#[tokio::test]
async fn gaps_are_handed_out_one_by_one_however_long_they_are() {
    // More windows of a millisecond than fit in memory.
    let gaps = |events: Vec<i64>| {
        Flow::from_items(events)
            .event_time(|at| *at, Duration::MAX)
            .stages(1)
            .window(Window::fixed(millis(1)).emit_empty())
            .reduce(|| 0_u32, |count, _| *count += 1)
            .on_trigger(|count, trigger| ([(trigger.window, count)], count))
    };
    for last in [NOW, i64::MAX] {
        let first = gaps(vec![0, last, last]).first(5000).await.unwrap();
        let expected = (0..5000).map(|at| (WindowId::Fixed(at), u32::from(at == 0)));
        assert_eq!(first, expected.collect::<Vec<_>>());
    }
    // Several thousand windows, at a jump and at the end of the input: all are emitted, and in order.
    for sources in [vec![vec![0, 10_000]], vec![vec![0], vec![10_000]]] {
        let flow = Flow::from_iters(sources)
            .event_time(|at| *at, Duration::MAX)
            .stages(1)
            .window(Window::fixed(millis(1)).emit_empty())
            .reduce(|| 0_u32, |count, _| *count += 1)
            .on_trigger(|count, trigger| ([(trigger.window, count)], count));
        let expected = (0..=10_000).map(|at| (WindowId::Fixed(at), u32::from(at % 10_000 == 0)));
        assert_eq!(flow.collect::<Vec<_>>().await.unwrap(), expected.collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn gaps_behind_a_split_source_are_handed_out_one_by_one() {
    let flow = Flow::from_slice(vec![0_i64, NOW, NOW + 1])
        .event_time(|at| *at, Duration::MAX)
        .stages(1)
        .window(Window::fixed(millis(1)).emit_empty())
        .reduce(|| 0_u32, |count, _| *count += 1)
        .emit_state();
    assert_eq!(flow.first(3000).await.unwrap().into_iter().sum::<u32>(), 1);
    let short = Flow::from_slice(vec![0_i64, 9000])
        .event_time(|at| *at, Duration::MAX)
        .stages(1)
        .window(Window::fixed(millis(1)).emit_empty())
        .reduce(|| 0_u32, |count, _| *count += 1)
        .emit_state();
    assert_eq!(short.count().await.unwrap(), 9001);
}

#[tokio::test]
async fn an_event_that_is_not_believed_opens_no_gaps() {
    for far in [9_999_999_999_999, i64::MAX] {
        let window = || Window::fixed(Duration::from_secs(1)).emit_empty();
        let events = vec![0, 1000, 2500, far, 3000, 5000];
        let given = counts(events, window(), Duration::from_mins(1)).await;
        let starts: Vec<_> = given.iter().map(|(start, _, count)| (*start, *count)).collect();
        let last = far / 1000 * 1000;
        assert_eq!(starts, [(0, 1), (1000, 1), (2000, 1), (3000, 1), (4000, 0), (5000, 1), (last, 1)]);
        // The same for a source that is too short for its clock to start before the end.
        let given = counts(vec![0, far, 2000], window(), Duration::from_mins(1)).await;
        let starts: Vec<_> = given.iter().map(|(start, ..)| *start).collect();
        assert_eq!(starts, [0, 1000, 2000, last]);
    }
}

#[tokio::test]
async fn a_gap_within_the_lateness_is_passed_and_done_and_may_get_late_events() {
    let window = || Window::fixed(millis(10)).allowed_lateness(millis(30)).emit_empty();
    let given = counts(vec![5, 45, 15, 55, 95], window(), Duration::MAX).await;
    let of = |start| {
        let own = given.iter().filter(move |given| given.0 == start);
        own.map(|given| (given.1.clone(), given.2)).collect::<Vec<_>>()
    };
    let (passed, done) = (TriggerName::Watermark, TriggerName::Done);
    assert_eq!(of(10), [(passed.clone(), 0), (done.clone(), 1)]);
    assert_eq!(of(20), [(passed.clone(), 0), (done.clone(), 0)]);
    assert_eq!(of(40), [(passed, 1), (done.clone(), 1)]);
    assert_eq!(of(90), [(done, 1)]);
}

/// Returns the sessions of the key `a` with a gap of 10 ms, and the number of late events.
async fn sessions_of_a(events: &'static [(&'static str, i64)]) -> (Vec<(i64, i64, Vec<i64>)>, u64) {
    let late = Tally::new();
    let sessions =
        Flow::from_items(events.to_vec()).event_time(|event| event.1, Duration::MAX).stages(1).sessions(
            Sessions::new(millis(10)).count_late(&late),
            |event| event.0,
            Vec::new,
            |all, event| all.push(event.1),
            Extend::extend,
        );
    let all = sessions.collect::<Vec<_>>().await.unwrap().into_iter();
    let of_a =
        all.filter(|session| session.key == "a").map(|session| (session.start, session.end, session.value));
    (of_a.collect(), late.get())
}

#[tokio::test]
async fn an_event_of_a_session_that_is_still_open_is_taken() {
    let (open, late) =
        sessions_of_a(&[("a", 100), ("a", 110), ("b", 115), ("a", 101), ("a", 104), ("a", 119)]).await;
    assert_eq!((open, late), (vec![(100, 119, vec![100, 110, 101, 104, 119])], 0));
    // The same if the session begins with the event; but not if no session is open.
    let (open, late) =
        sessions_of_a(&[("a", 100), ("b", 109), ("a", 95), ("a", 80), ("b", 130), ("a", 99)]).await;
    assert_eq!((open, late), (vec![(95, 100, vec![100, 95])], 2));
}

#[tokio::test]
async fn keys_that_are_none_match_each_other_in_a_join() {
    let left = Flow::from_items([(Some(1), 'a'), (None, 'b'), (None, 'c'), (Some(2), 'd')]);
    let right = Flow::from_items([(Some(1), 10), (None, 20), (None, 30), (Some(3), 40)]);
    let inner = left.clone().bounded_join(Inner, right.clone(), |l| l.0, |r| r.0);
    assert_eq!(inner.count().await.unwrap(), 1 + 2 * 2);
    // Events without a key must not match.
    let (left, right) = (left.filter(|l| l.0.is_some()), right.filter(|r| r.0.is_some()));
    assert_eq!(left.bounded_join(FullOuter, right, |l| l.0, |r| r.0).count().await.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_longest_duration_is_never() {
    let numbers = || Flow::from_items(0..10_u32).stages(1);
    let count = |count: &mut u32, _| *count += 1;
    let clock = [Window::periodic(Duration::MAX), Window::global().trigger_periodically(Duration::MAX)];
    for window in clock {
        let counts = numbers().window(window).reduce(|| 0, count).emit_state();
        assert_eq!(counts.collect_on::<Vec<_>>(Workers::Current).await.unwrap(), [10]);
    }
    let alarmed = numbers().reduce_with_alarms(
        |_| 0,
        |count, _, alarms| {
            *count += 1;
            alarms.set("never", Duration::MAX);
        },
    );
    assert_eq!(alarmed.emit_state().collect_on::<Vec<_>>(Workers::Current).await.unwrap(), [10]);
    // A source whose patience exceeds the range of the clock is never idle.
    let waiting = Flow::from_streams(
        [vec![5_i64, 25], vec![]].map(|events| move || stream::iter(events.clone()).chain(stream::pending())),
    );
    let windows = waiting
        .event_time(|at| *at, Duration::MAX)
        .idle_after(Duration::MAX)
        .stages(1)
        .window(Window::fixed(millis(10)))
        .reduce(|| 0_u32, |count, _| *count += 1)
        .emit_state();
    let mut windows = windows.stream_on(Workers::Current).await.unwrap();
    assert!(tokio::time::timeout(HOUR, windows.next()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_departition_does_not_wait_for_stages_without_events_of_a_window() {
    // All events are in one of three stages, and the source never ends.
    let events = [0_i64, 5, 12, 25, 31, 44];
    let sums = Flow::from_stream(move || stream::iter(events).chain(stream::pending()))
        .event_time(|at| *at, Duration::MAX)
        .partition(|_| ())
        .stages(3)
        .window(Window::fixed(millis(10)))
        .reduce(|| 0, |sum, at| *sum += at)
        .departition(|| 0, |all, sum| *all += sum, |sum, window| (window, sum));
    let first = tokio::time::timeout(Duration::from_secs(60), sums.first_on(4, Workers::Current));
    let expected = [(0, 5), (10, 12), (20, 25), (30, 31)].map(|(start, sum)| (WindowId::Fixed(start), sum));
    assert_eq!(first.await.unwrap().unwrap(), expected);
}

#[tokio::test]
async fn a_departition_emits_windows_of_event_time_in_order_and_each_once() {
    // The stages have events of different windows, and one is far ahead of the others.
    let parts = [(0..40).collect::<Vec<i64>>(), (0..400).step_by(7).collect(), vec![390, 395]];
    let flow = Flow::from_iters(parts.clone())
        .event_time(|at| *at, Duration::MAX)
        .shuffle()
        .stages(3)
        .window(Window::fixed(millis(10)))
        .reduce(|| 0_usize, |count, _| *count += 1)
        .departition(|| 0, |all, count| *all += count, |count, window| (window, count));
    let given: Vec<(WindowId, usize)> = flow.collect().await.unwrap();
    assert!(given.is_sorted_by(|one, next| one.0 < next.0), "{given:?}");
    assert_eq!(given.iter().map(|(_, count)| count).sum::<usize>(), parts.concat().len());
}

#[tokio::test(start_paused = true)]
async fn values_with_deadlines_are_emitted_without_the_end_of_the_input_and_close_the_windows_behind() {
    // The time, the key, and the deadline.
    let events = [(0_i64, 'a', 8), (1, 'b', 30), (3, 'a', 15), (20, 'c', 21), (30, 'd', 70), (60, 'd', 70)];
    let counts = Flow::from_stream(move || stream::iter(events).chain(stream::pending()))
        .event_time(|event| event.0, Duration::MAX)
        .partition(|event| event.1)
        .stages(2)
        .deadlines(
            |event| event.1,
            || 0,
            |count, event| {
                *count += 1;
                event.2
            },
        )
        .partition(|_| ())
        .stages(2)
        .window(Window::fixed(millis(20)))
        .reduce(Vec::new, Vec::push)
        .on_trigger(|mut all: Vec<(char, u32)>, trigger| {
            all.sort_unstable();
            ([(trigger.window, all)], Vec::new())
        });
    let first = tokio::time::timeout(Duration::from_secs(60), counts.first_on(2, Workers::Current));
    let expected = [(WindowId::Fixed(0), vec![('a', 2)]), (WindowId::Fixed(20), vec![('b', 1), ('c', 1)])];
    assert_eq!(first.await.unwrap().unwrap(), expected);
}
