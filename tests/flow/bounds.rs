//! Bounded state of joins, sessions and groups: evicted entries and their counts.

use std::time::Duration;

use flow::join::{FullOuter, Inner};
use flow::{Flow, Sessions, Tally, Window};

use crate::support::{gives, gives_in_order, in_any_order, sorted};

#[test]
fn a_join_pairs_all_events_within_its_bound() {
    let evicted = Tally::new();
    let (left, right) = (Flow::from_items(0..50_u64), Flow::from_items(0..50_u64));
    let joined = left.bounded_join(Inner, right, |left| *left, |right| *right);
    let all: Vec<_> = (0..50).map(|number| (number, number)).collect();
    gives(&joined.keep_at_most(100, &evicted).stages(1), all);
    assert_eq!(evicted.get(), 0);
}

#[test]
fn events_evicted_from_a_join_are_emitted_once_and_counted() {
    let evicted = Tally::new();
    let (left, right) = (Flow::from_items(0..40_u64), Flow::from_items(0..40_u64));
    let joined = left.bounded_join(FullOuter, right, |left| *left, |right| *right);
    let joined = joined.keep_at_most(10, &evicted).stages(1);
    in_any_order(async || {
        let before = evicted.get();
        let given = crate::support::collect(&joined).await.unwrap();
        // Unmatched events are emitted alone: each event of each side occurs once, matched or not.
        let lefts: Vec<_> = given.iter().filter_map(|pair| pair.0).collect();
        let rights: Vec<_> = given.iter().filter_map(|pair| pair.1).collect();
        assert_eq!(sorted(lefts), (0..40).collect::<Vec<_>>());
        assert_eq!(sorted(rights), (0..40).collect::<Vec<_>>());
        // All except the last ten.
        assert_eq!(evicted.get() - before, 70);
    });
}

#[test]
fn the_bound_of_a_join_covers_all_its_windows_and_closed_windows_free_it() {
    let evicted = Tally::new();
    let side = || Flow::from_items((0..100_i64).map(|number| number * 100).collect::<Vec<_>>());
    let side = || side().event_time(|at| *at, Duration::MAX).stages(1);
    let window = Window::fixed(Duration::from_millis(100));
    let joined = side().window_join(FullOuter, window, side(), |left| *left, |right| *right);
    // Both sides have two hundred events. One side may buffer all of its events until the other begins.
    let joined = joined.keep_at_most(150, &evicted).stages(1);
    gives(&joined, (0..100_i64).map(|number| (Some(number * 100), Some(number * 100))).collect::<Vec<_>>());
    assert_eq!(evicted.get(), 0);
}

#[test]
fn the_session_that_is_handed_out_too_early_is_the_one_whose_last_event_happened_first() {
    let evicted = Tally::new();
    let gap = Sessions::new(Duration::from_secs(10)).keep_at_most(2, &evicted);
    // Times and keys: `a` is evicted for `c`, and returns.
    let events = [(1000_i64, 'a'), (2000, 'b'), (3000, 'c'), (4000, 'a'), (5000, 'c')];
    let sessions = Flow::from_items(events)
        .event_time(|event| event.0, Duration::MAX)
        .stages(1)
        .sessions(gap, |event| event.1, || 0_u32, |count, _| *count += 1, |count, other| *count += other)
        .map(|session| (session.key, session.start, session.end, session.value));
    let expected = [('a', 1000, 1000, 1), ('b', 2000, 2000, 1), ('a', 4000, 4000, 1), ('c', 3000, 5000, 2)];
    in_any_order(async || {
        let before = evicted.get();
        assert_eq!(crate::support::collect(&sessions).await.unwrap(), expected);
        assert_eq!(evicted.get() - before, 2);
    });
}

#[test]
fn a_session_hands_out_late_events_instead_of_taking_them() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let sessions = Flow::from_items([1000_i64, 30_000, 2000, 31_000])
        .event_time(|at| *at, Duration::MAX)
        .stages(1)
        .late(move |late| sender.send((late.event, late.watermark)).unwrap())
        .sessions(
            Sessions::new(Duration::from_secs(10)),
            |_| (),
            || 0_u32,
            |count, _| *count += 1,
            |count, other| *count += other,
        )
        .map(|session| (session.start, session.value));
    gives_in_order(&sessions, [(1000, 1), (30_000, 2)]);
    drop(sessions);
    let late: Vec<_> = receiver.iter().collect();
    assert!(!late.is_empty() && late.iter().all(|late| *late == (2000, 30_000)), "{late:?}");
}

#[test]
fn both_sides_of_a_join_hand_out_late_events() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let side = |events: [i64; 3]| Flow::from_items(events).event_time(|at| *at, Duration::MAX);
    let window = Window::fixed(Duration::from_secs(1));
    let joined = side([100, 5000, 200])
        .window_join(Inner, window, side([300, 5100, 400]), |_| (), |_| ())
        .late_sides(move |late| sender.send(late.at).unwrap())
        .stages(1);
    gives(&joined, [(100, 300), (5000, 5100)]);
    drop(joined);
    let late = sorted(receiver.iter().collect());
    assert_eq!(late.chunk_by(|a, b| a == b).map(|same| same[0]).collect::<Vec<_>>(), [200, 400]);
}

#[test]
fn groups_of_the_keys_that_had_an_event_last_are_kept() {
    let evicted = Tally::new();
    let groups = Flow::from_items([("a", 1), ("b", 2), ("c", 3), ("b", 4), ("d", 5)])
        .stages(1)
        .group_by_most(2, &evicted, |event| event.0, |event| event.1)
        .emit();
    in_any_order(async || {
        let before = evicted.get();
        assert_eq!(crate::support::collect(&groups).await.unwrap(), [("b", vec![2, 4]), ("d", vec![5])]);
        assert_eq!(evicted.get() - before, 2);
    });
}
