//! Pipe with datum: a source, maps and a fold, run as one stage without queues.
//!
//! With a boundary between the steps, each in a task of its own, the throughput was a fortieth of this.

use datum::{Source, StreamCompletion};

use super::Shape;

/// Sends `events` events through the pipe and returns the sink's sum.
pub(super) fn run(shape: Shape, events: u64) -> u64 {
    let mut numbers = Source::from_fn_iter(move || 0..events);
    for _ in 0..shape.steps {
        numbers = numbers.map(|x: u64| x.wrapping_add(1));
    }
    let summed = numbers.run_fold(0_u64, u64::wrapping_add);
    summed.and_then(StreamCompletion::wait).expect("the stream ends by itself")
}
