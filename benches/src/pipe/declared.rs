//! Pipe with `pipeline!`: the stages of `us`, declared.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use stage_core::{Pipeline, pipeline};

use super::{
    Shape,
    us::{AddOne, Count, Sum},
};

pipeline! {
    Straight(shape: Shape, events: u64, result: Arc<AtomicU64>) {
        name: "pipe", min_demand: shape.min_demand, max_demand: shape.max_demand,

        start  Count { next: 0, events };
        finish Sum { sum: 0, result };
    }
}

pipeline! {
    One(shape: Shape, events: u64, result: Arc<AtomicU64>) {
        name: "pipe", min_demand: shape.min_demand, max_demand: shape.max_demand,

        start  Count { next: 0, events };
        step   AddOne;
        finish Sum { sum: 0, result };
    }
}

pipeline! {
    Three(shape: Shape, events: u64, result: Arc<AtomicU64>) {
        name: "pipe", min_demand: shape.min_demand, max_demand: shape.max_demand,

        start  Count { next: 0, events };
        step   AddOne;
        step   AddOne;
        step   AddOne;
        finish Sum { sum: 0, result };
    }
}

/// Sends `events` events through the pipe and returns the sink's sum.
pub(super) async fn run(shape: Shape, events: u64) -> u64 {
    let total = Arc::new(AtomicU64::new(0));
    let result = Arc::clone(&total);
    let pipeline: Pipeline = match shape.steps {
        0 => Straight::new(shape, events, result).into(),
        1 => One::new(shape, events, result).into(),
        3 => Three::new(shape, events, result).into(),
        steps => panic!("no pipe of {steps} steps is declared"),
    };
    let running = pipeline.start().await.expect("the pipe starts");
    running.join().await.expect("the pipe ends by itself");
    total.load(Ordering::Acquire)
}
