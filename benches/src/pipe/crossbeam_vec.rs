//! Pipe with threads: one per stage, with bounded crossbeam channels of `Vec`s between them.

use std::{hint::black_box, thread};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::Shape;

/// Sends `events` events through the pipe and returns the sink's sum.
pub(super) fn run(shape: Shape, events: u64) -> u64 {
    thread::scope(|scope| {
        let (batches, mut end) = bounded(shape.queued_batches());
        scope.spawn(move || count(&batches, events, shape.batch() as u64));
        for _ in 0..shape.steps {
            let (next, stepped) = bounded(shape.queued_batches());
            let taken = std::mem::replace(&mut end, stepped);
            scope.spawn(move || step(&taken, &next));
        }
        sum(&end)
    })
}

fn count(next: &Sender<Vec<u64>>, events: u64, batch: u64) {
    let mut first = 0;
    while first < events {
        let end = events.min(first + batch);
        if next.send((first..end).collect()).is_err() {
            return;
        }
        first = end;
    }
}

fn step(batches: &Receiver<Vec<u64>>, next: &Sender<Vec<u64>>) {
    for mut batch in batches {
        for x in &mut batch {
            *x = x.wrapping_add(1);
        }
        if next.send(batch).is_err() {
            return;
        }
    }
}

fn sum(batches: &Receiver<Vec<u64>>) -> u64 {
    let add = |sum, batch: Vec<u64>| black_box(&batch).iter().fold(sum, |sum: u64, x| sum.wrapping_add(*x));
    batches.iter().fold(0, add)
}
