//! Tests of joins by key, with and without partners and windows.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flow::join::{FullOuter, Inner, JoinKind, LeftOuter, RightOuter};
use flow::time::{Timed, Untimed};
use flow::{Chain, Flow, LayerFlow, Window, Workers};
use futures_util::{StreamExt, stream};
use proptest::collection::vec;
use proptest::prelude::*;

async fn joined<J, T>(kind: J) -> Vec<T>
where
    J: JoinKind<i64, i64, Out = T>,
    T: Ord + Clone + Send + 'static,
{
    let left = Flow::from_items(0..4_i64);
    let right = Flow::from_items(4..9_i64);
    let mut all: Vec<T> = left.bounded_join(kind, right, |l| *l, |r| r - 3).collect().await.unwrap();
    all.sort();
    all
}

#[tokio::test]
async fn each_kind_gives_its_pairs_and_its_leftovers() {
    assert_eq!(joined(Inner).await, [(1, 4), (2, 5), (3, 6)]);
    assert_eq!(joined(LeftOuter).await, [(0, None), (1, Some(4)), (2, Some(5)), (3, Some(6))]);
    assert_eq!(joined(RightOuter).await, [(None, 7), (None, 8), (Some(1), 4), (Some(2), 5), (Some(3), 6)]);
    assert_eq!(joined(FullOuter).await.len(), 6);
}

#[tokio::test]
async fn events_of_different_windows_do_not_meet() {
    let left = Flow::from_items([0_i64, 1, 2, 3, 9, 10, 11]).event_time(|at| *at, Duration::MAX);
    let right = Flow::from_items([4_i64, 5, 6, 7, 8, 12, 13]).event_time(|at| *at, Duration::MAX);
    let window = Window::fixed(Duration::from_millis(10));
    let joined = left.window_join(FullOuter, window, right, |l| *l, |r| r - 3);
    let mut all: Vec<_> = joined.collect().await.unwrap();
    all.sort();
    let expected = [
        (None, Some(7)),
        (None, Some(8)),
        (None, Some(12)),
        (Some(0), None),
        (Some(1), Some(4)),
        (Some(2), Some(5)),
        (Some(3), Some(6)),
        (Some(9), None),
        (Some(10), Some(13)),
        (Some(11), None),
    ];
    assert_eq!(all, expected);
}

#[tokio::test]
async fn steps_after_a_join_see_its_leftovers_too() {
    let left = Flow::from_items(0..4_i64);
    let right = Flow::from_items(4..9_i64);
    let sum = left
        .bounded_join(LeftOuter, right, |l| *l, |r| r - 3)
        .map(|(l, r)| l + r.unwrap_or(100))
        .reduce(|| 0, |sum, value| *sum += value)
        .emit_state();
    let sums: Vec<i64> = sum.collect().await.unwrap();
    assert_eq!(sums.into_iter().sum::<i64>(), 6 + 15 + 100);
}

/// The results of a join by comparing each event with each other one.
fn reference(lefts: &[(u8, u32)], rights: &[(u8, u32)], kinds: (bool, bool)) -> Vec<Pair> {
    let mut all: Vec<Pair> = Vec::new();
    for left in lefts {
        all.extend(rights.iter().filter(|right| right.0 == left.0).map(|right| (Some(*left), Some(*right))));
    }
    let has = |side: &[(u8, u32)], key| side.iter().any(|event| event.0 == key);
    if kinds.0 {
        all.extend(lefts.iter().filter(|left| !has(rights, left.0)).map(|left| (Some(*left), None)));
    }
    if kinds.1 {
        all.extend(rights.iter().filter(|right| !has(lefts, right.0)).map(|right| (None, Some(*right))));
    }
    all.sort_unstable();
    all
}

type Event = (u8, u32);
type Pair = (Option<Event>, Option<Event>);

fn sorted<T, U>(flow: &Flow<T>, pair: impl Fn(U) -> Pair) -> Vec<Pair>
where
    T: Chain<Out = U>,
    U: Send + 'static,
{
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let all: Vec<U> = runtime.block_on(flow.collect_on(Workers::Current)).unwrap();
    let mut all: Vec<_> = all.into_iter().map(pair).collect();
    all.sort_unstable();
    all
}

