//! Tests of blocking calls on threads that run tasks or stages: they are refused at once, with the reason and
//! the remedy.

use std::future::pending;
use std::time::Duration;

use flow::{Flow, FlowError, Workers};
use stage_core::{Pipeline, Placement, StepOptions};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::task::{block_in_place, spawn_blocking};

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Asserts that the call was refused, and that the error states the reason and the remedy.
#[track_caller]
fn is_refused<T: std::fmt::Debug>(result: &Result<T, FlowError>) {
    let Err(error @ FlowError::Blocking(_)) = result else { panic!("not refused: {result:?}") };
    let said = error.to_string();
    assert!(said.contains("on a thread that runs tasks or stages"), "{said}");
    assert!(said.contains("await") && said.contains("spawn_blocking"), "{said}");
}

/// Counts the squares below `count` with a blocking call.
fn nested(count: u64) -> Result<usize, FlowError> {
    Flow::from_items(0..count).map(|number| number * number).collect_blocking::<Vec<_>>().map(|all| all.len())
}

#[test]
fn a_blocking_flow_within_a_step_of_a_flow_is_refused_for_any_number_of_stages() {
    for stages in [1, 2, 8] {
        let outer = Flow::from_items(0..20).stages(stages).map(nested);
        let all: Vec<_> = outer.collect_blocking().unwrap();
        assert_eq!(all.len(), 20);
        all.iter().for_each(is_refused);
    }
}

#[test]
fn a_step_of_a_flow_may_block_in_a_blocking_section_and_may_await_a_nested_flow() {
    let outer = Flow::from_items(0..20).stages(4).map(|count| block_in_place(|| nested(count)).unwrap());
    assert_eq!(outer.fold_sum(), 190);
    let squares = |count| async move { Ok(Flow::from_items(0..count).count().await?) };
    let outer = Flow::from_items(0..20_u64).map_async(4, flow::stages::Order::Kept, squares);
    assert!(outer.collect_blocking::<Vec<_>>().unwrap().into_iter().eq(0..20));
}

/// Returns the sum of the results of a flow.
trait FoldSum {
    fn fold_sum(&self) -> usize;
}

impl<C: flow::Chain<Out = usize>> FoldSum for Flow<C> {
    fn fold_sum(&self) -> usize {
        self.iter().map(Result::unwrap).sum()
    }
}

/// Creates a flow of the events that a task of the current runtime sends.
fn fed_by_a_task() -> Flow<impl flow::Chain<Out = u64>> {
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(async move {
        for number in 0..100 {
            if sender.send(number).await.is_err() {
                return;
            }
        }
    });
    Flow::from_channel(receiver)
}

#[test]
fn blocking_terminals_are_refused_in_async_code_on_any_runtime() {
    for runtime in [current_thread(), multi_thread()] {
        runtime.block_on(async {
            is_refused(&Flow::from_items(0..10).collect_blocking::<Vec<i32>>());
            is_refused(&fed_by_a_task().collect_blocking::<Vec<_>>());
            let mut items = fed_by_a_task().iter();
            is_refused(&items.next().unwrap());
            assert!(items.next().is_none());
            for item in &Flow::from_items(0..10) {
                is_refused(&item);
            }
            let within_a_task = tokio::spawn(async { nested(3) }).await.unwrap();
            is_refused(&within_a_task);
        });
    }
}

#[test]
fn blocking_threads_run_flows() {
    for runtime in [current_thread(), multi_thread()] {
        runtime.block_on(async {
            let flow = fed_by_a_task();
            let all = spawn_blocking(move || flow.collect_blocking::<Vec<_>>()).await.unwrap().unwrap();
            assert!(all.into_iter().eq(0..100));
            let flow = fed_by_a_task();
            let sum = spawn_blocking(move || flow.iter().map(Result::unwrap).sum::<u64>()).await.unwrap();
            assert_eq!(sum, 4950);
        });
        let _entered = runtime.enter();
        assert_eq!(nested(5).unwrap(), 5);
    }
}

#[test]
fn an_iterator_moved_into_async_code_yields_the_ready_events_and_then_an_error() {
    let (sender, receiver) = mpsc::channel(4);
    let mut items = Flow::from_channel(receiver).iter();
    sender.try_send(7).unwrap();
    assert_eq!(items.next().unwrap().unwrap(), 7);
    current_thread().block_on(async move {
        is_refused(&items.next().unwrap());
        assert!(items.next().is_none());
        // The run has ended, and has dropped its channel.
        sender.closed().await;
    });
}

#[test]
fn a_blocking_flow_within_a_step_of_a_pipeline_is_refused_wherever_the_step_runs() {
    for placement in [Placement::Runtime, Placement::Blocking, Placement::Rayon] {
        for runtime in [current_thread(), multi_thread()] {
            let (sender, refused) = std::sync::mpsc::channel();
            let step = StepOptions::named("nested").placement(placement);
            let pipeline = Pipeline::builder("outer")
                .start_fn("numbers", || Ok(0..3))
                .step_fn(step, nested)
                .finish_fn("collect", move |result| sender.send(result).unwrap());
            runtime.block_on(async { pipeline.start().await.unwrap().join().await.unwrap() });
            let all: Vec<_> = refused.into_iter().collect();
            assert_eq!(all.len(), 3);
            all.iter().for_each(is_refused);
        }
    }
}

#[test]
fn a_flow_is_run_counted_and_folded_on_the_runtime_of_its_caller() {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let hourly = Flow::from_stream(|| {
            futures_util::stream::unfold(0_u64, async |hour| {
                tokio::time::sleep(Duration::from_hours(1)).await;
                (hour < 5).then_some((hour, hour + 1))
            })
        });
        let began = tokio::time::Instant::now();
        assert_eq!(hourly.count_on(Workers::Current).await.unwrap(), 5);
        assert_eq!(hourly.fold_on(0, |sum, hour| sum + hour, Workers::Current).await.unwrap(), 10);
        hourly.run_on(Workers::Current).await.unwrap();
        assert_eq!(began.elapsed(), Duration::from_hours(18));
        let stuck = Flow::from_stream(|| futures_util::stream::once(pending::<u64>()));
        let waited = tokio::time::timeout(Duration::from_hours(1), stuck.run_on(Workers::Current)).await;
        assert!(waited.is_err());
    });
}
