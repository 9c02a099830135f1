//! Pipe of this project: stages that implement the traits, wired by the public builder.

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use stage_core::spawn::{DemandMode, StageOptions, consumer, producer, producer_consumer};
use stage_core::{
    BoxError, Consumer, Context, Demand, Emitter, Events, ExitReason, Pipeline, Producer, ProducerConsumer,
    ProducerRef, StageResult, StepOptions, SubscribeOptions,
};

use stage_core::watch::Board;

use super::Shape;

/// Sends `events` events through the pipe and returns the sink's sum.
pub(super) async fn run(shape: Shape, events: u64) -> u64 {
    run_on(shape, events, None).await
}

/// Same as [`run`]; meanwhile, the pipeline is on `board`.
pub(crate) async fn run_on(shape: Shape, events: u64, board: Option<&Board>) -> u64 {
    let total = Arc::new(AtomicU64::new(0));
    let result = Arc::clone(&total);
    let demand = StepOptions::new().min_demand(shape.min_demand).max_demand(shape.max_demand);
    let mut chain = Pipeline::builder("pipe")
        .defaults(demand)
        .start(StepOptions::named("count"), move || Ok(Count { next: 0, events }));
    for step in 1..=shape.steps {
        chain = chain.step(StepOptions::named(format!("add_{step}")), || Ok(AddOne));
    }
    let pipeline =
        chain.finish(StepOptions::named("sum"), move || Ok(Sum { sum: 0, result: Arc::clone(&result) }));
    let running = pipeline.start().await.expect("the pipe starts");
    if let Some(board) = board {
        board.add("pipe", &running).expect("one round at a time");
    }
    running.join().await.expect("the pipe ends by itself");
    board.and_then(|board| board.remove("pipe"));
    total.load(Ordering::Acquire)
}

/// Runs the same as one stage: source, steps and sink.
pub(super) async fn run_fused(shape: Shape, events: u64) -> u64 {
    let total = Arc::new(AtomicU64::new(0));
    let result = Arc::clone(&total);
    let add = |x: u64| x.wrapping_add(1);
    let demand = StepOptions::named("pipe").min_demand(shape.min_demand).max_demand(shape.max_demand);
    let count = move || Ok(Count { next: 0, events });
    let sum = move || Ok(Sum { sum: 0, result: Arc::clone(&result) });
    let builder = Pipeline::builder("pipe");
    let pipeline = match shape.steps {
        0 => builder.fused(demand, |stage| stage.start(count).finish(sum)),
        1 => builder.fused(demand, |stage| stage.start(count).step_fn(add).finish(sum)),
        3 => builder
            .fused(demand, |stage| stage.start(count).step_fn(add).step_fn(add).step_fn(add).finish(sum)),
        steps => panic!("no pipe of {steps} steps is measured"),
    };
    let running = pipeline.start().await.expect("the pipe starts");
    running.join().await.expect("the pipe ends by itself");
    total.load(Ordering::Acquire)
}

/// Runs the same stages wired by hand, without supervision.
pub(super) async fn run_unsupervised(shape: Shape, events: u64) -> u64 {
    by_hand(shape, events).await.expect("the stages start and end by themselves")
}

async fn by_hand(shape: Shape, events: u64) -> Result<u64, BoxError> {
    let total = Arc::new(AtomicU64::new(0));
    let demand = || SubscribeOptions::new().min_demand(shape.min_demand).max_demand(shape.max_demand);
    // No event flows before all stages are subscribed.
    let held = StageOptions::named("count").demand(DemandMode::Accumulate);
    let source = producer(Count { next: 0, events }, held).await?;
    let mut last: ProducerRef<u64> = source.producer();
    for step in 1..=shape.steps {
        let stage = producer_consumer(AddOne, StageOptions::named(format!("add_{step}"))).await?;
        stage.subscribe(&last, demand()).await?;
        last = stage.producer();
    }
    let sink = consumer(Sum { sum: 0, result: Arc::clone(&total) }, StageOptions::named("sum")).await?;
    sink.subscribe(&last, demand()).await?;
    source.set_demand_mode(DemandMode::Forward);
    sink.ended().await;
    Ok(total.load(Ordering::Acquire))
}

/// Emits `next`, `next + 1`, … below `events`.
pub(crate) struct Count {
    pub(crate) next: u64,
    pub(crate) events: u64,
}

impl Producer for Count {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        let end = self.events.min(self.next + demand.get() as u64);
        out.extend(self.next..end);
        self.next = end;
        if end == self.events {
            out.finish();
        }
        Ok(())
    }
}

pub(super) struct AddOne;

impl ProducerConsumer for AddOne {
    type In = u64;
    type Out = u64;

    async fn handle_events(
        &mut self,
        mut events: Events<'_, u64>,
        out: &mut Emitter<'_, u64>,
    ) -> StageResult {
        for x in events.as_mut_slice() {
            *x = x.wrapping_add(1);
        }
        out.forward(events);
        Ok(())
    }
}

pub(super) struct Sum {
    pub(super) sum: u64,
    pub(super) result: Arc<AtomicU64>,
}

impl Consumer for Sum {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        let batch = black_box(events.as_slice());
        self.sum = batch.iter().fold(self.sum, |sum, x| sum.wrapping_add(*x));
        Ok(())
    }

    async fn terminate(&mut self, _: &ExitReason) {
        self.result.store(self.sum, Ordering::Release);
    }
}
