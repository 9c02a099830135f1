//! Pipe as a hand-written loop: one thread, batches of the same size, all steps in one loop.
//!
//! The compiler may merge the steps into one, here and in the fused stage.

use std::hint::black_box;

use super::Shape;

/// Sends `events` events through the pipe and returns the sink's sum.
pub(super) fn run(shape: Shape, events: u64) -> u64 {
    let (mut batch, mut sum, mut first) = (Vec::with_capacity(shape.batch()), 0_u64, 0);
    while first < events {
        let end = events.min(first + shape.batch() as u64);
        batch.extend(first..end);
        for x in &mut batch {
            for _ in 0..shape.steps {
                *x = x.wrapping_add(1);
            }
        }
        sum = black_box(&batch).iter().fold(sum, |sum, x| sum.wrapping_add(*x));
        batch.clear();
        first = end;
    }
    sum
}
