//! Random specifications of windows over random times, the ends of time included, against a loop over all windows.
//!
//! `FUZZ_SECONDS=600 cargo test -p flow --test random_windows -- --nocapture` goes on for 600 s and prints the number of
//! specifications.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod reference;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use flow::time::Timed;
use flow::{
    Chain, Flow, LayerFlow, OfEventTime, Sessions, Tally, Trigger, TriggerName, Window, WindowId, Workers,
};
use futures_util::StreamExt;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use reference::watermarks;

/// When it happened, and its number.
type Event = (i64, usize);

/// Upper bound on the output taken from a flow: some specifications produce windows without end.
const MOST: usize = 12_000;

/// How the events are split.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Fixed(u64),
    /// How long, and one beginning every so many: they overlap or leave gaps.
    Sliding(u64, u64),
    Sessions(u64),
    Count(usize),
    Periodic(u64),
}

/// Windows, and the events that they divide.
#[derive(Clone, Debug)]
struct Spec {
    kind: Kind,
    sources: Vec<Vec<Event>>,
    lateness: u64,
    most_ahead: Option<u64>,
    emit_empty: bool,
    every: Option<usize>,
    partitions: Option<usize>,
    /// The most and the least demand.
    demand: (usize, usize),
}

fn length() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 1..30_u64, 2 => 1000..100_000_u64, 1 => Just(u64::MAX), 1 => Just(i64::MAX as u64)]
}

fn kind() -> impl Strategy<Value = Kind> {
    let sliding = (length(), length()).prop_map(|(span, step)| {
        // So that an event is in few windows.
        Kind::Sliding(span, if span == u64::MAX { span } else { step.max(span / 50) })
    });
    prop_oneof![
        3 => length().prop_map(Kind::Fixed),
        3 => sliding,
        2 => length().prop_map(Kind::Sessions),
        1 => (1..20_usize).prop_map(Kind::Count),
        1 => (1..20_u64).prop_map(|half| Kind::Periodic(2 * half)),
    ]
}

/// Mostly a clock that goes on and is a little off, and now and then any time at all.
fn source() -> impl Strategy<Value = Vec<i64>> {
    let odd = prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(0), any::<i64>(), 1000..50_000_i64];
    let step = prop_oneof![30 => (0..8_i64, -25..3_i64).prop_map(Ok), 1 => odd.prop_map(Err)];
    let start = prop_oneof![4 => -40..40_i64, 1 => Just(i64::MAX - 100), 1 => Just(i64::MIN + 50)];
    (start, vec(step, 0..60)).prop_map(|(mut now, steps)| {
        let mut at = |step| match step {
            Ok((on, off)) => {
                now = i64::saturating_add(now, on);
                now.saturating_add(off)
            }
            Err(odd) => odd,
        };
        steps.into_iter().map(&mut at).collect()
    })
}

fn spec() -> impl Strategy<Value = Spec> {
    let lateness = prop_oneof![2 => Just(0), 2 => 1..40_u64, 1 => Just(u64::MAX)];
    let most_ahead = option::of(prop_oneof![3 => 1..40_u64, 1 => Just(100_000)]);
    let rest = (most_ahead, any::<bool>(), option::of(1..5_usize), option::of(1..4_usize));
    (kind(), vec(source(), 1..4), lateness, rest, (1..30_usize, 0..100_usize)).prop_map(
        |(kind, sources, lateness, (most_ahead, emit_empty, every, partitions), (most, percent))| {
            let mut number = 0;
            let mut numbered = |at| {
                number += 1;
                (at, number)
            };
            let sources: Vec<Vec<Event>> =
                sources.into_iter().map(|times| times.into_iter().map(&mut numbered).collect()).collect();
            let demand = (most, (most * percent / 100).min(most - 1));
            // With lateness, each empty window also has a watermark trigger, which emits nothing here: without this bound,
            // a gap between the ends of time would take years.
            let near = sources.iter().flatten().all(|event| event.0.unsigned_abs() < 100_000);
            let emit_empty = emit_empty && (lateness == 0 || near);
            Spec { kind, sources, lateness, most_ahead, emit_empty, every, partitions, demand }
        },
    )
}

fn millis(time: u64) -> Duration {
    if time == u64::MAX { Duration::MAX } else { Duration::from_millis(time) }
}

/// A final window of a stage: the stage, the window, and the numbers of its events.
type Done = (usize, i64, Vec<usize>);

fn done(events: Vec<Event>, trigger: &Trigger) -> (Option<Done>, Vec<Event>) {
    let start = match trigger.window {
        WindowId::Fixed(start) | WindowId::Sliding(start) => start,
        WindowId::Count(number) | WindowId::Periodic(number) => i64::try_from(number).unwrap(),
        _ => panic!("{trigger:?}"),
    };
    let numbers = events.iter().map(|event| event.1).collect();
    let told = (trigger.name == TriggerName::Done).then_some((trigger.place.index, start, numbers));
    (told, events)
}

