//! Simulation: the seed, and only the seed, determines the order.
#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stage_core::ack::{AckOptions, Acknowledger, Deliveries, Delivery, RejectedDelivery};
use stage_core::pipeline::Outcome;
use stage_core::policy::FailurePolicy;
use stage_core::spawn::{self, StageOptions};
use stage_core::stage::{FromIter, MapEach};
use stage_core::testing::{ManualConsumer, ManualProducer, Probe, Sim, settle, turn};
use stage_core::{
    BoxError, CancelMode, Context, Demand, Emitter, ExitReason, Init, Pipeline, Placement, Producer,
    StageResult, StepOptions, SubscribeOptions,
};
use tokio::time::Instant;

/// Events in the order of arrival, each with its copy, and the stage of each turn.
type Run = (Vec<(String, u64)>, Vec<usize>);

fn pipeline(seed: u64) -> Run {
    let sim = Sim::seeded(seed);
    let events = sim.run(async {
        let (probe, mut arrived) = Probe::new();
        let running = Pipeline::builder("numbers")
            .start_fn("numbers", || Ok(0..60_u64))
            .step_fn(StepOptions::named("double").count(3).max_demand(4).min_demand(2), |number| number * 2)
            .finish(StepOptions::named("probe").count(2), move || Ok(probe.clone()))
            .start()
            .await
            .unwrap();
        running.join().await.unwrap();
        let batches = arrived.batches();
        let named = |batch: stage_core::testing::ObservedBatch<u64>| {
            let from = batch.from.producer().to_string();
            batch.events.into_iter().map(move |event| (from.clone(), event))
        };
        batches.into_iter().flat_map(named).collect()
    });
    (events, sim.turns())
}

#[test]
fn the_same_seed_runs_the_same_way() {
    for seed in [0, 1, 2, u64::MAX] {
        assert_eq!(pipeline(seed), pipeline(seed), "seed {seed}");
    }
}

#[test]
fn other_seeds_run_other_orders_and_no_order_loses_an_event() {
    let runs: Vec<_> = (0..100).map(pipeline).collect();
    for (seed, (events, _)) in runs.iter().enumerate() {
        let mut events: Vec<_> = events.iter().map(|(_, event)| *event).collect();
        events.sort_unstable();
        assert!(events.into_iter().eq((0..60).map(|number| number * 2)), "seed {seed}");
    }
    let orders: HashSet<_> = runs.iter().map(|(events, _)| events).collect();
    assert!(orders.len() > 50, "only {} orders of arrival", orders.len());
}

#[test]
fn stages_wired_by_hand_and_the_test_take_turns_too() {
    let run = |seed| {
        let sim = Sim::seeded(seed);
        let seen = sim.run(async {
            let source = ManualProducer::spawn(StageOptions::named("source")).await;
            let step =
                spawn::producer_consumer(MapEach::new(|x: u32| x + 1), StageOptions::new()).await.unwrap();
            let mut consumer = ManualConsumer::spawn("consumer").await;
            let options = || SubscribeOptions::new().cancel(CancelMode::Temporary);
            step.subscribe(&source.producer(), options()).await.unwrap();
            let subscription = consumer.subscribe(&step.producer(), options()).await.unwrap();
            consumer.ask(10);
            for event in 0..10 {
                source.emit([event]);
                turn().await;
            }
            subscription.detach();
            settle().await;
            consumer.batches().into_iter().map(|batch| batch.events).collect::<Vec<_>>()
        });
        (seen, sim.turns())
    };
    let mut lengths = HashSet::new();
    for seed in 0..100 {
        let (seen, turns) = run(seed);
        assert_eq!((seen.clone(), turns.clone()), run(seed));
        assert!(turns.contains(&0), "the test had turns too");
        let events = seen.concat();
        let expected: Vec<u32> = (1..).take(events.len()).collect();
        assert_eq!(events, expected, "seed {seed}");
        lengths.insert(events.len());
    }
    assert!(lengths.len() > 3, "the detach came after {lengths:?} events");
}

