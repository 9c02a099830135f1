//! How often the function of a `#[producer]` is called, and when its stage ends.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use stage_core::{Demand, Pipeline, StartError, StepOptions, producer};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::yield_now;

use crate::support::out_of;

#[producer]
fn naturals(#[arg] next: &mut u64) -> u64 {
    *next += 1;
    *next - 1
}

#[producer(result)]
async fn naturals_in_turn(#[arg] next: &mut u64) -> Result<u64, Infallible> {
    yield_now().await;
    *next += 1;
    Ok(*next - 1)
}

#[producer(option, single)]
fn countdown(#[arg] left: &mut u64) -> Option<u64> {
    *left = left.checked_sub(1)?;
    Some(*left)
}

#[producer(option, cancel_safe)]
async fn received(#[arg] from: &mut UnboundedReceiver<u64>) -> Option<u64> {
    from.recv().await
}

#[producer(many)]
fn pages(#[arg] left: &mut Vec<Vec<u64>>) -> Vec<u64> {
    left.pop().unwrap_or_default()
}

#[producer(batch, result)]
async fn as_wanted(
    demand: Demand,
    #[arg] asked: &mut Vec<usize>,
    #[arg] limit: usize,
) -> io::Result<Vec<u64>> {
    if asked.iter().sum::<usize>() >= limit {
        return Ok(Vec::new());
    }
    // Half of the demand; the rest is asked for again.
    let some = demand.get().div_ceil(2);
    asked.push(some);
    Ok(vec![demand.get() as u64; some])
}

#[tokio::test]
async fn each_call_emits_one_event_without_end() {
    assert_eq!(out_of(25, || Ok(Naturals::new(0))).await, (0..25).collect::<Vec<_>>());
    assert_eq!(out_of(25, || Ok(NaturalsInTurn::new(0))).await, (0..25).collect::<Vec<_>>());
}

#[tokio::test]
async fn returning_none_is_the_end() {
    assert_eq!(out_of(100, || Ok(Countdown::new(3))).await, [2, 1, 0]);
}

#[tokio::test]
async fn an_empty_page_is_the_end() {
    let pages = vec![vec![], vec![6], vec![1, 2, 3, 4, 5]];
    // Pages come from the end, so the empty one is last.
    assert_eq!(out_of(100, move || Ok(Pages::new(pages.clone()))).await, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn a_demand_is_asked_for_until_it_is_filled() {
    // The first demand is 10: five of it, three of the five left, one of the two left, one.
    let events = out_of(10, || Ok(AsWanted::new(Vec::new(), 10))).await;
    assert_eq!(events, [10, 10, 10, 10, 10, 5, 5, 5, 2, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_drain_does_not_wait_for_a_function_that_may_be_dropped() {
    let (to, from) = unbounded_channel();
    let from = std::sync::Mutex::new(Some(from));
    to.send(7).unwrap();
    let source = move || Ok(Received::new(from.lock().unwrap().take().ok_or("made once only")?));
    // The channel stays open: only the drain ends it.
    assert_eq!(out_of(1, source).await, [7]);
    assert!(to.send(8).is_err(), "the stage is gone");
}

#[tokio::test(start_paused = true)]
async fn events_emitted_before_an_await_are_sent() {
    let (to, from) = unbounded_channel();
    let from = std::sync::Mutex::new(Some(from));
    let (seen, mut arrived) = unbounded_channel();
    let pipeline = Pipeline::builder("echo")
        .start("source", move || Ok(Received::new(from.lock().unwrap().take().ok_or("made once only")?)))
        .finish_fn(StepOptions::named("seen").max_demand(10), move |event| seen.send(event).unwrap());
    let running = pipeline.start().await.unwrap();
    for number in 0..5 {
        to.send(number).unwrap();
        // Ten are wanted, and each arrives as it comes.
        assert_eq!(arrived.recv().await, Some(number));
    }
    running.drain(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test]
async fn a_source_that_must_not_be_doubled_is_not() {
    let pipeline = Pipeline::builder("two")
        .start(StepOptions::named("countdown").count(2), || Ok(Countdown::new(3)))
        .finish_fn("drop", drop);
    let refused = pipeline.start().await.unwrap_err();
    assert!(matches!(refused, StartError::Options { .. }), "{refused}");
}

#[test]
fn the_function_stays_a_function() {
    let mut left = 1;
    assert_eq!((countdown(&mut left), countdown(&mut left)), (Some(0), None));
}
