//! D01 to D23: the examples of the original's documentation.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flow::time::Untimed;
use flow::{Flow, LayerFlow, Window, Workers};
use futures_util::StreamExt;

use crate::support::{gives, gives_in_order, in_any_order, sorted, to_four};

fn three() -> crate::support::Numbers {
    Flow::from_iters([vec![1, 2, 3]])
}

#[tokio::test]
async fn d03_run_is_for_side_effects() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    three().inspect(move |number| noted.lock().unwrap().push(*number)).run().await.unwrap();
    assert_eq!(sorted(seen.lock().unwrap().clone()), [1, 2, 3]);
}

#[test]
fn d04_a_stream_of_the_results() {
    let doubled = three().map(|number| number * 2);
    in_any_order(async || {
        let events = doubled.stream_on(Workers::Current).await.unwrap();
        assert_eq!(sorted(events.map(Result::unwrap).collect().await), [2, 4, 6]);
    });
}

#[test]
fn d05_filter() {
    gives(&three().filter(|number| number % 2 == 0), [2]);
}

#[test]
fn d06_map_of_one_and_of_two_sources() {
    gives(&three().map(|number| number * 2), [2, 4, 6]);
    gives(&Flow::from_iters([1..=3, 1..=3_u64]).map(|number| number * 2), [2, 2, 4, 4, 6, 6]);
}

#[test]
fn d08_flat_map() {
    gives(&three().flat_map(|number| [number, number * 2]), [1, 2, 2, 3, 4, 6]);
}

#[test]
fn d09_reject() {
    gives(&three().reject(|number| number % 2 == 0), [1, 3]);
}

type Counts = HashMap<char, usize>;

/// Returns the letters of a sentence, with equal ones in one stage.
fn letters() -> LayerFlow<Untimed, char> {
    Flow::from_items(["the quick brown fox"]).flat_map(str::chars).partition(|letter| *letter)
}

fn tally(counts: &mut Counts, letter: char) {
    *counts.entry(letter).or_default() += 1;
}

#[test]
fn d10_reduce() {
    let expected = [
        (' ', 3),
        ('b', 1),
        ('c', 1),
        ('e', 1),
        ('f', 1),
        ('h', 1),
        ('i', 1),
        ('k', 1),
        ('n', 1),
        ('o', 2),
        ('q', 1),
        ('r', 1),
        ('t', 1),
        ('u', 1),
        ('w', 1),
        ('x', 1),
    ];
    gives(&letters().reduce(Counts::new, tally).emit(), expected);
}

#[test]
fn d11_emit_and_reduce() {
    let slides = Flow::from_items(1..=5_u64)
        .stages(1)
        .emit_and_reduce(Vec::new, |last: &mut Vec<u64>, number| {
            last.push(number);
            if last.len() > 3 {
                last.remove(0);
            }
            [last.clone()]
        })
        .emit_nothing();
    gives_in_order(&slides, [vec![1], vec![1, 2], vec![1, 2, 3], vec![2, 3, 4], vec![3, 4, 5]]);
}

#[test]
fn d15_uniq_by() {
    let parity = |number: &u64| number % 2;
    gives_in_order(&Flow::from_items(1..=100).stages(1).uniq_by(parity), [1, 2]);
    let partitioned = Flow::from_items(1..=100).partition_with(to_four).stages(4).uniq_by(parity);
    gives(&partitioned, [1, 2, 3, 4, 10, 16, 23, 39]);
    let by_parity = Flow::from_items(1..=100_u64)
        .partition_with(|number| Some((number, usize::from(number % 2 == 1))))
        .stages(2);
    gives(&by_parity.uniq_by(parity), [1, 2]);
}

#[test]
fn d16_on_trigger() {
    let distinct = letters().reduce(Counts::new, tally).on_trigger(|counts, _| ([counts.len()], counts));
    in_any_order(async || {
        assert_eq!(crate::support::collect(&distinct).await.unwrap().iter().sum::<usize>(), 16);
    });
}

const EVERY_TEN: [u64; 11] = [55, 210, 465, 820, 1275, 1830, 2485, 3240, 4095, 5050, 5050];

fn sums(window: Window) -> LayerFlow<Untimed, u64> {
    let numbers = Flow::from_items(1..=100_u64).stages(1).window(window);
    numbers.reduce(|| 0, |sum, number| *sum += number).emit_state()
}

#[test]
fn d17_a_global_window_with_a_trigger() {
    gives_in_order(&sums(Window::global().trigger_every(10)), EVERY_TEN);
}

