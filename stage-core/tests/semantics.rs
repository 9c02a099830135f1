//! The numeric traces of GenStage, observed inside the stages: demands announced, batches handled.
//!
//! The tests use one thread and no waits inside callbacks, so the order of events is deterministic.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::sync::{Arc, Mutex};

use stage_core::{
    Consumer, Context, Demand, Emitter, Events, Pipeline, Producer, ProducerConsumer, StageResult,
    StepOptions,
};

/// Numbers recorded by stages, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<usize>>>);

impl Log {
    fn note(&self, number: usize) {
        self.0.lock().unwrap().push(number);
    }

    fn first(&self, count: usize) -> Vec<usize> {
        self.0.lock().unwrap().iter().copied().take(count).collect()
    }
}

/// Counts upwards to a limit; `emits` maps each demand to the number of events emitted.
struct Counter {
    next: usize,
    limit: usize,
    demands: Log,
    emits: fn(usize) -> usize,
}

impl Producer for Counter {
    type Event = usize;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, usize>) -> StageResult {
        self.demands.note(demand.get());
        let next = (self.next + (self.emits)(demand.get())).min(self.limit);
        out.extend(self.next..next);
        self.next = next;
        if next == self.limit {
            out.finish();
        }
        Ok(())
    }
}

/// Emits every event `times` times.
struct Repeat {
    times: usize,
    batches: Log,
}

impl ProducerConsumer for Repeat {
    type In = usize;
    type Out = usize;

    async fn handle_events(
        &mut self,
        events: Events<'_, usize>,
        out: &mut Emitter<'_, usize>,
    ) -> StageResult {
        self.batches.note(events.len());
        for event in events {
            out.extend(std::iter::repeat_n(event, self.times));
        }
        Ok(())
    }
}

struct Record {
    batches: Log,
    events: Log,
}

impl Consumer for Record {
    type Event = usize;

    async fn handle_events(&mut self, events: Events<'_, usize>, _cx: &mut Context<'_>) -> StageResult {
        self.batches.note(events.len());
        events.into_iter().for_each(|event| self.events.note(event));
        Ok(())
    }
}

#[derive(Default)]
struct Logs {
    demands: Log,
    steps: Log,
    batches: Log,
    events: Log,
}

fn window((max, min): (usize, usize)) -> StepOptions {
    StepOptions::new().max_demand(max).min_demand(min)
}

/// Runs a counter and a consumer with the given window.
async fn run_two(limit: usize, emits: fn(usize) -> usize, consumer: (usize, usize)) -> Logs {
    let logs = Logs::default();
    let (demands, batches, events) = (logs.demands.clone(), logs.batches.clone(), logs.events.clone());
    let pipeline = Pipeline::builder("two")
        .start("counter", move || Ok(Counter { next: 0, limit, demands: demands.clone(), emits }))
        .finish(window(consumer).name("record"), move || {
            Ok(Record { batches: batches.clone(), events: events.clone() })
        });
    pipeline.start().await.unwrap().join().await.unwrap();
    logs
}

/// Runs a counter, a step that repeats every event, and a consumer.
async fn run_three(limit: usize, times: usize, step: (usize, usize), consumer: (usize, usize)) -> Logs {
    let logs = Logs::default();
    let (demands, steps) = (logs.demands.clone(), logs.steps.clone());
    let (batches, events) = (logs.batches.clone(), logs.events.clone());
    let pipeline = Pipeline::builder("three")
        .start("counter", move || Ok(Counter { next: 0, limit, demands: demands.clone(), emits: |n| n }))
        .step(window(step).name("repeat"), move || Ok(Repeat { times, batches: steps.clone() }))
        .finish(window(consumer).name("record"), move || {
            Ok(Record { batches: batches.clone(), events: events.clone() })
        });
    pipeline.start().await.unwrap().join().await.unwrap();
    logs
}

#[tokio::test]
async fn the_first_ask_is_the_maximum_and_each_batch_asks_for_its_own_size() {
    let logs = run_two(1000, |n| n, (100, 80)).await;
    assert_eq!(logs.demands.first(6), [100, 20, 20, 20, 20, 20]);
    assert_eq!(logs.batches.first(10), [20; 10]);
}

#[tokio::test]
async fn the_default_window_of_genstage_moves_halves() {
    let logs = run_two(10_000, |n| n, (1000, 500)).await;
    assert_eq!(logs.demands.first(4), [1000, 500, 500, 500]);
    assert_eq!(logs.batches.first(6), [500; 6]);
}

#[tokio::test]
async fn a_low_minimum_alternates_large_and_small_batches() {
    let logs = run_two(1000, |n| n, (100, 20)).await;
    assert_eq!(logs.demands.first(3), [100, 80, 100]);
    assert_eq!(logs.batches.first(6), [80, 20, 80, 80, 20, 80]);
}

#[tokio::test]
async fn messages_smaller_than_a_batch_are_handled_as_they_come() {
    // A producer that emits 100 at a time, for a consumer with a window of 1000/750: the third batch crosses
    // the threshold.
    let logs = run_two(300, |n| n.min(100), (100, 75)).await;
    assert_eq!(logs.batches.first(4), [25, 25, 25, 25]);
    let logs = run_two(50, |_| 1, (1, 0)).await;
    assert_eq!(logs.batches.first(50), [1; 50]);
    assert_eq!(logs.demands.first(50), [1; 50]);
}

#[tokio::test]
async fn events_beyond_the_demand_are_buffered_and_sent_first() {
    // Every demand is served with two events more than requested.
    let logs = run_two(60, |n| n + 2, (4, 0)).await;
    assert_eq!(logs.demands.first(5), [4, 2, 2, 2, 2]);
    assert_eq!(logs.events.first(60), (0..60).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_doubling_step_sends_the_demand_and_buffers_the_rest() {
    // Trace A: upstream 100/80, downstream 100/50.
    let logs = run_three(400, 2, (100, 80), (100, 50)).await;
    assert_eq!(logs.steps.first(6), [20; 6]);
    assert_eq!(logs.batches.first(9), [40, 40, 20, 50, 30, 20, 40, 10, 30]);
    let twice: Vec<_> = (0..400).flat_map(|event| [event, event]).collect();
    assert_eq!(logs.events.first(800), twice);
}

#[tokio::test]
async fn a_doubling_step_of_a_low_minimum_handles_a_message_whole() {
    // Trace B: upstream 100/20, downstream 100/50.
    let logs = run_three(100, 2, (100, 20), (100, 50)).await;
    assert_eq!(logs.steps.first(2), [80, 20]);
    assert_eq!(logs.batches.first(4), [50, 50, 50, 50]);
}

#[tokio::test]
async fn a_filtering_step_keeps_asking() {
    let logs = run_three(1000, 0, (10, 5), (10, 5)).await;
    assert_eq!(logs.demands.first(1)[0], 10);
    assert_eq!(logs.steps.first(200), [5; 200]);
    assert_eq!(logs.batches.first(1), [0_usize; 0]);
}
