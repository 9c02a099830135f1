//! Tests of counts, sums, groups and rankings.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use flow::{Flow, Partials};

#[tokio::test]
async fn counts_and_sums_are_merged_from_all_stages() {
    let numbers = Flow::from_slice((0..10_000_u64).collect::<Vec<_>>()).stages(3);
    let mut counts: Vec<(u64, u64)> = numbers.clone().count_by(|n| n % 7).collect().await.unwrap();
    counts.sort_unstable();
    assert_eq!(counts, (0..7_u64).map(|key| (key, (10_000 - key).div_ceil(7))).collect::<Vec<_>>());
    let mut sums: Vec<(bool, u64)> = numbers.sum_by(|n| n % 2 == 0, |n| n).collect().await.unwrap();
    sums.sort_unstable();
    assert_eq!(sums, [(false, 25_000_000), (true, 24_995_000)]);
}

#[tokio::test]
async fn groups_keep_the_order_of_arrival() {
    let words = Flow::from_items(["the", "quick", "brown", "fox"]).stages(1);
    let mut groups: Vec<(usize, Vec<&str>)> =
        words.group_by(|word| word.len(), |word| word).emit().collect().await.unwrap();
    groups.sort();
    assert_eq!(groups, [(3, vec!["the", "fox"]), (5, vec!["quick", "brown"])]);
    let pairs = Flow::from_items([("foo", 1), ("bar", 3), ("foo", 2)]).stages(1);
    let mut groups: Vec<(&str, Vec<i32>)> =
        pairs.map_values(|value| value * 10).group_by_key().emit().collect().await.unwrap();
    groups.sort();
    assert_eq!(groups, [("bar", vec![30]), ("foo", vec![10, 20])]);
}

#[tokio::test]
async fn the_first_of_an_order_are_one_list_and_all_are_sorted() {
    let numbers = Flow::from_slice((0..1000_u64).map(|n| n * 7919 % 1000).collect::<Vec<_>>()).stages(4);
    let top: Vec<Vec<u64>> = numbers.clone().take_sort(3, |a, b| b.cmp(a)).collect().await.unwrap();
    assert_eq!(top, [vec![999, 998, 997]]);
    let sorted: Vec<u64> = numbers.sort(u64::cmp).collect().await.unwrap();
    assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_result_larger_than_any_buffer_is_whole() {
    let numbers = Flow::from_slice((0..100_000_u64).collect::<Vec<_>>()).stages(2);
    let counts = numbers.count_by(|number| *number);
    assert_eq!(counts.count().await.unwrap(), 100_000);
}

#[tokio::test]
async fn events_get_the_values_of_their_keys_for_any_number_of_stages() {
    // The values have keys 0 to 4999; the events look up 2500 to 9999, each key twice.
    let values = |stages| {
        let numbers = Flow::from_range(0..50_000_u64).stages(stages);
        numbers.combining(|sums: &mut Partials<u64, u64>, number| *sums.of(number % 5000) += number)
    };
    for (folding, asking, meeting) in [(1, 1, 1), (3, 2, 4), (32, 1, 3), (1, 32, 5)] {
        let events = Flow::from_range(5000..20_000_u64).stages(asking);
        let all = values(folding).merged_for(events, |event| event / 2, |sum, other| *sum += other);
        let mut all: Vec<(u64, Option<u64>)> = all.stages(meeting).collect().await.unwrap();
        all.sort_unstable();
        let value = |key: u64| (key < 5000).then_some(10 * key + 5000 * 45);
        let expected: Vec<_> = (5000..20_000).map(|event| (event, value(event / 2))).collect();
        assert_eq!(all, expected, "{folding}, {asking}, {meeting}");
    }
}

#[tokio::test]
async fn flows_of_any_number_of_stages_are_put_together() {
    for stages in [1, 17, 32, 40] {
        let part = |stages, range: std::ops::Range<u64>| {
            let numbers = Flow::from_range(range).stages(stages);
            numbers.combining(|counts: &mut Partials<u64, u64>, number| *counts.of(number % 1000) += 1)
        };
        let both = part(stages, 0..3000).and(part(2, 0..2000)).merged(|count, other| *count += other);
        let mut both: Vec<(u64, u64)> = both.stages(3).collect().await.unwrap();
        both.sort_unstable();
        assert_eq!(both, (0..1000).map(|key| (key, 5)).collect::<Vec<_>>(), "{stages}");
    }
}
