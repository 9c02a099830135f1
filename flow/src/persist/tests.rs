//! A state that is saved and restored, beside one that never is, and beside a flow.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use proptest::prelude::*;

use super::{
    Combined, Cut, CutFlow, EventTimes, KeyedWindows, OpenWindows, Read, RestoreError, Saved, WindowResult,
};
use crate::source::{More, Part, Source};
use crate::time::Stamped;
use crate::{Flow, OfEventTime, Tally, Window};

type Counts = KeyedWindows<i64, i64, u64>;
type Results = Vec<WindowResult<i64, u64>>;

/// An input of a state.
#[derive(Clone, Copy, Debug)]
enum Input {
    Event(usize, i64),
    Idle(usize),
    Mark(usize, i64),
    End(usize),
}

const WAYS: usize = 3;

fn fixed() -> Counts {
    let window = Window::fixed(Duration::from_millis(10));
    KeyedWindows::new(window, |at: &i64| at % 3, || 0, |count, _| *count += 1).expect("valid options")
}

fn sliding() -> Counts {
    let window = Window::sliding(Duration::from_millis(10), Duration::from_millis(4));
    let window = window.allowed_lateness(Duration::from_millis(5)).trigger_every(3);
    KeyedWindows::new(window, |at: &i64| at % 3, || 0, |count, _| *count += 1).expect("valid options")
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        20 => (0..WAYS, 0..100_i64).prop_map(|(way, at)| Input::Event(way, at)),
        1 => (0..WAYS).prop_map(Input::Idle),
        2 => (0..WAYS, 0..100_i64).prop_map(|(way, at)| Input::Mark(way, at)),
        1 => (0..WAYS).prop_map(Input::End),
    ]
}

fn apply(state: &mut OpenWindows<i64, i64, u64>, times: &mut [i64; WAYS], input: Input, into: &mut Results) {
    let sink = &mut |result| into.push(result);
    match input {
        Input::Event(way, at) => {
            times[way] = times[way].max(at);
            state.event(way, at, times[way], at, sink);
        }
        Input::Idle(way) => state.progress(way, Some(times[way]), true, sink),
        Input::Mark(way, at) => {
            times[way] = times[way].max(at);
            state.progress(way, Some(times[way]), false, sink);
        }
        Input::End(way) => state.end(way, sink),
    }
}

fn assert_restored(windows: &Counts, inputs: &[Input], saves: &[bool]) {
    let mut kept = (windows.open(WAYS), [i64::MIN; WAYS], Vec::new());
    let mut moved = (windows.open(WAYS), [i64::MIN; WAYS], Vec::new());
    for (place, input) in inputs.iter().enumerate() {
        apply(&mut kept.0, &mut kept.1, *input, &mut kept.2);
        apply(&mut moved.0, &mut moved.1, *input, &mut moved.2);
        if saves[place % saves.len()] {
            let bytes = postcard::to_stdvec(&moved.0.save()).expect("a state");
            let read: Saved<i64, u64> = postcard::from_bytes(&bytes).expect("a state");
            moved.0 = windows.restore(read, WAYS).expect("the same windows");
        }
        assert_eq!(moved.0.save(), kept.0.save());
    }
    assert_eq!(moved.2, kept.2);
}