#[test]
fn d23_trigger_every() {
    let numbers = Flow::from_items(1..=100_u64).partition(|number| *number).stages(1);
    let sums = numbers.window(Window::global().trigger_every(10)).reduce(|| 0, |sum, number| *sum += number);
    gives_in_order(&sums.emit_state(), EVERY_TEN);
}

#[test]
fn d21_windows_by_count() {
    gives_in_order(&sums(Window::count(10)), [55, 155, 255, 355, 455, 555, 655, 755, 855, 955, 0]);
}

/// Words, each with its minute.
const SAID: [(&str, i64); 7] = [
    ("elixir", 0),
    ("elixir", 1),
    ("erlang", 59),
    ("elixir", 60),
    ("erlang", 61),
    ("concurrency", 59),
    ("elixir", 62),
];

fn words(
    said: &'static [(&str, i64)],
    window: Window<flow::EventTime>,
) -> LayerFlow<Untimed, BTreeMap<&'static str, u32>> {
    Flow::from_items(said)
        .event_time(|(_, minute)| minute * 60_000, Duration::MAX)
        .stages(1)
        .window(window)
        .reduce(BTreeMap::new, |counts, (word, _)| *counts.entry(*word).or_default() += 1)
        .emit_state()
}

fn hour() -> Window<flow::EventTime> {
    Window::fixed(Duration::from_hours(1))
}

fn in_time() -> [BTreeMap<&'static str, u32>; 2] {
    [BTreeMap::from([("elixir", 2), ("erlang", 1)]), BTreeMap::from([("elixir", 2), ("erlang", 1)])]
}

#[test]
fn d18_words_of_each_hour() {
    static IN_TIME: [(&str, i64); 6] = [SAID[0], SAID[1], SAID[2], SAID[3], SAID[4], SAID[6]];
    gives_in_order(&words(&IN_TIME, hour()), in_time());
}

#[test]
fn d19_a_late_word_is_lost() {
    gives_in_order(&words(&SAID, hour()), in_time());
}

#[test]
fn d20_a_late_word_is_taken_within_the_allowed_lateness() {
    let [first, second] = in_time();
    let mut with_late = first.clone();
    with_late.insert("concurrency", 1);
    gives_in_order(
        &words(&SAID, hour().allowed_lateness(Duration::from_mins(5))),
        [first, with_late, second],
    );
}

/// A word, its number of occurrences without a long pause, and the time of its last occurrence.
type Session = (&'static str, (u32, u64));

#[test]
fn d22_sessions_by_emit_and_reduce() {
    const SAID: [(&str, u64); 6] = [
        ("elixir", 2_000_000),
        ("erlang", 3_000_000),
        ("elixir", 3_200_000),
        ("erlang", 4_000_000),
        ("elixir", 4_100_000),
        ("erlang", 4_150_000),
    ];
    let sessions = Flow::from_items(SAID)
        .partition(|(word, _)| *word)
        .stages(1)
        .emit_and_reduce(BTreeMap::new, |open: &mut BTreeMap<&'static str, (u32, u64)>, (word, at)| {
            let session = open.entry(word).or_insert((0, at));
            let over = (at - session.1 > 1_000_000).then(|| std::mem::take(session));
            *session = (session.0 + 1, at);
            over.map(|session| -> Session { (word, session) })
        })
        .on_trigger(|open, _| (open.into_iter().collect::<Vec<Session>>(), BTreeMap::new()));
    gives_in_order(
        &sessions,
        [("elixir", (1, 2_000_000)), ("elixir", (2, 4_100_000)), ("erlang", (3, 4_150_000))],
    );
}

#[test]
fn d07_map_values() {
    let pairs = Flow::from_items([("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5)]);
    gives(&pairs.map_values(|value| value * 2), [("a", 2), ("b", 4), ("c", 6), ("d", 8), ("e", 10)]);
}

#[test]
fn d13_group_by() {
    let words = Flow::from_items(["the", "quick", "brown", "fox"]).stages(1);
    // In order of arrival; the original has the newest first.
    let groups = words.group_by(|word| word.len(), |word| word).emit();
    gives(&groups, [(3, vec!["the", "fox"]), (5, vec!["quick", "brown"])]);
}

#[test]
fn d14_group_by_key() {
    let pairs = Flow::from_items([("foo", 1), ("foo", 2), ("bar", 3), ("foo", 4), ("bar", 5)]);
    let groups = pairs.partition(|(key, _)| *key).group_by_key().emit();
    gives(&groups, [("foo", vec![1, 2, 4]), ("bar", vec![3, 5])]);
}
