//! Shared support of the cases: flows of a few numbers, and runs in many orders.

mod hashes;
mod recorder;
mod tokens;

use std::fmt::Debug;
use std::sync::mpsc;

use flow::{Chain, Flow, FlowError, IterFlow, Workers};
use futures_util::StreamExt;
use stage_core::testing::{Sim, settle};
use tokio::runtime::Handle;

pub(crate) use hashes::{key_to, of_four, of_two, to_four};
pub(crate) use recorder::{Batches, Recorder};
pub(crate) use tokens::{Token, Tokens};

/// Number of stage orders in which a case runs.
const ORDERS: u64 = 12;

/// The numbers of some lists, each read by a separate stage.
pub(crate) type Numbers = IterFlow<std::vec::IntoIter<u64>>;

/// Two sources of three numbers, and two stages.
pub(crate) fn two_sources() -> Numbers {
    Flow::from_iters([vec![1, 2, 3], vec![4, 5, 6]]).stages(2)
}

pub(crate) fn is_even(number: &u64) -> bool {
    number.is_multiple_of(2)
}

#[track_caller]
pub(crate) fn never(_: u64) -> u64 {
    panic!("oops")
}

pub(crate) fn sorted<T: Ord>(mut events: Vec<T>) -> Vec<T> {
    events.sort();
    events
}

/// Runs a case repeatedly, with another order of its flows' stages each time.
pub(crate) fn in_any_order<F: Future<Output = ()>>(case: impl Fn() -> F) {
    for seed in 0..ORDERS {
        Sim::seeded(seed).run(case());
    }
}

/// Returns the events of a flow, on the runtime of the case.
pub(crate) async fn collect<C: Chain>(flow: &Flow<C>) -> Result<Vec<C::Out>, FlowError> {
    flow.collect_on(Workers::Current).await
}

/// Returns the first `count` events of a flow, which is then dropped.
pub(crate) async fn first<C: Chain>(flow: &Flow<C>, count: usize) -> Vec<C::Out> {
    let events = flow.stream_on(Workers::Current).await.unwrap();
    events.take(count).map(Result::unwrap).collect().await
}

/// Checks that a flow emits these events, in any order, whatever the order of its stages.
#[track_caller]
pub(crate) fn gives<C: Chain<Out: Ord + Debug>>(flow: &Flow<C>, expected: impl Into<Vec<C::Out>>) {
    let expected = sorted(expected.into());
    for seed in 0..ORDERS {
        let given = Sim::seeded(seed).run(collect(flow));
        assert_eq!(sorted(given.unwrap()), expected, "Sim::seeded({seed})");
    }
}

/// Checks that a flow emits exactly this list, whatever the order of its stages.
#[track_caller]
pub(crate) fn gives_in_order<C: Chain<Out: PartialEq + Debug>>(
    flow: &Flow<C>,
    expected: impl AsRef<[C::Out]>,
) {
    for seed in 0..ORDERS {
        let given = Sim::seeded(seed).run(collect(flow));
        assert_eq!(given.unwrap(), expected.as_ref(), "Sim::seeded({seed})");
    }
}

/// Checks the first events of an endless flow, whatever the order of its stages; the flow then ends.
#[track_caller]
pub(crate) fn begins<C: Chain<Out: PartialEq + Debug>>(flow: &Flow<C>, expected: impl AsRef<[C::Out]>) {
    let expected = expected.as_ref();
    for seed in 0..ORDERS {
        Sim::seeded(seed).run(async {
            assert_eq!(first(flow, expected.len()).await, expected, "Sim::seeded({seed})");
            no_task_is_left().await;
        });
    }
}

/// Checks that a flow fails in a stage of this layer, whatever the order of its stages, and leaves nothing
/// behind.
#[track_caller]
pub(crate) fn fails<C: Chain<Out: Debug>>(flow: &Flow<C>, layer: &str, reason: &str) {
    for seed in 0..ORDERS {
        Sim::seeded(seed).run(async {
            failed_in(&collect(flow).await.unwrap_err(), layer, reason);
            no_task_is_left().await;
        });
    }
}

/// Checks that the error names a stage of the layer, and the cause.
#[track_caller]
pub(crate) fn failed_in(error: &FlowError, layer: &str, reason: &str) {
    let FlowError::Stage { stage, reason: why } = error else { panic!("not of a stage: {error}") };
    assert!(stage.starts_with(layer) && stage.contains('/'), "`{stage}` is not of the layer `{layer}`");
    assert_eq!(why.to_string(), reason);
}

/// Checks that no task is left except the test when everything waits.
pub(crate) async fn no_task_is_left() {
    let alive = || Handle::current().metrics().num_alive_tasks();
    // A task that has to run once more handles the end of a stage.
    for _ in 0..10 {
        settle().await;
        if alive() == 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(alive(), 0);
}

/// Runs a started flow to its end; returns the events that it sent, sorted, and the number of emitted events.
pub(crate) async fn started<C: Chain>(
    make: impl FnOnce(Box<dyn Fn(u64) + Send + Sync>) -> Flow<C>,
) -> (Vec<u64>, Result<u64, FlowError>) {
    let (sender, receiver) = mpsc::channel();
    let flow = make(Box::new(move |number| sender.send(number).unwrap()));
    let ended = flow.start().await.unwrap().join().await.map(|report| report.events());
    drop(flow);
    (sorted(receiver.iter().collect()), ended)
}
