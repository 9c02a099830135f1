//! Upper limit of a pipe: two threads, one ring of batches down, one ring of emptied batches up, no
//! framework.
//!
//! As many batches circulate as the demand allows to be queued and in hand. Both sides spin, and yield after
//! a long spin. The second thread performs all steps, in place.

use std::{hint, hint::black_box, thread};

use rtrb::{Consumer, Producer, RingBuffer};

use super::Shape;

/// Number of spins before a yield.
const SPINS: u32 = 1000;

/// Sends `events` events through the pipe and returns the sink's sum.
pub(super) fn run(shape: Shape, events: u64) -> u64 {
    let batches = shape.max_demand.div_ceil(shape.batch()).max(2);
    let (full, taken) = RingBuffer::new(batches);
    let (mut back, emptied) = RingBuffer::new(batches);
    for _ in 0..batches {
        push(&mut back, Vec::with_capacity(shape.batch()));
    }
    let batch = shape.batch() as u64;
    thread::scope(|scope| {
        scope.spawn(move || count(full, emptied, events, batch));
        scope.spawn(move || sum(taken, back, shape.steps)).join().expect("the second thread ends by itself")
    })
}

/// Sends counted events in batches; an empty batch is the end.
fn count(mut full: Producer<Vec<u64>>, mut emptied: Consumer<Vec<u64>>, events: u64, batch: u64) {
    let mut first = 0;
    while first < events {
        let end = events.min(first + batch);
        let mut next = pop(&mut emptied);
        next.extend(first..end);
        push(&mut full, next);
        first = end;
    }
    push(&mut full, Vec::new());
}

fn sum(mut taken: Consumer<Vec<u64>>, mut back: Producer<Vec<u64>>, steps: usize) -> u64 {
    let mut sum = 0_u64;
    loop {
        let mut batch = pop(&mut taken);
        if batch.is_empty() {
            return sum;
        }
        for _ in 0..steps {
            for x in &mut batch {
                *x = x.wrapping_add(1);
            }
            // Keeps the compiler from merging the steps, which would be less work than this project's.
            black_box(&mut batch);
        }
        sum = black_box(&batch).iter().fold(sum, |sum, x| sum.wrapping_add(*x));
        batch.clear();
        push(&mut back, batch);
    }
}

fn pop<T>(ring: &mut Consumer<T>) -> T {
    let mut spins = 0;
    loop {
        if let Ok(value) = ring.pop() {
            return value;
        }
        wait(&mut spins);
    }
}

fn push<T>(ring: &mut Producer<T>, value: T) {
    let (mut value, mut spins) = (value, 0);
    while let Err(rtrb::PushError::Full(back)) = ring.push(value) {
        value = back;
        wait(&mut spins);
    }
}

fn wait(spins: &mut u32) {
    *spins += 1;
    if spins.is_multiple_of(SPINS) {
        thread::yield_now();
    } else {
        hint::spin_loop();
    }
}
