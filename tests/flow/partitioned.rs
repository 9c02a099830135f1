//! F060 to F080: three sources, partitioned into four as in the original.

use crate::support::{fails, gives, is_even, never, started, to_four};
use flow::{Flow, LayerFlow};

type Partitioned = LayerFlow<flow::time::Untimed, u64>;

fn sources() -> Partitioned {
    Flow::from_iters([vec![1, 2, 3], vec![4, 5, 6], vec![7, 8, 9, 10]]).partition_with(to_four).stages(4)
}

#[test]
fn f060_each_number_is_in_its_partition() {
    gives(&sources(), (1..=10).collect::<Vec<_>>());
    let members = sources().reduce(Vec::new, Vec::push).on_trigger(|mut members: Vec<u64>, _| {
        members.sort_unstable();
        ([members], Vec::new())
    });
    gives(&members, [vec![1, 5, 7, 9], vec![2, 6, 8], vec![3, 4], vec![10]]);
}

#[test]
fn f061_a_panic_in_a_map_is_the_error_of_the_flow() {
    fails(&sources().map(never), "map", "panicked: oops");
}

#[test]
fn f062_filter_keeps_matching_events() {
    gives(&sources().filter(is_even), [2, 4, 6, 8, 10]);
}

#[test]
fn f064_map_changes_every_event() {
    gives(&sources().map(|number| number * 2), [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]);
}

#[test]
fn f065_a_batch_is_of_one_source_and_one_partition() {
    gives(&sources().map_batch(|batch| vec![batch.iter().sum::<u64>()]), [1, 2, 3, 4, 5, 6, 8, 10, 16]);
}

#[test]
fn f066_reject_keeps_the_others() {
    gives(&sources().reject(is_even), [1, 3, 5, 7, 9]);
}

#[test]
fn f067_each_partition_is_reduced_and_an_empty_one_too() {
    gives(&sources().reduce(|| 0, |sum, number| *sum += number).emit_state(), [7, 10, 16, 22]);
    gives(&sources().reject(is_even).reduce(|| 0, |sum, number| *sum += number).emit_state(), [0, 0, 3, 22]);
}

#[test]
fn f069_uniq_by_is_of_each_partition() {
    let parities = sources().uniq_by(|number| number % 2).map(|number| number % 2);
    gives(&parities, [0, 0, 0, 1, 1]);
}

#[test]
fn f070_steps_are_done_in_their_order() {
    gives(&sources().filter(is_even).map(|number| number + 1).map(|number| number * 2), [6, 10, 14, 18, 22]);
}

#[tokio::test]
async fn f071_a_flow_that_is_started_does_its_work_and_ends() {
    let (sent, ended) = started(|send| sources().filter(is_even).inspect(move |number| send(*number))).await;
    assert_eq!(sent, [2, 4, 6, 8, 10]);
    assert_eq!(ended.unwrap(), 5);
}
