//! F039 to F060: two sources of three numbers, four stages.

use std::time::Duration;

use flow::{Flow, Window};

use crate::support::{Numbers, collect, fails, gives, in_any_order, is_even, never, started, two_sources};

fn sources() -> Numbers {
    two_sources().stages(4)
}

#[test]
fn f039_a_panic_in_a_map_is_the_error_of_the_flow() {
    fails(&sources().map(never), "map", "panicked: oops");
}

#[test]
fn f040_filter_keeps_matching_events() {
    gives(&sources().filter(is_even), [2, 4, 6]);
}

#[test]
fn f041_flat_map_emits_every_result() {
    gives(&sources().flat_map(|number| [number, number]), [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]);
}

#[test]
fn f042_map_batch_gets_each_source_as_one_batch() {
    gives(&sources().map_batch(|batch| vec![batch.iter().sum::<u64>()]), [6, 15]);
}

#[test]
fn f044_reject_keeps_the_others() {
    gives(&sources().reject(is_even), [1, 3, 5]);
}

#[test]
fn f045_idle_stages_emit_their_initial_value() {
    let sums = sources().reduce(|| 0, |sum, number| *sum += number).emit_state();
    in_any_order(async || {
        let given = collect(&sums).await.unwrap();
        assert_eq!((given.len(), given.iter().sum()), (4, 21), "{given:?}");
    });
}

#[test]
fn f046_emit_and_reduce_emits_events_and_its_state() {
    let twice = sources()
        .emit_and_reduce(
            || 0,
            |sum, number| {
                *sum += number;
                [number]
            },
        )
        .emit_state();
    in_any_order(async || {
        let given: Vec<u64> = collect(&twice).await.unwrap();
        assert_eq!((given.len(), given.iter().sum()), (10, 42), "{given:?}");
    });
}

#[test]
fn f047_uniq_by_is_of_each_stage() {
    let parities = sources().uniq_by(|number| number % 2);
    in_any_order(async || {
        let given = collect(&parities).await.unwrap();
        assert!((2..=4).contains(&given.len()), "{given:?}");
        assert!(given.iter().any(is_even) && !given.iter().all(is_even), "{given:?}");
    });
}

/// Returns a flow with half of the events in each of two windows.
fn halves() -> Flow<impl flow::Chain<Out = u64>> {
    Flow::from_items(1..=100_u64)
        .event_time(|number| if *number <= 50 { 0 } else { 1000 }, Duration::MAX)
        .stages(4)
        .max_demand(5)
        .window(Window::fixed(Duration::from_secs(1)))
        .reduce(|| 0, |sum, number| *sum += number)
        .emit_state()
}

#[test]
fn f049_each_stage_has_its_own_windows() {
    in_any_order(async || {
        let given = collect(&halves()).await.unwrap();
        assert!((2..=8).contains(&given.len()), "{given:?}");
        assert_eq!(given.iter().sum::<u64>(), 5050, "{given:?}");
    });
    // One after the other, which the original achieves by a pause between two events.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let given = runtime.block_on(collect(&halves())).unwrap();
    assert_eq!((given.len(), given.iter().sum()), (8, 5050), "{given:?}");
}

#[tokio::test]
async fn f050_a_flow_that_is_started_does_its_work_and_ends() {
    let (sent, ended) = started(|send| sources().filter(is_even).inspect(move |number| send(*number))).await;
    assert_eq!(sent, [2, 4, 6]);
    assert_eq!(ended.unwrap(), 3);
}