#[test]
fn the_clock_stops_while_a_stage_can_run_and_then_advances_at_once() {
    Sim::seeded(3).run(async {
        let begun = Instant::now();
        let (probe, mut seen) = Probe::new();
        let numbers =
            spawn::producer(FromIter::new(0..5_000_u32), StageOptions::named("numbers")).await.unwrap();
        let probe = spawn::consumer(probe, StageOptions::named("probe")).await.unwrap();
        let options = SubscribeOptions::new().max_demand(2).min_demand(1);
        probe.subscribe(&numbers.producer(), options).await.unwrap();
        assert!(matches!(probe.ended().await, ExitReason::Normal));
        settle().await;
        assert_eq!(seen.events().len(), 5_000);
        assert_eq!(begun.elapsed(), Duration::ZERO);
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert_eq!(begun.elapsed(), Duration::from_mins(5));
    });
}

#[test]
fn restarts_drains_and_stops_are_simulated_too() {
    for seed in 0..30 {
        let run = || {
            let sim = Sim::seeded(seed);
            let numbers = sim.run(async {
                let mut broken = false;
                let (probe, mut seen) = Probe::new();
                let running = Pipeline::builder("numbers")
                    .start_fn("numbers", || Ok(0_u32..))
                    .step_fn(StepOptions::named("break").max_demand(2), move |number| {
                        assert!(number != 7 || std::mem::replace(&mut broken, true), "broken");
                        number
                    })
                    .finish(StepOptions::named("probe").max_demand(2), move || Ok(probe.clone()))
                    .start()
                    .await
                    .unwrap();
                while seen.next_batch().await.into_iter().all(|number| number < 20) {}
                let report = running.drain(Duration::from_secs(1)).await.unwrap();
                assert_eq!(report.outcome, Outcome::Drained);
                seen.events()
            });
            (numbers, sim.turns())
        };
        assert_eq!(run(), run(), "seed {seed}");
    }
}

#[test]
fn every_placement_is_simulated() {
    let run = || {
        let sim = Sim::seeded(11);
        let events = sim.run(async {
            let (probe, mut seen) = Probe::new();
            let numbers = spawn::producer(
                FromIter::new(0..100_u32),
                StageOptions::named("numbers").placement(Placement::Blocking),
            )
            .await
            .unwrap();
            let probe =
                spawn::consumer(probe, StageOptions::new().placement(Placement::Blocking)).await.unwrap();
            probe.subscribe(&numbers.producer(), SubscribeOptions::new().max_demand(3)).await.unwrap();
            assert!(matches!(probe.ended().await, ExitReason::Normal));
            seen.events()
        });
        (events, sim.turns())
    };
    let (events, turns) = run();
    assert!(events.into_iter().eq(0..100));
    assert!(turns.len() > 50 && turns == run().1);
}

#[test]
#[should_panic(expected = "the test still waits after 3600s")]
fn a_test_that_waits_for_an_impossible_event_fails() {
    Sim::seeded(1).run(std::future::pending::<()>());
}

#[test]
#[should_panic(expected = "the test still waits after 10000 turns")]
fn a_test_whose_stages_keep_each_other_busy_forever_fails() {
    Sim::seeded(1).most_turns(10_000).run(async {
        let running =
            Pipeline::builder("for ever").start_fn("numbers", || Ok(0_u64..)).finish_fn("none", |_| ());
        let running = running.start().await.unwrap();
        running.join().await.unwrap();
    });
}