/// The events of one side; some sides begin late, so that the other one has ended by then.
fn side(events: Vec<Event>, begins: u64) -> LayerFlow<Untimed, Event> {
    let events = move || {
        let events = events.clone();
        let late = async move {
            tokio::time::sleep(Duration::from_millis(begins)).await;
            stream::iter(events)
        };
        stream::once(late).flatten()
    };
    Flow::from_stream(events).boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn joins_of_all_kinds_equal_a_comparison_of_each_with_each(
        (lefts, rights) in (vec((0..12_u8, 0..100_u32), 0..60), vec((0..12_u8, 0..100_u32), 0..60)),
        begins in (0..3_u64, 0..3_u64),
        (stages, max_demand) in (1..4_usize, 1..20_usize),
    ) {
        let (left, right) = (side(lefts.clone(), begins.0), side(rights.clone(), begins.1));
        let key = |event: &Event| event.0;
        let inner = left.clone().bounded_join(Inner, right.clone(), key, key).stages(stages).max_demand(max_demand);
        prop_assert_eq!(sorted(&inner, |(l, r)| (Some(l), Some(r))), reference(&lefts, &rights, (false, false)));
        let outer = left.clone().bounded_join(LeftOuter, right.clone(), key, key).stages(stages).max_demand(max_demand);
        prop_assert_eq!(sorted(&outer, |(l, r)| (Some(l), r)), reference(&lefts, &rights, (true, false)));
        let outer = left.clone().bounded_join(RightOuter, right.clone(), key, key).stages(stages).max_demand(max_demand);
        prop_assert_eq!(sorted(&outer, |(l, r)| (l, Some(r))), reference(&lefts, &rights, (false, true)));
        let full = left.clone().bounded_join(FullOuter, right.clone(), key, key).stages(stages).max_demand(max_demand);
        prop_assert_eq!(sorted(&full, |pair| pair), reference(&lefts, &rights, (true, true)));
        let inner = left.clone().lookup_join(Inner, right.clone(), key, key).stages(stages).max_demand(max_demand);
        prop_assert_eq!(sorted(&inner, |(l, r)| (Some(l), Some(r))), reference(&lefts, &rights, (false, false)));
        let outer = left.clone().lookup_join(LeftOuter, right.clone(), key, key).stages(stages).max_demand(max_demand);
        prop_assert_eq!(sorted(&outer, |(l, r)| (Some(l), r)), reference(&lefts, &rights, (true, false)));
        // Both sides of the same flow, in one run: no side may wait for the other.
        let shared = left.share();
        let itself = shared.clone().lookup_join(Inner, shared.clone().filter(|event| event.1 % 2 == 0), key, key);
        let even: Vec<_> = lefts.iter().copied().filter(|event| event.1 % 2 == 0).collect();
        prop_assert_eq!(sorted(&itself.max_demand(max_demand), |(l, r)| (Some(l), Some(r))), reference(&lefts, &even, (false, false)));
        let itself = shared.clone().bounded_join(FullOuter, shared, key, key).max_demand(max_demand);
        prop_assert_eq!(sorted(&itself, |pair| pair), reference(&lefts, &lefts, (true, true)));
    }
}

/// An event that is counted while it exists.
#[derive(Debug)]
struct Counted(u64, Arc<Living>);

