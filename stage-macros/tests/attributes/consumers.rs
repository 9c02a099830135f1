//! What each shape of `#[consumer]` does with its events.

use std::convert::Infallible;
use std::sync::mpsc::{self, SendError, Sender};

use stage_core::{Events, consumer};
use tokio::task::yield_now;

use crate::support::into;

#[consumer]
fn each(event: u32, #[arg] to: &Sender<u32>) {
    to.send(event).expect("the test listens");
}

#[consumer(result)]
async fn each_in_turn(event: &u32, #[arg] to: &Sender<u32>) -> Result<(), SendError<u32>> {
    yield_now().await;
    to.send(*event)
}

#[consumer(batch)]
fn lengths(events: &[u32], #[arg] to: &Sender<u32>) {
    to.send(events.len().try_into().expect("a small batch")).expect("the test listens");
}

#[consumer(batch, result)]
async fn sums(events: Vec<u32>, #[arg] to: Sender<u32>) -> Result<(), SendError<u32>> {
    yield_now().await;
    to.send(events.into_iter().sum())
}

#[consumer(batch)]
fn last(events: Events<'_, u32>, #[arg] to: &Sender<u32>) -> () {
    to.send(events.into_iter().next_back().expect("a batch is never empty")).expect("the test listens");
}

#[consumer]
fn never(_: Infallible) -> ! {
    unreachable!("there is no such event")
}

async fn seen<S>(recipe: impl Fn(Sender<u32>) -> S + Send + 'static) -> Vec<u32>
where
    S: stage_core::Consumer<Event = u32>,
{
    let (to, received) = mpsc::channel();
    into(vec![1, 2, 3, 4], move || recipe(to.clone())).await.unwrap();
    received.iter().collect()
}

#[tokio::test]
async fn each_event_is_handled_in_order() {
    assert_eq!(seen(Each::new).await, [1, 2, 3, 4]);
    assert_eq!(seen(EachInTurn::new).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_batch_is_handled_at_once() {
    assert_eq!(seen(Lengths::new).await, [3, 1]);
    assert_eq!(seen(Sums::new).await, [6, 4]);
    assert_eq!(seen(Last::new).await, [3, 4]);
}

#[tokio::test]
async fn an_error_ends_the_stage_with_it() {
    let (to, received) = mpsc::channel();
    drop(received);
    let failed = into(vec![1], move || EachInTurn::new(to.clone())).await.unwrap_err();
    assert!(failed.to_string().contains("closed channel"), "{failed}");
}

#[tokio::test]
async fn a_consumer_of_nothing_is_a_consumer() {
    into(Vec::new(), || Never).await.unwrap();
}