proptest! {
    #[test]
    fn a_restored_state_continues_as_if_it_had_never_been_saved(
        inputs in prop::collection::vec(input(), 0..120),
        saves in prop::collection::vec(any::<bool>(), 1..20),
    ) {
        assert_restored(&fixed(), &inputs, &saves);
        assert_restored(&sliding(), &inputs, &saves);
    }

    #[test]
    fn the_results_are_those_of_a_flow(
        parts in prop::collection::vec(prop::collection::vec(-50..100_i64, 0..60), WAYS),
        order in prop::collection::vec(0..WAYS, 0..200),
    ) {
        let mut state = fixed().open(WAYS);
        let mut clocks = vec![EventTimes::new(Duration::from_millis(30)).expect("valid"); WAYS];
        let mut rest: Vec<_> = parts.iter().map(|part| part.iter()).collect();
        let mut results = Vec::new();
        for way in order.into_iter().chain((0..WAYS).flat_map(|way| [way; 60])) {
            let Some(at) = rest[way].next() else { continue };
            let watermark = clocks[way].see(*at).unwrap_or(i64::MIN);
            state.event(way, *at, watermark, *at, &mut |result| results.push(result));
        }
        for (way, clock) in clocks.iter_mut().enumerate() {
            let reached = clock.end();
            state.progress(way, reached, false, &mut |result| results.push(result));
            state.end(way, &mut |result| results.push(result));
        }
        let results: BTreeMap<_, _> =
            results.into_iter().map(|result| ((result.start, result.key), result.value)).collect();
        prop_assert_eq!(results, of_flow(parts));
    }
}

/// What a state has made of the events of some parts.
#[derive(Debug, Default, PartialEq)]
struct Made {
    last: BTreeMap<(i64, i64), u64>,
    late: u64,
    outside: u64,
}

/// Reads the parts in turn, some events at a time, and returns what they gave, part by part.
async fn read_all<T: Send + 'static>(flow: &CutFlow<T>, most: &[usize]) -> Vec<Vec<Stamped<T>>> {
    let mut all = Vec::new();
    for number in 0..flow.parts() {
        let (mut part, mut events, mut turn) = (flow.open(number).unwrap(), Vec::new(), 0);
        while part.read(most[turn % most.len()], &mut events).await.unwrap() != Read::End {
            // A part has its watermark no sooner than its events.
            let passed = events.last().map_or(i64::MIN, |event: &Stamped<T>| event.stamp.watermark);
            assert!(part.reached().unwrap_or(i64::MIN) >= passed);
            turn += 1;
        }
        all.push(events);
    }
    all
}

/// Folds the events of parts in this order, each part by its own progress.
fn fold<W: OfEventTime, T: Clone + Send + 'static>(
    window: Window<W>,
    parts: Vec<Vec<Stamped<T>>>,
    key: impl Fn(&T) -> i64 + Send + Sync + 'static,
    count: impl Fn(&mut u64, T) + Send + Sync + 'static,
) -> Made {
    let (late, outside) = (Tally::new(), Tally::new());
    let mut window = window.count_late(&late);
    window.spec.outside = outside.clone();
    let windows = KeyedWindows::new(window, key, || 0, count).unwrap();
    let (mut state, mut made) = (windows.open(parts.len()), Made::default());
    let mut keep = |result: WindowResult<i64, u64>| {
        if result.is_last {
            assert_eq!(made.last.insert((result.start, result.key), result.value), None);
        }
    };
    for (way, events) in parts.into_iter().enumerate() {
        for Stamped { stamp, event } in events {
            state.event(way, stamp.at, stamp.watermark, event, &mut keep);
        }
        state.end(way, &mut keep);
    }
    (made.late, made.outside) = (late.get(), outside.get());
    made
}

/// Compares the results, lateness and counts of events that are combined with those of events that are not.
fn assert_combined<W: OfEventTime + Clone>(window: Window<W>, parts: Vec<Vec<i64>>, most: [usize; 2]) {
    let flow =
        Flow::from_iters(parts).event_time(|at| *at, Duration::from_millis(40)).filter(|at| at % 7 != 0);
    let cut = flow.cut().unwrap();
    let combined =
        cut.clone().combined(&window, |at| at % 3, || 0, |count: &mut u64, _| *count += 1).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (events, values) = runtime.block_on(async {
        let values = read_all(&combined, &most).await;
        assert_eq!(read_all(&combined, &[usize::MAX]).await, values, "whatever is read at once");
        (read_all(&cut, &most).await, values)
    });
    let sum = |count: &mut u64, more: Combined<i64, u64>| *count += more.value;
    let expected = fold(window.clone(), events, |at| at % 3, |count, _| *count += 1);
    assert_eq!(fold(window, values, |combined| combined.key, sum), expected);
}