#[derive(Debug, Default)]
struct Living {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Counted {
    fn new(number: u64, living: &Arc<Living>) -> Self {
        let now = living.now.fetch_add(1, Ordering::SeqCst) + 1;
        living.most.fetch_max(now, Ordering::SeqCst);
        Self(number, Arc::clone(living))
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::new(self.0, &self.1)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.now.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn the_events_of_a_flow_are_not_kept_once_the_other_has_ended() {
    let living = Arc::<Living>::default();
    let count = Arc::clone(&living);
    // Begins when the right flow, which is short, has ended.
    let late = || {
        stream::once(tokio::time::sleep(Duration::from_secs(1))).flat_map(|()| stream::iter(0..20_000_u64))
    };
    let left = Flow::from_stream(late).max_demand(100).map(move |number| Counted::new(number, &count));
    let right = Flow::from_items((0..500_u64).map(|number| number * 3).collect::<Vec<_>>());
    let joined = left.bounded_join(LeftOuter, right, |left| left.0, |right| *right).max_demand(100).stages(2);
    let matched = joined.fold_on(0, |count, (_, right)| count + u32::from(right.is_some()), Workers::Current);
    assert_eq!(matched.await.unwrap(), 500);
    let most = living.most.load(Ordering::SeqCst);
    // The windows of the links hold some.
    assert!(most < 5000, "{most} of 20,000 events at once");
}

#[tokio::test(start_paused = true)]
async fn a_lookup_reads_its_events_once_its_table_is_complete() {
    let read = Arc::new(AtomicUsize::new(0));
    let (count, seen) = (Arc::clone(&read), Arc::clone(&read));
    let events = Flow::from_items(0..10_000_u64).map(move |number| {
        count.fetch_add(1, Ordering::SeqCst);
        number
    });
    let late =
        || stream::once(tokio::time::sleep(Duration::from_secs(1))).flat_map(|()| stream::iter(0..10_u64));
    let rows = Flow::from_stream(late).map(move |row| (row, seen.load(Ordering::SeqCst)));
    let joined = events.lookup_join(Inner, rows, |number| number % 100, |row| row.0);
    let all: Vec<_> = joined.collect_on(Workers::Current).await.unwrap();
    assert_eq!(all.len(), 1000);
    assert!(all.iter().all(|(_, (_, read_before))| *read_before == 0), "{:?}", all.first());
}

#[tokio::test]
async fn a_failed_table_fails_the_lookup() {
    let rows = Flow::from_items(0..10_u64).map(|row| if row == 5 { panic!("no row") } else { row });
    let joined = Flow::from_items(0_u64..).lookup_join(Inner, rows, |number| *number, |row| *row);
    let error = joined.count().await.unwrap_err();
    assert!(error.to_string().contains("no row"), "{error}");
}

#[tokio::test]
async fn two_results_of_a_shared_flow_take_one_run() {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let numbers = Flow::from_items(1..=1000_u64).map(move |number| {
        count.fetch_add(1, Ordering::SeqCst);
        number
    });
    let shared = numbers.share();
    let sum =
        shared.clone().partition(|number| number % 7).reduce(|| 0, |sum, number| *sum += number).emit_state();
    let odd = shared.filter(|number| number % 2 == 1);
    let (sums, odd): (Vec<u64>, Vec<u64>) = sum.collect_both(&odd).await.unwrap();
    assert_eq!((sums.iter().sum::<u64>(), odd.len()), (500_500, 500));
    assert_eq!(runs.swap(0, Ordering::SeqCst), 1000);
    let both = odd_and_all(&Flow::from_items(1..=1000_u64).share());
    assert_eq!(both.explain().layers().len(), 3, "the source is in the plan once");
    assert_eq!(both.count().await.unwrap(), 1500);
}

fn odd_and_all(shared: &LayerFlow<Untimed, u64>) -> LayerFlow<Untimed, u64> {
    shared.clone().filter(|number| number % 2 == 1).merge([shared.clone().map(|number| number)])
}

#[tokio::test]
async fn a_shared_flow_of_event_time_passes_its_watermarks_on() {
    let times = || stream::iter([1_i64, 500, 1001, 2002, 1500, 3003]).chain(stream::pending());
    let shared = Flow::from_stream(times).event_time(|at| *at, Duration::MAX).share();
    let counts = |flow: LayerFlow<Timed, i64>| {
        let seconds = flow.partition(|_| ()).window(Window::fixed(Duration::from_secs(1)));
        seconds.reduce(|| 0_u32, |count, _| *count += 1).emit_state()
    };
    let even = counts(shared.clone().filter(|at| at % 2 == 0).boxed()).map(|count| (true, count));
    let all = counts(shared.boxed()).map(|count| (false, count));
    // The source does not end: the windows are emitted because the watermark passes their ends.
    let mut first = even.merge([all]).first(5).await.unwrap();
    first.sort_unstable();
    assert_eq!(first, [(false, 1), (false, 1), (false, 2), (true, 1), (true, 1)]);
}
