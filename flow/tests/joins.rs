//! Tests of joins by key, with and without partners and windows.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use flow::join::{FullOuter, Inner, JoinKind, LeftOuter, RightOuter};
use flow::{Flow, Window};

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