proptest! {
    #[test]
    fn combined_events_give_the_results_of_the_events(
        parts in prop::collection::vec(prop::collection::vec((-5..25_i64, 0..60_i64), 0..80), 1..WAYS),
        most in prop::array::uniform2(1..20_usize),
        lateness in 0..20_u64,
    ) {
        let spread = |part: Vec<(i64, i64)>| {
            let mut now = 0;
            part.into_iter().map(|(step, behind)| { now += step; now - if behind > 40 { behind } else { 0 } }).collect()
        };
        let parts: Vec<Vec<i64>> = parts.into_iter().map(spread).collect();
        let [ten, four, lateness] = [10, 4, lateness].map(Duration::from_millis);
        assert_combined(Window::fixed(ten).allowed_lateness(lateness), parts.clone(), most);
        assert_combined(Window::sliding(ten, four).allowed_lateness(lateness), parts.clone(), most);
        assert_combined(Window::sliding(four, ten).allowed_lateness(lateness), parts, most);
    }
}

/// Returns the results of a flow in one process.
fn of_flow(parts: Vec<Vec<i64>>) -> BTreeMap<(i64, i64), u64> {
    let flow = Flow::from_iters(parts)
        .event_time(|at| *at, Duration::from_millis(30))
        .partition(|at| at % 3)
        .window(Window::fixed(Duration::from_millis(10)))
        .reduce(HashMap::new, |counts, at: i64| *counts.entry(at % 3).or_insert(0_u64) += 1)
        .on_trigger(|counts: HashMap<i64, u64>, trigger| {
            let crate::WindowId::Fixed(start) = trigger.window else { unreachable!("fixed windows") };
            let results: Vec<_> = counts.iter().map(|(key, count)| ((start, *key), *count)).collect();
            (results, counts)
        });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(flow.collect()).expect("a flow")
}

#[test]
fn a_state_of_other_windows_is_refused() {
    let saved = fixed().open(2).save();
    let refused = fixed().restore(saved, 3).unwrap_err();
    assert_eq!(refused, RestoreError::Ways { found: 2, expected: 3 });
    assert_eq!(refused.to_string(), "the state has 2 inputs, the windows have 3");
    let mut state = fixed().open(1);
    state.event(0, 1, 1, 1, &mut |_| {});
    let mut saved = state.save();
    saved.0.windows[0].until = 0;
    assert_eq!(fixed().restore(saved, 1).unwrap_err(), RestoreError::Damaged);
}

#[test]
fn windows_with_a_clock_are_refused_and_described_by_their_options() {
    let window = Window::fixed(Duration::from_secs(1));
    let clocked = window.clone().trigger_periodically(Duration::from_secs(1));
    let refused = KeyedWindows::new(clocked, |at: &i64| *at, || 0, |_: &mut i32, _| {}).unwrap_err();
    assert!(refused.to_string().contains("`trigger_periodically`"), "{refused}");
    let zero = Window::fixed(Duration::ZERO);
    assert!(KeyedWindows::new(zero, |at: &i64| *at, || 0, |_: &mut i32, _| {}).is_err());
    assert_eq!(fixed().describe(), "windows of 10 ms every 10 ms, lateness 0 ms");
    assert_eq!(sliding().describe(), "windows of 10 ms every 4 ms, lateness 5 ms, trigger every 3");
}

#[test]
fn with_the_last_input_all_windows_end_once() {
    let (mut state, mut results) = (fixed().open(2), Results::new());
    let sink = &mut |result| results.push(result);
    state.event(0, 5, 5, 5, sink);
    state.end(0, sink);
    state.progress(0, Some(100), false, sink);
    assert!(!state.has_ended());
    state.end(1, sink);
    state.end(1, sink);
    assert!(state.has_ended());
    assert_eq!(results, [WindowResult { start: 0, is_last: true, key: 2, value: 1 }]);
}

