//! What do the cases share? Flows of a few numbers, and ways to run them in many orders.

mod hashes;
mod recorder;
mod tokens;

use std::fmt::Debug;
use std::sync::mpsc;

use flow::chain::Chain;
use flow::{Flow, FlowError, IterFlow, Workers};
use futures_util::StreamExt;
use stage_core::testing::{Sim, settle};
use tokio::runtime::Handle;

pub(crate) use hashes::{key_to, of_four, of_two, to_four};
pub(crate) use recorder::{Batches, Recorder};
pub(crate) use tokens::{Token, Tokens};

/// In how many orders of its stages a case runs.
const ORDERS: u64 = 12;

/// The numbers of some lists, each read by a stage of its own.
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

/// Runs a case again and again, with the stages of its flows in another order each time.
pub(crate) fn in_any_order<F: Future<Output = ()>>(case: impl Fn() -> F) {
    for seed in 0..ORDERS {
        Sim::seeded(seed).run(case());
    }
}

/// What comes of a flow, on the runtime of the case.
pub(crate) async fn collect<C: Chain>(flow: &Flow<C>) -> Result<Vec<C::Out>, FlowError> {
    flow.collect_on(Workers::Current).await
}

/// The first `count` events that come of a flow, which is then dropped.
pub(crate) async fn first<C: Chain>(flow: &Flow<C>, count: usize) -> Vec<C::Out> {
    let events = flow.stream_on(Workers::Current).await.unwrap();
    events.take(count).map(Result::unwrap).collect().await
}

/// A flow gives these events, in whatever order, however its stages take turns.
#[track_caller]
pub(crate) fn gives<C: Chain<Out: Ord + Debug>>(flow: &Flow<C>, expected: impl Into<Vec<C::Out>>) {
    let expected = sorted(expected.into());
    for seed in 0..ORDERS {
        let given = Sim::seeded(seed).run(collect(flow));
        assert_eq!(sorted(given.unwrap()), expected, "Sim::seeded({seed})");
    }
}

/// A flow gives just this list, however its stages take turns.
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

/// The first events of an endless flow are these, however its stages take turns; it then ends.
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

/// A flow fails in a stage of this layer, however its stages take turns, and nothing of it is left.
#[track_caller]
pub(crate) fn fails<C: Chain<Out: Debug>>(flow: &Flow<C>, layer: &str, reason: &str) {
    for seed in 0..ORDERS {
        Sim::seeded(seed).run(async {
            failed_in(&collect(flow).await.unwrap_err(), layer, reason);
            no_task_is_left().await;
        });
    }
}

/// The error names a stage of the layer, and says why.
#[track_caller]
pub(crate) fn failed_in(error: &FlowError, layer: &str, reason: &str) {
    let FlowError::Stage { stage, reason: why } = error else { panic!("not of a stage: {error}") };
    assert!(stage.starts_with(layer) && stage.contains('/'), "`{stage}` is not of the layer `{layer}`");
    assert_eq!(why.to_string(), reason);
}

/// When everything waits, no task is left but the test.
pub(crate) async fn no_task_is_left() {
    let alive = || Handle::current().metrics().num_alive_tasks();
    // A stage that has ended is seen to by a task that has to run once more.
    for _ in 0..10 {
        settle().await;
        if alive() == 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(alive(), 0);
}

/// A flow that is started does its work and ends: what it sent, sorted, and how many events came of it.
pub(crate) async fn started<C: Chain>(
    make: impl FnOnce(Box<dyn Fn(u64) + Send + Sync>) -> Flow<C>,
) -> (Vec<u64>, Result<u64, FlowError>) {
    let (sender, receiver) = mpsc::channel();
    let flow = make(Box::new(move |number| sender.send(number).unwrap()));
    let ended = flow.start().await.unwrap().join().await.map(|report| report.events());
    drop(flow);
    (sorted(receiver.iter().collect()), ended)
}