impl Spec {
    fn check(&self) -> Result<(), TestCaseError> {
        match self.kind {
            Kind::Fixed(span) => self.by_event_time(Window::fixed(millis(span)), span, span),
            Kind::Sliding(span, step) => {
                let outside = Tally::new();
                let window = Window::sliding(millis(span), millis(step)).count_outside(&outside);
                self.by_event_time(window, span, step)?;
                let between = |event: &&Event| containing(event.0, span, step).is_empty();
                let expected = self.sources.iter().flatten().filter(between).count();
                if self.emit_empty {
                    return Ok(());
                }
                prop_assert_eq!(outside.get(), expected as u64, "events between windows");
                Ok(())
            }
            Kind::Sessions(gap) => self.sessions(gap),
            Kind::Count(count) => self.count(count),
            Kind::Periodic(period) => self.periodic(period),
        }
    }

    fn asking<C: Chain>(&self, flow: Flow<C>) -> Flow<C> {
        flow.max_demand(self.demand.0).min_demand(self.demand.1)
    }

    /// The events with their times, in one layer of one or several stages.
    fn events(&self) -> LayerFlow<Timed, Event> {
        let most_ahead = self.most_ahead.map_or(Duration::MAX, millis);
        let events = Flow::from_iters(self.sources.clone()).event_time(|event: &Event| event.0, most_ahead);
        match self.partitions {
            Some(stages) => self.asking(events.partition(|event| event.1)).stages(stages),
            None => self.asking(events.boxed()).stages(1),
        }
    }

    fn by_event_time<K: OfEventTime>(
        &self,
        window: Window<K>,
        span: u64,
        step: u64,
    ) -> Result<(), TestCaseError> {
        let late = Tally::new();
        let mut window = window.count_late(&late).allowed_lateness(millis(self.lateness));
        if let Some(every) = self.every {
            window = window.trigger_every(every);
        }
        if self.emit_empty {
            window = window.emit_empty();
        }
        let windows = self.events().sliding_window(window).reduce(Vec::new, Vec::push).on_trigger(done);
        let given = first(&windows, MOST);
        Self::in_order(&given)?;
        let is_whole = given.len() < MOST;
        let (expected, too_late) = self.reference(span, step);
        let mut windows: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (_, start, numbers) in given.iter().filter(|done| !done.2.is_empty()) {
            windows.entry(*start).or_default().extend(numbers);
        }
        let windows = sort_each(windows);
        if is_whole {
            prop_assert_eq!(late.get(), too_late, "late events");
            prop_assert_eq!(&windows, &expected);
        } else {
            prop_assert!(self.emit_empty, "only windows without events are unlimited");
            // The output of each stage is a prefix of the expected output.
            for (start, numbers) in &windows {
                let all = expected.get(start);
                prop_assert!(all.is_some_and(|all| numbers.iter().all(|number| all.contains(number))));
            }
        }
        self.gaps(&given, is_whole, span, step)
    }

    /// Each stage is done with each window once, in the order of the windows. Those that begin before time does all have
    /// the least start.
    fn in_order(given: &[Done]) -> Result<(), TestCaseError> {
        let mut last: BTreeMap<usize, i64> = BTreeMap::new();
        for (stage, start, _) in given {
            let before = last.insert(*stage, *start);
            let follows = before < Some(*start) || (before, *start) == (Some(i64::MIN), i64::MIN);
            prop_assert!(follows, "stage {} is done with {} after {:?}", stage, start, before);
        }
        Ok(())
    }

    /// Windows without events come only where they are wanted, behind one with events, and as far as time is believed.
    fn gaps(&self, given: &[Done], is_whole: bool, span: u64, step: u64) -> Result<(), TestCaseError> {
        let mut first: BTreeMap<usize, i64> = BTreeMap::new();
        let reached = self.sources.iter().filter_map(|source| self.marks(source).1).max();
        for (stage, start, numbers) in given {
            first.entry(*stage).or_insert(*start);
            if numbers.is_empty() {
                prop_assert!(self.emit_empty);
                let follows = first[stage] < *start || *start == i64::MIN;
                prop_assert!(self.lateness > 0 || follows, "a gap comes first");
                prop_assert!(Some(*start) <= reached, "{} is not believed: {:?}", start, reached);
            }
        }
        let one_stage = self.partitions.is_none_or(|stages| stages == 1);
        if !(self.emit_empty && is_whole && one_stage && self.lateness == 0) {
            return Ok(());
        }
        // All that are between two with events and that time has passed.
        let starts: Vec<i64> = given.iter().map(|done| done.1).collect();
        for pair in starts.windows(2).filter(|pair| pair[0] > i64::MIN) {
            let next = i128::from(pair[0]) + i128::from(step);
            let is_over = |start: i128| start + i128::from(span) <= reached.unwrap_or(i64::MIN).into();
            prop_assert!(next == i128::from(pair[1]) || !is_over(next), "no window between {:?}", pair);
        }
        Ok(())
    }