#[test]
fn an_event_behind_the_end_of_its_input_is_late_and_opens_no_window() {
    let (mut state, mut results) = (fixed().open(2), Results::new());
    let sink = &mut |result| results.push(result);
    state.end(0, sink);
    state.event(0, 5, 5, 5, sink);
    assert_eq!((state.late(), state.has_ended_way(0)), (1, true));
    state.end(1, sink);
    state.event(1, 90, 90, 90, sink);
    assert_eq!((state.late(), state.has_ended()), (2, true));
    assert_eq!(state.save(), fixed().restore(state.save(), 2).expect("the same windows").save());
    assert_eq!(results, []);
}

/// The numbers from 0, up to an error.
#[derive(Clone, Copy, Debug)]
struct Failing;

struct FailingPart(i64);

impl Source for Failing {
    type Item = i64;
    type Part = FailingPart;

    fn parts(&self, _most: usize) -> Result<Vec<FailingPart>, stage_core::BoxError> {
        Ok(vec![FailingPart(0)])
    }

    fn name(&self) -> String {
        "failing".to_owned()
    }
}

impl Part for FailingPart {
    type Item = i64;

    fn read(&mut self, most: usize, each: &mut impl FnMut(i64)) -> Result<More, stage_core::BoxError> {
        for _ in 0..most {
            if self.0 == 5 {
                return Err("no disk".into());
            }
            each(self.0);
            self.0 += 1;
        }
        Ok(More::Yes)
    }
}

#[tokio::test]
async fn a_part_begins_again_with_its_first_event_and_fails_behind_its_last_one() {
    let flow = Flow::from_source(Failing).event_time(|at| *at, Duration::MAX).filter(|at| at % 2 == 0);
    let cut = flow.cut().unwrap();
    assert_eq!(cut.parts(), 1);
    assert_eq!(cut.open(1).unwrap_err().to_string(), "the source has 1 parts, and none with number 1");
    for most in [1, 3, 100] {
        let (mut part, mut events) = (cut.open(0).unwrap(), Vec::new());
        let error = loop {
            match part.read(most, &mut events).await {
                Ok(read) => assert_eq!(read, Read::Events),
                Err(error) => break error,
            }
        };
        let events: Vec<_> = events.iter().map(|event| (event.event, event.stamp.watermark)).collect();
        assert_eq!(events, [(0, 0), (2, 2), (4, 4)]);
        assert_eq!((part.reached(), error.to_string()), (Some(4), "no disk".to_owned()));
        assert_eq!(part.read(1, &mut Vec::new()).await.unwrap(), Read::End);
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_that_waits_is_idle_once_until_its_next_event() {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    let receiver = std::sync::Arc::new(tokio::sync::Mutex::new(receiver));
    let recipe = move || {
        let receiver = std::sync::Arc::clone(&receiver);
        let numbers = futures_util::stream::unfold(receiver, |receiver| async move {
            let event: Option<i64> = receiver.lock().await.recv().await;
            event.map(|event| (event, receiver))
        });
        Box::pin(numbers)
    };
    let flow =
        Flow::from_stream(recipe).event_time(|at| *at, Duration::MAX).idle_after(Duration::from_secs(5));
    let mut part = flow.cut().unwrap().open(0).unwrap();
    let mut events = Vec::new();
    assert_eq!(part.read(10, &mut events).await.unwrap(), Read::Idle);
    let waits = tokio::time::timeout(Duration::from_secs(60), part.read(10, &mut events)).await;
    assert!(waits.is_err(), "{waits:?}");
    sender.send(7).unwrap();
    assert_eq!(part.read(10, &mut events).await.unwrap(), Read::Events);
    assert_eq!((events.len(), part.reached()), (1, Some(7)));
    assert_eq!(part.read(10, &mut events).await.unwrap(), Read::Idle);
    drop(sender);
    assert_eq!(part.read(10, &mut events).await.unwrap(), Read::End);
}
