//! Windows by event time, fixed and sliding, under disorder and lateness, for any layers before them.

#[path = "../../../flow/tests/reference/mod.rs"]
mod reference;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flow::time::Timed;
use flow::{Chain, Flow, LayerFlow, OfEventTime, Tally, Trigger, TriggerName, Window, WindowId};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use stage_core::testing::Sim;

use super::config;
use super::program::{Layout, layout};
use crate::support::{collect, sorted};
use reference::watermarks;

/// Time and number of an event.
type Event = (i64, usize);

/// Events of some sources, and their windows.
#[derive(Clone, Debug)]
struct Case {
    sources: Vec<Vec<Event>>,
    span: i64,
    /// `None` for tumbling windows.
    step: Option<i64>,
    lateness: Option<i64>,
    most_ahead: i64,
    between: Between,
    layouts: [Layout; 3],
    seed: u64,
}

/// The layers between the sources and the windows.
#[derive(Clone, Copy, Debug)]
enum Between {
    Nothing,
    Steps,
    Partition,
    StepsAndPartition,
    Shuffle,
}

fn sources() -> impl Strategy<Value = Vec<Vec<Event>>> {
    // Time advances slightly, and events are slightly out of order.
    let events = vec((0..8_i64, -25..3_i64), 0..60);
    vec(events, 1..4).prop_map(|sources| {
        let mut number = 0;
        let event = |(now, (on, off)): (&mut i64, (i64, i64))| {
            *now += on;
            number += 1;
            (*now + off, number)
        };
        let mut event = event;
        sources
            .into_iter()
            .map(|steps| {
                let mut now = -40;
                steps.into_iter().map(|step| event((&mut now, step))).collect()
            })
            .collect()
    })
}

/// Returns cases with no layer between the sources and the windows, or one.
fn one_layer() -> impl Strategy<Value = Case> {
    use Between::{Nothing, Partition, Shuffle, Steps};
    case(prop_oneof![Just(Nothing), Just(Steps), Just(Partition), Just(Shuffle)])
}

/// Returns cases with two layers between the sources and the windows: the second mixes the output of the
/// first.
fn two_layers() -> impl Strategy<Value = Case> {
    case(Just(Between::StepsAndPartition))
}

fn case(between: impl Strategy<Value = Between>) -> impl Strategy<Value = Case> {
    let window = (1..30_i64, proptest::option::of(1..30_i64), proptest::option::of(1..30_i64));
    let most_ahead = prop_oneof![Just(i64::MAX), 4..20_i64];
    (sources(), window, most_ahead, between, [layout(), layout(), layout()], any::<u64>()).prop_map(
        |(sources, (span, step, lateness), most_ahead, between, layouts, seed)| Case {
            sources,
            span,
            step,
            lateness,
            most_ahead,
            between,
            layouts,
            seed,
        },
    )
}

fn millis(time: i64) -> Duration {
    Duration::from_millis(u64::try_from(time).unwrap())
}

/// The late events: their number, and their ids.
#[derive(Default)]
struct TooLate {
    counted: Tally,
    given: Arc<Mutex<Vec<usize>>>,
}

/// An output of a stage: the stage, the window, the trigger, and the numbers of the events.
type Told = (usize, i64, TriggerName, Vec<usize>);

fn tell(events: Vec<Event>, trigger: &Trigger) -> ([Told; 1], Vec<Event>) {
    let (WindowId::Fixed(start) | WindowId::Sliding(start)) = trigger.window else { panic!("{trigger:?}") };
    let numbers = events.iter().map(|event| event.1).collect();
    ([(trigger.place.index, start, trigger.name.clone(), numbers)], events)
}

impl Case {
    fn run(&self, late: &TooLate) -> Vec<Told> {
        let [first, second, last] = self.layouts;
        let most_ahead = if self.most_ahead == i64::MAX { Duration::MAX } else { millis(self.most_ahead) };
        let events = Flow::from_iters(self.sources.clone()).event_time(|event: &Event| event.0, most_ahead);
        let by_number = |event: &Event| event.1;
        match self.between {
            Between::Nothing => self.windows(last.of(events), late),
            Between::Steps => self.windows(last.of(first.of(events).map(|event| event).shuffle()), late),
            Between::Partition => self.windows(last.of(events.partition(by_number)), late),
            Between::StepsAndPartition => {
                let before: LayerFlow<Timed, Event> =
                    first.of(events).map(|event| event).partition(by_number);
                self.windows(last.of(second.of(before).map(|event| event).partition(by_number)), late)
            }
            Between::Shuffle => {
                self.windows(last.of(second.of(events.shuffle()).map(|event| event).shuffle()), late)
            }
        }
    }

