//! Pipe with timely: a dataflow on two workers, each with half of the events, changed in place.
//!
//! The workers exchange nothing: a step is an operator that passes its batches on, in timely's own batch
//! size. The number of waiting batches is bounded only by the number that a source makes at a time.

use std::{cell::Cell, hint::black_box, rc::Rc};

use timely::dataflow::{
    channels::pact::Pipeline,
    operators::{ToStream, generic::Operator, vec::Map},
};

use super::Shape;
use crate::dataflow::on_workers;

/// Sends `events` events through the pipe and returns the sum of the workers' sums.
pub(super) fn run(shape: Shape, events: u64) -> u64 {
    let sums = on_workers(move |worker| {
        let part = events.div_ceil(worker.peers() as u64);
        let first = events.min(worker.index() as u64 * part);
        let numbers = first..events.min(first + part);
        let total = Rc::new(Cell::new(0_u64));
        let sum = Rc::clone(&total);
        worker.dataflow::<u64, _, _>(|scope| {
            let mut stream = numbers.to_stream(scope);
            for _ in 0..shape.steps {
                stream = stream.map_in_place(|x| *x = x.wrapping_add(1));
            }
            stream.sink(Pipeline, "sum", move |(input, _)| {
                input.for_each_time(|_, batches| {
                    for batch in batches {
                        let batch = black_box(&*batch);
                        sum.set(batch.iter().fold(sum.get(), |sum, x| sum.wrapping_add(*x)));
                    }
                });
            });
        });
        move || total.get()
    });
    sums.into_iter().fold(0, u64::wrapping_add)
}
