//! Tests of invalid options: the flow does not start, and the error names the option and the line.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use flow::join::Inner;
use flow::stages::Order;
use flow::time::Timed;
use flow::{Chain, Flow, FlowError, LayerFlow, Next, Sessions, Tally, Window};
use stage_core::stage::{ForEach, FromIter, MapEach};

/// Returns the option for which a flow is refused, and the error message.
async fn refused<C: Chain>(flow: &Flow<C>) -> (String, String) {
    match flow.collect::<Vec<_>>().await.map(|events| events.len()) {
        Err(FlowError::Refused(refused)) => {
            let said = refused.to_string();
            assert!(said.contains("flow/tests/refused.rs:"), "{said}");
            (refused.option.to_owned(), refused.value)
        }
        other => panic!("not refused: {other:?}"),
    }
}

fn named(option: &str, value: impl Into<String>) -> (String, String) {
    (option.to_owned(), value.into())
}

type Times = LayerFlow<Timed, i64>;

fn times() -> Times {
    Flow::from_items([1_i64, 2, 3]).event_time(|at| *at, Duration::MAX).boxed()
}

fn micros(time: u64) -> Duration {
    Duration::from_micros(time)
}

#[tokio::test]
async fn event_time_that_is_no_whole_number_of_milliseconds_is_refused_and_not_rounded() {
    for (time, value) in [(Duration::ZERO, "0ns"), (micros(1), "1µs"), (micros(1500), "1.5ms")] {
        let of = |window| times().window(window).reduce(|| 0, |n, _| *n += 1).emit_state();
        assert_eq!(refused(&of(Window::fixed(time))).await, named("Window::fixed", value));
        let second = Duration::from_secs(1);
        for (window, option) in [
            (Window::sliding(second, time), "the step of Window::sliding"),
            (Window::sliding(time, second), "the duration of Window::sliding"),
        ] {
            let flow = times().sliding_window(window).reduce(|| 0, |n, _| *n += 1).emit_state();
            assert_eq!(refused(&flow).await, named(option, value));
        }
        let sessions = times().sessions(Sessions::new(time), |_| 0, || 0, |n, _| *n += 1, |n, o| *n += o);
        assert_eq!(refused(&sessions).await, named("Sessions::new", value));
        let guarded = Flow::from_items([1_i64]).event_time(|at| *at, time).map(|at| at);
        assert_eq!(refused(&guarded).await, named("the most_ahead of event_time", value));
        let joined = times().window_join(Inner, Window::fixed(time), times(), |_| 0, |_| 0);
        assert_eq!(refused(&joined).await, named("Window::fixed", value));
        if !time.is_zero() {
            let late = of(Window::fixed(second).allowed_lateness(time));
            assert_eq!(refused(&late).await, named("allowed_lateness", value));
        }
    }
}

#[tokio::test]
async fn an_event_in_too_many_windows_is_refused() {
    for span in [Duration::MAX, Duration::from_secs(100)] {
        let window = Window::sliding(span, Duration::from_millis(1));
        let flow = times().sliding_window(window).reduce(|| 0, |n, _| *n += 1).emit_state();
        assert_eq!(refused(&flow).await, named("the step of Window::sliding", "1ms"));
    }
}

#[tokio::test]
async fn zero_and_periods_below_a_millisecond_are_refused() {
    let numbers = || Flow::from_items([1, 2, 3]);
    let windows = [
        (Window::count(0), "Window::count", "0"),
        (Window::periodic(Duration::ZERO), "Window::periodic", "0ns"),
        (Window::periodic(micros(999)), "Window::periodic", "999µs"),
        (Window::global().trigger_every(0), "trigger_every", "0"),
        (Window::global().trigger_periodically(Duration::ZERO), "trigger_periodically", "0ns"),
        // Of several invalid options, the first is reported.
        (Window::count(0).trigger_every(0), "Window::count", "0"),
    ];
    for (window, option, value) in windows {
        let flow = numbers().window(window).reduce(|| 0, |n, _| *n += 1).emit_state();
        assert_eq!(refused(&flow).await, named(option, value));
    }
    let tally = Tally::new();
    assert_eq!(refused(&numbers().uniq_by_most(0, &tally, |n| *n)).await, named("uniq_by_most", "0"));
    let groups = numbers().group_by_most(0, &tally, |n| *n, |n| n).emit();
    assert_eq!(refused(&groups).await, named("group_by_most", "0"));
    let joined = numbers().bounded_join(Inner, numbers(), |n| *n, |n| *n).keep_at_most(0, &tally);
    assert_eq!(refused(&joined).await, named("keep_at_most", "0"));
    let kept = Sessions::new(Duration::from_secs(1)).keep_at_most(0, &tally);
    let sessions = times().sessions(kept, |_| 0, || 0, |n, _| *n += 1, |n, o| *n += o);
    assert_eq!(refused(&sessions).await, named("keep_at_most", "0"));
    let values = times().deadlines_most(0, &tally, |n| *n, || 0, |_, at| at);
    assert_eq!(refused(&values).await, named("deadlines_most", "0"));
}