    fn windows<C>(&self, flow: Flow<C>, late: &TooLate) -> Vec<Told>
    where
        C: Chain<Out = Event>,
        C::Origin: flow::Origin<Time = Timed, Item = Event>,
    {
        match self.step {
            None => self.split(flow, Window::fixed(millis(self.span)), late),
            Some(step) => self.split(flow, Window::sliding(millis(self.span), millis(step)), late),
        }
    }

    fn split<C, K: OfEventTime>(&self, flow: Flow<C>, window: Window<K>, late: &TooLate) -> Vec<Told>
    where
        C: Chain<Out = Event>,
        C::Origin: flow::Origin<Time = Timed, Item = Event>,
    {
        let window = window.count_late(&late.counted);
        let window = match self.lateness {
            None => window,
            Some(lateness) => window.allowed_lateness(millis(lateness)),
        };
        let given = Arc::clone(&late.given);
        let windows = flow.sliding_window(window).late(move |late| given.lock().unwrap().push(late.event.1));
        let told = windows.reduce(Vec::new, Vec::push).on_trigger(tell);
        Sim::seeded(self.seed).run(collect(&told)).unwrap()
    }

    /// Returns the events of each window, and those that were in no window that was still open.
    fn reference(&self) -> (BTreeMap<i64, Vec<usize>>, Vec<usize>) {
        let (step, lateness) = (self.step.unwrap_or(self.span), self.lateness.unwrap_or(0));
        let (mut windows, mut late) = (BTreeMap::<i64, Vec<usize>>::new(), Vec::new());
        for source in &self.sources {
            let times: Vec<i64> = source.iter().map(|event| event.0).collect();
            let (marks, _) = watermarks(&times, self.most_ahead);
            for ((at, number), mark) in source.iter().zip(marks) {
                let contains = |start: &i64| *start <= *at && *at < start + self.span;
                let open = |start: &i64| start + self.span > mark.saturating_sub(lateness);
                let starts = (-100..700).map(|window| window * step).filter(contains);
                let all: Vec<i64> = starts.collect();
                let open: Vec<i64> = all.iter().copied().filter(open).collect();
                // An event between two windows is not late.
                late.extend((open.is_empty() && !all.is_empty()).then_some(*number));
                for start in open {
                    windows.entry(start).or_default().push(*number);
                }
            }
        }
        (windows, sorted(late))
    }
}

/// Checks that each stage finishes each window once, in order; together the windows have exactly the events
/// in time.
fn windows_follow_the_order_of_the_sources(case: &Case) -> Result<(), TestCaseError> {
    let late = TooLate::default();
    let told = case.run(&late);
    let (expected, too_late) = case.reference();
    prop_assert_eq!(late.counted.get(), too_late.len() as u64, "late events");
    prop_assert_eq!(sorted(late.given.lock().unwrap().clone()), too_late, "late events that were given");
    let mut windows: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    let mut last: BTreeMap<usize, i64> = BTreeMap::new();
    for (stage, start, name, numbers) in &told {
        if *name != TriggerName::Done {
            prop_assert_eq!(name, &TriggerName::Watermark);
            continue;
        }
        let before = last.insert(*stage, *start);
        prop_assert!(before < Some(*start), "stage {} is done with {} after {:?}", stage, start, before);
        windows.entry(*start).or_default().extend(numbers);
    }
    let in_order = |windows: BTreeMap<i64, Vec<usize>>| {
        windows.into_iter().map(|(start, numbers)| (start, sorted(numbers))).collect::<Vec<_>>()
    };
    prop_assert_eq!(in_order(windows), in_order(expected));
    Ok(())
}

/// Checks that a window that waits for late events is emitted when the watermark has passed it, and then
/// finally.
fn windows_are_passed_once_and_then_done(case: &Case) -> Result<(), TestCaseError> {
    let told = case.run(&TooLate::default());
    for (stage, start, name, numbers) in &told {
        let mut others = told.iter().filter(|other| (other.0, other.1) == (*stage, *start));
        let names: Vec<_> = others.clone().map(|other| other.2.clone()).collect();
        let whole = [TriggerName::Watermark, TriggerName::Done];
        prop_assert!(names == whole || names == whole[1..], "{:?}", names);
        if *name == TriggerName::Watermark {
            prop_assert!(case.lateness.is_some());
            let done = others.next_back().unwrap();
            prop_assert!(done.3.starts_with(numbers), "{:?} is not the beginning of {:?}", numbers, done.3);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn windows_by_event_time_follow_the_order_of_the_sources(case in one_layer()) {
        windows_follow_the_order_of_the_sources(&case)?;
    }

    #[test]
    fn a_window_is_passed_by_the_watermark_once_and_before_it_is_done(case in one_layer()) {
        windows_are_passed_once_and_then_done(&case)?;
    }

    #[test]
    fn windows_behind_two_layers_follow_the_order_of_the_sources(case in two_layers()) {
        windows_follow_the_order_of_the_sources(&case)?;
        windows_are_passed_once_and_then_done(&case)?;
    }
}
