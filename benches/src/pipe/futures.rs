//! Pipe with the streams of `futures`: adapters in one task, without queues.

use std::hint::black_box;

use futures_util::stream::{self, Stream, StreamExt};

use super::Shape;

/// Sends `events` events through the pipe and returns the sink's sum.
///
/// # Panics
///
/// If the number of steps is not 0, 1 or 3, because adapters are types.
pub(super) async fn run(shape: Shape, events: u64) -> u64 {
    let add = |x: u64| x.wrapping_add(1);
    let source = stream::iter(0..events);
    match shape.steps {
        0 => sum(source, shape).await,
        1 => sum(source.map(add), shape).await,
        3 => sum(source.map(add).map(add).map(add), shape).await,
        steps => panic!("no pipe of {steps} steps is measured"),
    }
}

async fn sum(events: impl Stream<Item = u64>, shape: Shape) -> u64 {
    let add = |sum, batch: Vec<u64>| async move {
        black_box(&batch).iter().fold(sum, |sum: u64, x| sum.wrapping_add(*x))
    };
    events.ready_chunks(shape.batch()).fold(0, add).await
}
