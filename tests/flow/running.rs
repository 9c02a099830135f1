//! F002 to F012, F132, F134: runs, failures and ends of flows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flow::{Flow, FlowError, Place, Window, Workers};
use futures_util::StreamExt;
use stage_core::testing::settle;

use crate::support::{
    begins, collect, failed_in, in_any_order, is_even, no_task_is_left, sorted, started, two_sources,
};

/// Returns an iterator that panics.
fn broken() -> std::iter::FromFn<impl FnMut() -> Option<u64> + Send> {
    std::iter::from_fn(|| panic!("oops"))
}

#[tokio::test]
async fn f002_a_supervisor_restarts_a_flow_as_often_as_it_ends() {
    let (sender, mut sent) = tokio::sync::mpsc::unbounded_channel();
    let flow = two_sources().filter(is_even).inspect(move |number| sender.send(*number).unwrap());
    let supervisor = tokio::spawn(async move {
        for _ in 0..2 {
            flow.start().await.unwrap().join().await.unwrap();
        }
    });
    supervisor.await.unwrap();
    let mut all = Vec::new();
    while let Some(number) = sent.recv().await {
        all.push(number);
    }
    assert_eq!(sorted(all), [2, 2, 4, 4, 6, 6]);
}

#[test]
fn f007_a_window_without_a_reducer_is_refused() {
    let windowed =
        two_sources().event_time(|_| 0, Duration::MAX).window(Window::fixed(Duration::from_secs(1)));
    in_any_order(async || {
        for error in
            [collect(&windowed).await.unwrap_err(), collect(&windowed.clone().map(|x| x)).await.unwrap_err()]
        {
            assert!(matches!(error, FlowError::Window { .. }), "{error}");
        }
        no_task_is_left().await;
    });
}

#[test]
fn f009_a_source_that_fails_ends_the_stream_and_not_its_caller() {
    let flow = Flow::from_fn(broken).map(|number| number);
    in_any_order(async || {
        let mut events = flow.stream_on(Workers::Current).await.unwrap();
        failed_in(&events.next().await.unwrap().unwrap_err(), "iterator", "panicked: oops");
        assert!(events.next().await.is_none());
        drop(events);
        no_task_is_left().await;
    });
}

#[tokio::test]
async fn f010_join_returns_the_outcome_of_a_started_flow() {
    let (_, empty) = started(|_| Flow::from_items(Vec::<u64>::new()).map(|number| number)).await;
    assert_eq!(empty.unwrap(), 0);
    let (_, failed) = started(|_| Flow::from_fn(broken).map(|number| number)).await;
    failed_in(&failed.unwrap_err(), "iterator", "panicked: oops");
}

#[test]
fn f011_nothing_is_left_behind_when_all_is_collected() {
    let sums =
        Flow::from_items(1..=100_u64).stages(4).reduce(|| 0, |sum, number| *sum += number).emit_state();
    in_any_order(async || {
        assert_eq!(collect(&sums).await.unwrap().iter().sum::<u64>(), 5050);
        no_task_is_left().await;
    });
}

#[test]
fn f012_the_stages_end_with_the_task_that_takes_their_events() {
    in_any_order(async || {
        let guard = Arc::new(());
        let held = Arc::clone(&guard);
        let flow = Flow::from_items(0_u64..).stages(2).map(move |number| (number, Arc::clone(&held)).0);
        let (sender, taken) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let mut events = flow.stream_on(Workers::Current).await.unwrap();
            sender.send(events.next().await.unwrap().unwrap()).unwrap();
            std::future::pending::<()>().await;
        });
        assert!(taken.await.unwrap() < 2000);
        assert!(Arc::strong_count(&guard) > 1);
        task.abort();
        settle().await;
        assert_eq!(Arc::strong_count(&guard), 1);
        drop(task);
        no_task_is_left().await;
    });
}

#[test]
fn f132_a_running_flow_is_consumed_as_a_stream() {
    begins(&Flow::from_items(0_u64..).stages(1).reject(is_even), [1, 3, 5, 7, 9]);
}

#[test]
fn f134_on_init_is_called_once_for_each_stage() {
    let places = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&places);
    let flow = two_sources().on_init(move |place| noted.lock().unwrap().push(place)).map(|number| number);
    in_any_order(async || {
        places.lock().unwrap().clear();
        collect(&flow).await.unwrap();
        assert_eq!(*places.lock().unwrap(), [Place { index: 0, of: 2 }, Place { index: 1, of: 2 }]);
    });
}

#[tokio::test]
async fn run_goes_with_every_end() {
    let numbers = || Flow::from_items(1..=100_u64).stages(2);
    numbers().run().await.unwrap();
    numbers().emit_and_reduce(|| 0, |sum, number| Some(*sum + number)).emit_state().run().await.unwrap();
    let summed = numbers().reduce(|| 0, |sum, number| *sum += number);
    summed.departition(|| 0, |total, sum| *total += sum, |total, _| total).run().await.unwrap();
}

#[test]
fn the_first_few_cost_at_most_a_batch_of_each_stage_beyond_them() {
    let mapped = Arc::new(AtomicU64::new(0));
    for (count, stages, demand) in [(1, 1, 1), (3, 4, 1), (10, 4, 10), (10, 3, 1000), (1000, 2, 100)] {
        let counted = Arc::clone(&mapped);
        let flow = Flow::from_items(0_u64..).stages(stages).max_demand(demand).map(move |number| {
            counted.fetch_add(1, Ordering::SeqCst);
            number
        });
        in_any_order(async || {
            mapped.store(0, Ordering::SeqCst);
            let first = flow.first_on(count, Workers::Current).await.unwrap();
            no_task_is_left().await;
            assert_eq!(first.len(), count);
            let (mapped, batch) = (mapped.load(Ordering::SeqCst), demand - demand / 2);
            let most = count + stages * batch;
            assert!(mapped <= most as u64, "{mapped} for {count}, {stages} stages, batches of {batch}");
        });
    }
}
