//! Pipe with tokio and batches: tasks and channels of `Vec`s, which each step changes in place.

use std::hint::black_box;

use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::Shape;

/// Sends `events` events through the pipe and returns the sink's sum.
pub(super) async fn run(shape: Shape, events: u64) -> u64 {
    run_steps(shape, events, |x| x.wrapping_add(1)).await
}

/// Does the same with another function in each step.
pub(crate) async fn run_steps(
    shape: Shape,
    events: u64,
    function: impl Fn(u64) -> u64 + Copy + Send + 'static,
) -> u64 {
    let (batches, mut end) = channel(shape.queued_batches());
    tokio::spawn(count(batches, events, shape.batch() as u64));
    for _ in 0..shape.steps {
        let (next, stepped) = channel(shape.queued_batches());
        tokio::spawn(step(end, next, function));
        end = stepped;
    }
    tokio::spawn(sum(end)).await.expect("the sink ends by itself")
}

async fn count(next: Sender<Vec<u64>>, events: u64, batch: u64) {
    let mut first = 0;
    while first < events {
        let end = events.min(first + batch);
        if next.send((first..end).collect()).await.is_err() {
            return;
        }
        first = end;
    }
}

async fn step(mut batches: Receiver<Vec<u64>>, next: Sender<Vec<u64>>, function: impl Fn(u64) -> u64) {
    while let Some(mut batch) = batches.recv().await {
        for x in &mut batch {
            *x = function(*x);
        }
        if next.send(batch).await.is_err() {
            return;
        }
    }
}

async fn sum(mut batches: Receiver<Vec<u64>>) -> u64 {
    let mut sum = 0_u64;
    while let Some(batch) = batches.recv().await {
        sum = black_box(&batch).iter().fold(sum, |sum, x| sum.wrapping_add(*x));
    }
    sum
}
