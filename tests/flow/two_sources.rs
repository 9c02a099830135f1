//! F014 to F037: two sources of three numbers, two stages.

use std::sync::{Arc, Mutex};

use flow::Flow;

use crate::support::{
    begins, fails, first, gives, in_any_order, is_even, never, no_task_is_left, sorted, started, two_sources,
};

#[test]
fn f014_a_panic_in_a_map_is_the_error_of_the_flow() {
    fails(&two_sources().map(never), "map", "panicked: oops");
}

#[test]
fn f015_filter_keeps_matching_events() {
    gives(&two_sources().filter(is_even), [2, 4, 6]);
}

#[test]
fn f016_flat_map_emits_every_result() {
    gives(&two_sources().flat_map(|number| [number, number]), [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]);
}

#[test]
fn f017_map_batch_gets_each_source_as_one_batch() {
    let sums = two_sources().map_batch(|batch| {
        assert_eq!(batch.len(), 3);
        vec![batch.iter().sum::<u64>()]
    });
    gives(&sums, [6, 15]);
    gives(&sums.map(|sum| sum * 2), [12, 30]);
}

#[test]
fn f019_reject_keeps_the_others() {
    gives(&two_sources().reject(is_even), [1, 3, 5]);
}

#[test]
fn f020_uniq_by_is_of_each_stage() {
    let parities = two_sources().uniq_by(|number| number % 2);
    gives(&parities.clone().stages(1).map(|number| number % 2), [0, 1]);
    in_any_order(async || {
        let given = crate::support::collect(&parities).await.unwrap();
        assert!((2..=4).contains(&given.len()), "{given:?}");
    });
}

#[test]
fn f021_steps_are_done_in_their_order() {
    gives(&two_sources().filter(is_even).map(|number| number + 1).map(|number| number * 2), [6, 10, 14]);
}

#[test]
fn f022_each_stage_emits_its_state_once() {
    let sums = two_sources().reduce(|| 0, |sum, number| *sum += number).emit_state();
    in_any_order(async || {
        let given = crate::support::collect(&sums).await.unwrap();
        assert_eq!((given.len(), given.iter().sum()), (2, 21), "{given:?}");
    });
}

#[test]
fn f024_emit_and_reduce_emits_events_and_its_state() {
    let twice = two_sources()
        .flat_map(|number| [number, number])
        .emit_and_reduce(
            || 0,
            |sum, number| {
                *sum += number;
                [number]
            },
        )
        .emit_state();
    in_any_order(async || {
        let given: Vec<u64> = crate::support::collect(&twice).await.unwrap();
        assert_eq!(given.iter().sum::<u64>(), 84, "{given:?}");
    });
}

#[tokio::test]
async fn f025_a_flow_that_is_started_does_its_work_and_ends() {
    let (sent, ended) =
        started(|send| two_sources().filter(is_even).inspect(move |number| send(*number))).await;
    assert_eq!(sent, [2, 4, 6]);
    assert_eq!(ended.unwrap(), 3);
}

#[tokio::test]
async fn f027_a_single_merged_flow_is_started() {
    let (sent, ended) = started(|send| {
        let none: [crate::support::Numbers; 0] = [];
        Flow::from_iters([vec![1]]).merge(none).map(send)
    })
    .await;
    assert_eq!(sent, [1]);
    assert_eq!(ended.unwrap(), 1);
}

#[test]
fn f036_taking_a_few_of_an_endless_source_ends_everything() {
    begins(&Flow::from_items(0_u64..).stages(2), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn f037_taking_a_few_of_an_endless_layer_ends_everything() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let flow = Flow::from_items(0_u64..).stages(2).map(move |number| {
        noted.lock().unwrap().push(number);
        number
    });
    in_any_order(async || {
        seen.lock().unwrap().clear();
        let taken = first(&flow, 10).await;
        no_task_is_left().await;
        let seen = sorted(seen.lock().unwrap().clone());
        assert_eq!(taken.len(), 10);
        assert!(taken.iter().all(|number| seen.binary_search(number).is_ok()));
        assert!(seen.len() <= 10_000, "{} of an endless source", seen.len());
    });
}