    fn marks(&self, source: &[Event]) -> (Vec<i64>, Option<i64>) {
        let times: Vec<i64> = source.iter().map(|event| event.0).collect();
        let most_ahead = self.most_ahead.map_or(i64::MAX, |ahead| i64::try_from(ahead).unwrap());
        watermarks(&times, most_ahead)
    }

    /// The events of each window, by its start, and how many came too late.
    fn reference(&self, span: u64, step: u64) -> (BTreeMap<i64, Vec<usize>>, u64) {
        let (mut windows, mut late) = (BTreeMap::<i64, Vec<usize>>::new(), 0);
        for source in &self.sources {
            for ((at, number), mark) in source.iter().zip(self.marks(source).0) {
                let over = |start: i128| {
                    self.lateness < u64::MAX
                        && start + wide(span) <= i128::from(mark) - i128::from(self.lateness)
                };
                let all = containing(*at, span, step);
                let open: Vec<i128> = all.iter().copied().filter(|start| !over(*start)).collect();
                late += u64::from(open.is_empty() && !all.is_empty());
                for start in open {
                    let start = i64::try_from(start).unwrap_or(i64::MIN);
                    windows.entry(start).or_default().push(*number);
                }
            }
        }
        (sort_each(windows), late)
    }

    /// One source: which sessions there are depends on the order of its events alone.
    fn sessions(&self, gap: u64) -> Result<(), TestCaseError> {
        let (late, source) = (Tally::new(), self.sources[0].clone());
        let most_ahead = self.most_ahead.map_or(Duration::MAX, millis);
        let sessions = Sessions::new(millis(gap)).allowed_lateness(millis(self.lateness)).count_late(&late);
        let events = Flow::from_items(source.clone()).event_time(|event: &Event| event.0, most_ahead);
        let key = |event: &Event| event.1 % 3;
        let stages = self.partitions.unwrap_or(1);
        let found = self
            .asking(events.partition(key))
            .stages(stages)
            .sessions(sessions, key, Vec::new, |all, event| all.push(event.1), Extend::extend)
            .map(|session| (session.key, session.start, session.end, sorted(session.value)));
        let given = sorted(first(&found, usize::MAX));
        let (marks, _) = self.marks(&source);
        let (expected, too_late) = sessions_of(source.into_iter().zip(marks), wide(gap), wide(self.lateness));
        prop_assert_eq!(late.get(), too_late, "late events");
        prop_assert_eq!(given, expected);
        Ok(())
    }

    fn count(&self, count: usize) -> Result<(), TestCaseError> {
        let windows = self.events().window(Window::count(count)).reduce(Vec::new, Vec::push).on_trigger(done);
        let given: Vec<Done> = first(&windows, usize::MAX);
        let mut next: BTreeMap<usize, (i64, bool)> = BTreeMap::new();
        let mut all = Vec::new();
        for (stage, number, numbers) in given {
            let (expected, is_last) = next.get(&stage).copied().unwrap_or_default();
            prop_assert!(number == expected && !is_last, "window {} of stage {}", number, stage);
            prop_assert!(numbers.len() <= count);
            next.insert(stage, (number + 1, numbers.len() < count));
            all.extend(numbers);
        }
        prop_assert!(next.values().all(|(_, is_last)| *is_last), "the last window is not full");
        prop_assert_eq!(sorted(all), self.sources.iter().flatten().map(|event| event.1).collect::<Vec<_>>());
        Ok(())
    }

    /// Events come at odd milliseconds, windows end at even ones.
    fn periodic(&self, period: u64) -> Result<(), TestCaseError> {
        let waits: Vec<u64> = self.sources[0].iter().map(|event| event.0.unsigned_abs() % 20 * 2).collect();
        let mut expected: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        let mut now = 1;
        for (number, wait) in waits.iter().enumerate() {
            now += wait;
            expected.entry(i64::try_from(now / period).unwrap()).or_default().push(number);
        }
        let last = i64::try_from(now / period).unwrap();
        let events = move || {
            let waited = |(number, wait): (usize, u64)| async move {
                tokio::time::sleep(Duration::from_millis(wait + u64::from(number == 0))).await;
                (0, number)
            };
            futures_util::stream::iter(waits.clone().into_iter().enumerate()).then(waited).boxed()
        };
        let windows = self.asking(Flow::from_stream(events)).stages(1);
        let windows =
            windows.window(Window::periodic(millis(period))).reduce(Vec::new, Vec::push).on_trigger(done);
        let given: Vec<Done> = first(&windows, usize::MAX);
        let numbers: Vec<i64> = given.iter().map(|done| done.1).collect();
        if !expected.is_empty() {
            prop_assert_eq!(numbers, (0..=last).collect::<Vec<_>>());
        }
        let given = given.into_iter().filter(|done| !done.2.is_empty());
        prop_assert_eq!(given.map(|done| (done.1, done.2)).collect::<BTreeMap<_, _>>(), expected);
        Ok(())
    }
}

