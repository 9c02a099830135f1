//! F115 to F126: joins of two flows by a key.

use std::time::Duration;

use flow::join::{FullOuter, Inner, JoinKind, LeftOuter, RightOuter};
use flow::{Flow, Window};

use crate::support::{collect, gives, gives_in_order, in_any_order};

/// The matching keys of two sides: 1, 2 and 3, or none.
#[derive(Clone, Copy)]
enum Keys {
    Match,
    Differ,
}

#[track_caller]
fn joins<J, T>(kind: J, keys: Keys, expected: &[T])
where
    J: JoinKind<i64, i64, Out = T>,
    T: Ord + Clone + std::fmt::Debug + Send + 'static,
{
    let (left, right) = (Flow::from_items(0..=3_i64), Flow::from_items(4..=8_i64));
    let less = match keys {
        Keys::Match => 3,
        Keys::Differ => -100,
    };
    let joined = left.bounded_join(kind, right, |left| *left, move |right| right - less);
    gives(&joined.clone().stages(1), expected);
    gives(&joined.stages(4), expected);
}

#[test]
fn f115_inner_of_keys_that_match() {
    joins(Inner, Keys::Match, &[(1, 4), (2, 5), (3, 6)]);
}

#[test]
fn f116_inner_of_keys_that_differ() {
    joins(Inner, Keys::Differ, &[]);
}

#[test]
fn f117_left_outer_of_keys_that_match() {
    joins(LeftOuter, Keys::Match, &[(0, None), (1, Some(4)), (2, Some(5)), (3, Some(6))]);
    joins(LeftOuter, Keys::Differ, &[(0, None), (1, None), (2, None), (3, None)]);
}

#[test]
fn f119_right_outer_of_keys_that_match() {
    joins(RightOuter, Keys::Match, &[(None, 7), (None, 8), (Some(1), 4), (Some(2), 5), (Some(3), 6)]);
}

#[test]
fn f120_right_outer_of_keys_that_differ() {
    joins(RightOuter, Keys::Differ, &[(None, 4), (None, 5), (None, 6), (None, 7), (None, 8)]);
}

#[test]
fn f121_full_outer_of_keys_that_match() {
    let (both, left) = ([(1, 4), (2, 5), (3, 6)].map(|(l, r)| (Some(l), Some(r))), [(Some(0), None)]);
    let right = [(None, Some(7)), (None, Some(8))];
    joins(FullOuter, Keys::Match, &[both.as_slice(), &left, &right].concat());
}

#[test]
fn f122_full_outer_of_keys_that_differ() {
    let left = [0, 1, 2, 3].map(|left| (Some(left), None));
    let right = [4, 5, 6, 7, 8].map(|right| (None, Some(right)));
    joins(FullOuter, Keys::Differ, &[left.as_slice(), &right].concat());
}

#[test]
fn f124_joined_pairs_are_reduced() {
    let sums = Flow::from_items(0..=3_i64)
        .bounded_join(Inner, Flow::from_items(4..=8_i64), |left| *left, |right| right - 3)
        .stages(2)
        .reduce(|| 0, |sum, (left, right)| *sum += left + right)
        .emit_state();
    in_any_order(async || {
        let given = collect(&sums).await.unwrap();
        assert_eq!((given.len(), given.iter().sum()), (2, 21), "{given:?}");
    });
}

#[test]
fn f125_layers_with_steps_are_joined() {
    let left = Flow::from_items(0..=9_i64).partition(|number| *number).stages(2).map(|number| number);
    let right = Flow::from_items(0..=9_i64).map(|number| number + 10);
    let sums = left
        .bounded_join(Inner, right, |left| *left, |right| right - 10)
        .stages(2)
        .reduce(|| 0, |sum, (left, right)| *sum += left + right)
        .emit_state();
    in_any_order(async || {
        let given = collect(&sums).await.unwrap();
        assert_eq!((given.len(), given.iter().sum()), (2, 190), "{given:?}");
    });
}

#[test]
fn f126_events_of_different_windows_do_not_meet_and_a_trigger_forgets_nothing() {
    let left = Flow::from_items([0_i64, 1, 2, 3, 9, 10, 11]).event_time(|at| *at, Duration::MAX);
    let right = Flow::from_items([4_i64, 5, 6, 7, 8, 12, 13]).event_time(|at| *at, Duration::MAX);
    let expected = [
        (Some(0), None),
        (Some(1), Some(4)),
        (Some(2), Some(5)),
        (Some(3), Some(6)),
        (Some(9), None),
        (Some(10), Some(13)),
        (Some(11), None),
        (None, Some(7)),
        (None, Some(8)),
        (None, Some(12)),
    ];
    let window = Window::fixed(Duration::from_millis(10)).trigger_every(2);
    let joined = left.window_join(FullOuter, window, right, |left| *left, |right| right - 3);
    for stages in [1, 3] {
        gives(&joined.clone().stages(stages), expected);
    }
}

type Comment = (u64, &'static str, i64);
const POSTS: [Comment; 2] = [(1, "hello", 0), (2, "world", 1000)];
const COMMENTS: [Comment; 4] =
    [(1, "excellent", 0), (1, "outstanding", 1000), (2, "great follow up", 1000), (3, "unknown", 1000)];

#[test]
fn d01_comments_join_their_posts() {
    let joined = Flow::from_items(POSTS).bounded_join(
        Inner,
        Flow::from_items(COMMENTS),
        |post| post.0,
        |comment| comment.0,
    );
    let titles = joined.map(|(post, comment)| (post.1, comment.1));
    gives(&titles, [("hello", "excellent"), ("hello", "outstanding"), ("world", "great follow up")]);
}

#[test]
fn d02_comments_join_the_posts_of_their_second() {
    let posts = Flow::from_items(POSTS).event_time(|post| post.2, Duration::MAX).stages(1).max_demand(1);
    let comments =
        Flow::from_items(COMMENTS).event_time(|comment| comment.2, Duration::MAX).stages(1).max_demand(1);
    let window = Window::fixed(Duration::from_secs(1));
    let joined = posts.window_join(Inner, window, comments, |post| post.0, |comment| comment.0).stages(1);
    gives(
        &joined.map(|(post, comment)| (post.1, comment.1)),
        [("hello", "excellent"), ("world", "great follow up")],
    );
}

#[test]
fn flow_g14_nothing_as_a_payload_is_not_a_side_that_is_missing() {
    let left = Flow::from_items([(1, None), (2, None::<u64>)]);
    let right = Flow::from_items([(1, None), (3, None::<u64>)]);
    let joined = left.clone().bounded_join(LeftOuter, right.clone(), |left| left.0, |right| right.0);
    gives(&joined.map(|(left, right)| (left.0, right.map(|right| right.1))), [(1, Some(None)), (2, None)]);
    let joined = left.bounded_join(RightOuter, right, |left| left.0, |right| right.0);
    gives(&joined.map(|(left, right)| (right.0, left.map(|left| left.1))), [(1, Some(None)), (3, None)]);
}

#[test]
fn each_pair_is_emitted_once_as_soon_as_complete() {
    let (left, right) = (Flow::from_items([1_u64, 2]), Flow::from_items([3_u64, 4]));
    let joined = left.bounded_join(Inner, right, |_| 0, |_| 0).stages(1);
    gives(&joined, [(1, 3), (1, 4), (2, 3), (2, 4)]);
    let empty = Flow::from_items(Vec::<u64>::new());
    let alone = empty.bounded_join(RightOuter, Flow::from_items([3_u64]), |_| 0, |_| 0).stages(1);
    gives_in_order(&alone, [(None, 3)]);
}
