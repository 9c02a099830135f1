//! F101 to F109: rankings and departitions.

use flow::time::Untimed;
use flow::{Flow, LayerFlow, Window, WindowId};

use crate::support::{gives_in_order, sorted, started, to_four};

/// Returns 4000 unordered numbers in four lists.
fn numbers() -> Vec<Vec<u64>> {
    let number = |list: u64, place: u64| (list * 1000 + place) * 7919 % 4001;
    (0..4).map(|list| (0..1000).map(|place| number(list, place)).collect()).collect()
}

#[test]
fn f101_the_first_of_all_are_those_of_a_sort() {
    let expected = sorted(numbers().concat());
    let flow = Flow::from_iters(numbers());
    let first = flow.clone().partition(|number| *number).stages(4).take_sort(100, u64::cmp);
    gives_in_order(&first, [expected[..100].to_vec()]);
    gives_in_order(&flow.sort(u64::cmp), expected);
}

#[test]
fn f102_the_last_of_all_are_those_of_a_sort() {
    let mut expected = sorted(numbers().concat());
    expected.reverse();
    let last = Flow::from_iters(numbers()).partition(|number| *number).stages(4);
    gives_in_order(&last.take_sort(100, |a, b| b.cmp(a)), [expected[..100].to_vec()]);
}

#[test]
fn d12_the_most_frequent_address() {
    const VISITS: [&str; 5] = ["www.foo.com", "www.bar.com", "www.foo.com", "www.foo.com", "www.baz.com"];
    let ranking = Flow::from_items(VISITS).count_by(|address| *address).take_sort(1, |a, b| b.1.cmp(&a.1));
    gives_in_order(&ranking, [vec![("www.foo.com", 3)]]);
}

/// Three sources in four partitions, as in the original.
fn partitioned() -> LayerFlow<Untimed, u64> {
    Flow::from_iters([vec![1, 2, 3], vec![4, 5, 6], vec![7, 8, 9, 10]]).partition_with(to_four).stages(4)
}

fn add(sum: &mut u64, number: u64) {
    *sum += number;
}

#[test]
fn f104_the_sums_of_all_partitions_come_with_their_window() {
    let sums = partitioned()
        .reduce(|| 0, add)
        .departition(Vec::new, Vec::push, |sums, window| (window, sorted(sums)));
    gives_in_order(&sums, [(WindowId::Global, vec![7, 10, 16, 22])]);
}

/// Windows of three events; all events are in one of two partitions.
fn uneven() -> flow::Reduced<impl flow::Chain<Out = u64>, impl Sums> {
    let all_in_one = Flow::from_items(1..=10_u64).partition_with(|number| Some((number, 1))).stages(2);
    all_in_one.window(Window::count(3)).reduce(|| 0, add)
}

trait Sums: Clone + flow::Reducer<u64, (flow::Trigger, u64), Acc = u64> {}
impl<R: Clone + flow::Reducer<u64, (flow::Trigger, u64), Acc = u64>> Sums for R {}

#[test]
fn f105_a_window_that_not_every_partition_has_comes_at_the_end() {
    let sums = uneven().departition(Vec::new, Vec::push, |sums, _| sorted(sums));
    gives_in_order(&sums, [vec![0, 6], vec![15], vec![24], vec![10]]);
}

#[test]
fn f106_state_emitted_twice_is_merged_twice() {
    // The sum of two events of a partition depends on their order: events of one source are in order.
    let one_source = Flow::from_items(1..=10_u64)
        .partition_with(to_four)
        .stages(4)
        .window(Window::global().trigger_every(2))
        .reduce(|| 0, add)
        .departition(Vec::new, Vec::push, |sums, _| sorted(sums));
    gives_in_order(&one_source, [vec![6, 7, 7, 8, 10, 16, 22, 22]]);
}

#[test]
fn f107_steps_behind_a_departition_see_its_output() {
    let sums = partitioned().reduce(|| 0, add).departition(Vec::new, Vec::push, |sums, _| sorted(sums));
    gives_in_order(&sums.map(|sums| sums.len()), [4]);
}

#[tokio::test]
async fn f109_a_flow_with_a_departition_is_started() {
    let (sent, ended) = started(|send| {
        let sums = partitioned().reduce(|| 0, add).departition(Vec::new, Vec::push, |sums, _| sorted(sums));
        sums.map(move |sums: Vec<u64>| sums.into_iter().for_each(&send))
    })
    .await;
    assert_eq!(sent, [7, 10, 16, 22]);
    assert_eq!(ended.unwrap(), 1);
}

#[test]
fn flow_g04_the_state_of_emit_and_reduce_is_merged() {
    let sums = partitioned()
        .emit_and_reduce(
            || 0,
            |sum, number| {
                add(sum, number);
                None
            },
        )
        .departition(Vec::new, Vec::push, |sums, _| sorted(sums));
    gives_in_order(&sums, [vec![7, 10, 16, 22]]);
}

#[test]
fn flow_g05_events_emitted_at_the_end_pass_the_steps_behind_too() {
    let tens = uneven().departition(|| 0, add, |sum, _| sum * 10);
    gives_in_order(&tens.clone().map(|sum| sum + 1), [61, 151, 241, 101]);
    let total = tens.map(|sum| sum + 1).reduce(|| 0, add).emit_state();
    gives_in_order(&total, [554]);
}