#[test]
fn a_wake_from_another_thread_is_noticed() {
    let sum = Sim::seeded(1).run(async {
        let (send, receive) = tokio::sync::mpsc::unbounded_channel();
        let (probe, mut seen) = Probe::new();
        let source = stage_core::source::from_channel(receive);
        let source = spawn::producer(source, StageOptions::named("channel")).await.unwrap();
        let probe = spawn::consumer(probe, StageOptions::named("probe")).await.unwrap();
        probe.subscribe(&source.producer(), SubscribeOptions::new()).await.unwrap();
        settle().await;
        let sender =
            tokio::task::spawn_blocking(move || (1..=10_u32).for_each(|number| send.send(number).unwrap()));
        assert!(matches!(probe.ended().await, ExitReason::Normal));
        sender.await.unwrap();
        seen.events().into_iter().sum::<u32>()
    });
    assert_eq!(sum, 55);
}

/// The frame, the key and the number of an event.
type Part = (u64, u64, u64);

/// Delivers four frames of 30 events, once.
#[derive(Default)]
struct Frames {
    rejected: Arc<Mutex<HashSet<u64>>>,
    next: u64,
    deliveries: Option<Deliveries<u64>>,
}

struct Rejected(Arc<Mutex<HashSet<u64>>>);

impl Acknowledger for Rejected {
    type Receipt = u64;

    async fn settle(&mut self, _: &[u64], rejected: &[RejectedDelivery<u64>]) -> Result<(), BoxError> {
        self.0.lock().unwrap().extend(rejected.iter().map(|rejected| rejected.receipt));
        Ok(())
    }
}

impl Producer for Frames {
    type Event = Delivery<Vec<Part>>;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.deliveries = Some(cx.acknowledge_by(Rejected(Arc::clone(&self.rejected)), AckOptions::new()));
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, Self::Event>) -> StageResult {
        let deliveries = self.deliveries.as_ref().unwrap();
        let end = 4.min(self.next + demand.get() as u64);
        for frame in self.next..end {
            let parts = (0..30).map(|number| (frame, number % 5, number)).collect();
            out.extend(deliveries.deliver([(parts, frame)]));
        }
        self.next = end;
        if end == 4 {
            out.finish();
        }
        Ok(())
    }
}

#[test]
fn no_order_of_turns_handles_an_event_behind_a_failed_one_of_its_frame_and_key() {
    for seed in 0..50 {
        let (handled, rejected) = (Arc::new(Mutex::new(Vec::new())), Arc::default());
        let (calls, frames) = (Arc::clone(&handled), Arc::clone(&rejected));
        let report = Sim::seeded(seed).run(async move {
            let fails = move |part: Part| {
                calls.lock().unwrap().push(part);
                // In two of four frames, the second event of a key.
                if part.0 % 2 == 1 && part.2 == 5 + part.0 { Err("on purpose") } else { Ok(()) }
            };
            let source = move || Ok(Frames { rejected: Arc::clone(&frames), ..Frames::default() });
            Pipeline::builder("frames")
                .start("frames", source)
                .acknowledged()
                .step_many("split", |frame: Vec<Part>| frame)
                .by(|part| part.1)
                .finish_each_fn(
                    StepOptions::named("handle").count(3).max_demand(6),
                    FailurePolicy::skip(),
                    fails,
                )
                .start()
                .await
                .unwrap()
                .join()
                .await
                .unwrap()
        });
        let handled = handled.lock().unwrap();
        let mut last: HashMap<(u64, u64), u64> = HashMap::new();
        for (frame, key, number) in &*handled {
            let before = last.insert((*frame, *key), *number);
            assert!(before.is_none_or(|before| before < *number), "seed {seed}: the order of a key");
            let failed = frame % 2 == 1 && *key == (5 + frame) % 5;
            assert!(!failed || *number <= 5 + frame, "seed {seed}: {number} of frame {frame} was handled");
        }
        let skipped: u64 = report.stages.iter().map(|stage| stage.failures.skipped).sum();
        // Two events failed, which are skipped by their policy.
        assert_eq!(handled.len() as u64 - 2 + skipped, 4 * 30, "seed {seed}");
        assert_eq!(*rejected.lock().unwrap(), HashSet::from([1, 3]), "seed {seed}");
    }
}