#[tokio::test]
async fn a_number_of_stages_that_makes_no_layer_is_refused() {
    let numbers = || Flow::from_items([1, 2, 3]);
    for stages in [0, 4097, usize::MAX] {
        let value = stages.to_string();
        let flow = Flow::from_items([1, 2, 3]).stages(stages);
        assert_eq!(refused(&flow.clone().map(|n| n)).await, named("stages", &value));
        assert_eq!(refused(&flow.shuffle()).await, named("stages", &value));
        assert_eq!(refused(&Flow::from_slice([1, 2, 3]).stages(stages)).await, named("stages", &value));
        let behind = Flow::from_items([1, 2, 3]).partition(|n| *n).stages(stages).map(|n| n).shuffle();
        assert_eq!(refused(&behind).await, named("stages", &value));
        let through = numbers().through(stages, |_| Ok(MapEach::new(|n: i32| n)));
        assert_eq!(refused(&through).await, named("through", &value));
        let finished = numbers().finish(stages, |_| Ok(ForEach::new(|_: i32| ()))).await.unwrap_err();
        let FlowError::Refused(error) = finished else { panic!("{finished}") };
        assert_eq!((error.option, error.at.file()), ("finish", file!()));
    }
    let endless = Flow::from_producers(usize::MAX, |_| Ok(FromIter::new(0..1)));
    assert_eq!(refused(&endless).await, named("from_producers", usize::MAX.to_string()));
    let none = numbers().map_async(0, Order::Kept, |n| async move { Ok(n) });
    assert_eq!(refused(&none).await, named("map_async", "0"));
}

#[tokio::test]
async fn a_window_or_a_trigger_of_sessions_is_refused() {
    let sessions = || Sessions::new(Duration::from_secs(1));
    let windowed = times().window(Window::fixed(Duration::from_secs(1)));
    let triggered = times().trigger(|| (), |(), batch| Next::Reduce(batch));
    for flow in [windowed, triggered] {
        let flow = flow.sessions(sessions(), |_| 0, || 0, |n, _| *n += 1, |n, o| *n += o);
        let error = flow.collect::<Vec<_>>().await.unwrap_err();
        assert!(matches!(&error, FlowError::Window { layer } if layer == "sessions"), "{error}");
    }
}

#[tokio::test]
async fn a_trigger_before_map_batch_is_refused() {
    let batches = Flow::from_items([1, 2, 3]).trigger(|| (), |(), batch| Next::Reduce(batch));
    let flow = batches.map_batch(|batch| batch).reduce(|| 0, |n, _| *n += 1).emit_state();
    assert_eq!(refused(&flow).await, named("map_batch", "after a trigger"));
}

#[tokio::test]
async fn a_window_between_on_trigger_and_departition_is_refused() {
    let sums = Flow::from_items([1, 2, 3]).reduce(|| 0, |sum, number| *sum += number);
    let pairs = sums.on_trigger(|sum, trigger| ([(trigger.clone(), sum)], sum));
    let flow = pairs.window(Window::count(2)).departition(|| 0, |all, sum| *all += sum, |all, _| all);
    assert_eq!(refused(&flow).await, named("departition", "after a window"));
}

#[tokio::test]
async fn a_window_declared_before_event_time_is_kept() {
    let flow = Flow::from_items(0..6_i64)
        .window(Window::count(2))
        .event_time(|at| *at, Duration::MAX)
        .stages(1)
        .reduce(|| 0, |sum, number| *sum += number)
        .emit_state();
    assert_eq!(flow.collect::<Vec<_>>().await.unwrap(), [1, 5, 9, 0]);
}

#[test]
#[should_panic(expected = "`Recent::new` cannot keep 0 keys")]
fn keeping_no_keys_is_refused() {
    let _ = flow::Recent::<u32, u32>::new(0, &Tally::new());
}
