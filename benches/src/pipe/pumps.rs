//! Pipe with pumps: one task per step, and channels of `Vec`s, since single events would need a future each.
//!
//! Its channels have room for one message, which is what the demand of 1000/500 allows.

use std::hint::black_box;

use pumps::{Concurrency, Pipeline};

use super::Shape;

/// Sends `events` events through the pipe and returns the sink's sum.
pub(super) async fn run(shape: Shape, events: u64) -> u64 {
    let batch = shape.batch() as u64;
    let batches = (0..events.div_ceil(batch)).map(move |number| {
        let first = number * batch;
        (first..events.min(first + batch)).collect::<Vec<u64>>()
    });
    let mut pipeline = Pipeline::from_iter(batches);
    for _ in 0..shape.steps {
        pipeline = pipeline.map(add_one, Concurrency::serial());
    }
    let (mut batches, ended) = pipeline.build();
    let sum = tokio::spawn(async move {
        let mut sum = 0_u64;
        while let Some(batch) = batches.recv().await {
            sum = black_box(&batch).iter().fold(sum, |sum, x| sum.wrapping_add(*x));
        }
        sum
    });
    ended.await.expect("the pumps end by themselves");
    sum.await.expect("the sink ends by itself")
}

async fn add_one(mut batch: Vec<u64>) -> Vec<u64> {
    for x in &mut batch {
        *x = x.wrapping_add(1);
    }
    batch
}
