//! Tests of what stages keep over a long input: it follows what is open, not what has come.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flow::join::Inner;
use flow::time::Timed;
use flow::{Chain, Flow, Origin, Sessions, Window};

/// The number of events; one happens in each millisecond.
const EVENTS: i64 = 100_000;
/// Each key has this many events in a row.
const OF_A_KEY: i64 = 10;
/// More windows, sessions or keys than the stages of a layer have open at any time.
const OPEN: usize = 40;
/// More values than are on their way between stages, and a fraction of all.
const ON_THEIR_WAY: usize = 5000;

/// Counts values: those that exist, the most at any time, and all.
#[derive(Clone, Default)]
struct Census {
    counts: Arc<[AtomicUsize; 3]>,
}

impl Census {
    fn value(&self) -> Counted {
        let [now, most, all] = &*self.counts;
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        all.fetch_add(1, Ordering::SeqCst);
        Counted { census: self.clone() }
    }

    /// Checks that there were at least `all` values, at most `most` at a time, and that none is left.
    fn check(&self, all: i64, most: usize) {
        let [now, highest, made] = self.counts.each_ref().map(|count| count.load(Ordering::SeqCst));
        assert!(made >= usize::try_from(all).unwrap(), "{made} values");
        assert!((1..=most).contains(&highest), "{highest} of {made} values at a time");
        assert_eq!(now, 0, "values are left");
    }
}

/// A value that is counted until it is dropped.
struct Counted {
    census: Census,
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.census.value()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.census.counts[0].fetch_sub(1, Ordering::SeqCst);
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "flows pass the event by reference")]
const fn key_of(at: &i64) -> i64 {
    *at / OF_A_KEY
}

fn events() -> Flow<impl Chain<Out = i64, Origin: Origin<Item = i64, Time = Timed>>> {
    Flow::from_items(0..EVENTS).event_time(|at| *at, Duration::MAX)
}

fn window() -> Window<flow::EventTime> {
    Window::fixed(Duration::from_millis(10))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_kept_while_they_are_open() {
    let census = Census::default();
    let value = census.clone();
    let gap = Sessions::new(Duration::from_millis(5));
    let init = move || value.value();
    let sessions =
        events().partition(key_of).stages(2).sessions(gap, key_of, init, |_, _| (), |_, _| ()).map(|_| ());
    let keys = EVENTS / OF_A_KEY;
    assert_eq!(i64::try_from(sessions.count().await.unwrap()).unwrap(), keys);
    drop(sessions);
    census.check(keys, OPEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_are_kept_while_they_are_open() {
    let census = Census::default();
    let value = census.clone();
    let counts = events()
        .partition(key_of)
        .stages(2)
        .window(window())
        .reduce(move || (value.value(), 0), |(_, count), _| *count += 1)
        .on_trigger(|acc, _| ([acc.1], acc));
    assert_eq!(counts.fold(0, |sum, count| sum + count).await.unwrap(), EVENTS);
    drop(counts);
    census.check(EVENTS / 10, OPEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_are_kept_until_their_deadlines() {
    let census = Census::default();
    let value = census.clone();
    let values = events()
        .partition(key_of)
        .stages(2)
        .deadlines(key_of, move || value.value(), |_, at| at + 15)
        .stages(2)
        .map(|_| ());
    let keys = EVENTS / OF_A_KEY;
    assert_eq!(i64::try_from(values.count().await.unwrap()).unwrap(), keys);
    drop(values);
    census.check(keys, ON_THEIR_WAY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_departition_keeps_the_windows_that_not_all_stages_have_emitted() {
    let census = Census::default();
    let (value, merged) = (census.clone(), census.clone());
    let counts = events()
        .partition(|at| *at)
        .stages(2)
        .window(window())
        .reduce(move || (value.value(), 0), |(_, count), _| *count += 1)
        .departition(
            move || (merged.value(), 0),
            |(_, all), (_, count)| *all += count,
            |(_, count), _| count,
        );
    assert_eq!(counts.fold(0, |sum, count| sum + count).await.unwrap(), EVENTS);
    drop(counts);
    census.check(EVENTS / 10, ON_THEIR_WAY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_keeps_the_events_of_open_windows() {
    let census = Census::default();
    let [left, right] = [census.clone(), census.clone()];
    let events = events().share();
    let left = events.clone().stages(1).map(move |at| (at, left.value()));
    let right = events.stages(1).map(move |at| (at, right.value()));
    let pairs = left.window_join(Inner, window(), right, |left| left.0, |right| right.0).map(|_| ());
    assert_eq!(i64::try_from(pairs.count().await.unwrap()).unwrap(), EVENTS);
    drop(pairs);
    // Twice, as events are on their way from the source, and from the two sides.
    census.check(2 * EVENTS, 8 * ON_THEIR_WAY);
}