fn sorted<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort();
    all
}

/// The first events that a flow gives, on paused time; it may not wait for anything.
fn first<C: Chain>(flow: &Flow<C>, most: usize) -> Vec<C::Out> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let events = flow.stream_on(Workers::Current).await.unwrap();
        let all = events.take(most).map(Result::unwrap).collect();
        tokio::time::timeout(Duration::from_secs(3600), all).await.expect("the flow goes on")
    })
}

/// `u64::MAX` stands for a length without end.
fn wide(length: u64) -> i128 {
    if length == u64::MAX { i128::from(u64::MAX) * 1000 } else { length.into() }
}

/// The starts of the windows that contain a time.
fn containing(at: i64, span: u64, step: u64) -> Vec<i128> {
    let (at, span, step) = (i128::from(at), wide(span), wide(step));
    let near = at.div_euclid(step) - 60..=at.div_euclid(step) + 1;
    // Windows are numbered by `i64`: a window before the first number does not exist.
    let numbered = near.filter(|number| i64::try_from(*number).is_ok());
    numbered.map(|number| number * step).filter(|start| *start <= at && at < start + span).collect()
}

fn sort_each(windows: BTreeMap<i64, Vec<usize>>) -> BTreeMap<i64, Vec<usize>> {
    windows.into_iter().map(|(start, numbers)| (start, sorted(numbers))).collect()
}

/// Whose it was, when it began and ended, and the numbers of its events.
type Found = (usize, i64, i64, Vec<usize>);

fn sessions_of(events: impl Iterator<Item = (Event, i64)>, gap: i128, lateness: i128) -> (Vec<Found>, u64) {
    let (mut open, mut ended, mut late) = (Vec::<Found>::new(), Vec::new(), 0);
    for ((at, number), mark) in events {
        let (key, is_over) = (number % 3, |end: i64| i128::from(end) + gap + lateness < mark.into());
        ended.extend(open.extract_if(.., |session| is_over(session.2)));
        let near = |session: &Found| {
            let at = i128::from(at);
            session.0 == key && at + gap >= session.1.into() && i128::from(session.2) + gap >= at
        };
        if is_over(at) && !open.iter().any(near) {
            late += 1;
            continue;
        }
        let mut joined = (key, at, at, vec![number]);
        for other in open.extract_if(.., |session| near(session)) {
            joined = (key, joined.1.min(other.1), joined.2.max(other.2), [joined.3, other.3].concat());
        }
        open.push(joined);
    }
    ended.extend(open);
    (sorted(ended.into_iter().map(|found| (found.0, found.1, found.2, sorted(found.3))).collect()), late)
}

/// The most memory that this process had, in megabytes, where that is known.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? / 1000)
}

#[test]
fn an_early_window_with_a_late_first_event_begins_the_gaps() {
    let source = |times: &[i64], first| times.iter().copied().zip(first..).collect();
    let spec = Spec {
        kind: Kind::Fixed(1),
        sources: vec![source(&[5; 5], 1), source(&[0], 6)],
        lateness: 0,
        most_ahead: None,
        emit_empty: true,
        every: None,
        partitions: None,
        demand: (1, 0),
    };
    spec.check().unwrap();
}

#[test]
fn random_specifications_of_windows_are_honoured() {
    let asked: Option<u64> = std::env::var("FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let until = Instant::now() + Duration::from_secs(asked.unwrap_or(0));
    let mut tried = 0;
    loop {
        let config =
            Config { cases: 200, failure_persistence: None, max_shrink_iters: 500, ..Config::default() };
        tried += config.cases;
        // The tests of every day are the same in every run; a long run tries others each time.
        let mut runner = match asked {
            Some(_) => TestRunner::new(config),
            None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
        };
        let tested = runner.run(&spec(), |spec| spec.check());
        tested.unwrap_or_else(|error| panic!("{error}"));
        if Instant::now() >= until {
            break;
        }
    }
    println!("{tried} specifications; at most {:?} MB", peak_memory());
    assert!(asked.is_none() || peak_memory() < Some(1000), "{:?} MB", peak_memory());
}
