//! Several inputs, in pipelines whose stages run in seeded orders.

use super::support::WINDOW;
use crate::base::error::ExitReason;
use crate::base::options::CancelMode;
use crate::pipeline::{Chain, Pipeline, StepOptions};
use crate::spawn::{self, StageOptions};
use crate::step::{Side, dedup, interleave, merge_sorted, take, zip, zip_latest};
use crate::testing::{ManualConsumer, ManualProducer, Probe, Sim, settle};
use crate::wire::SubscribeOptions;

/// Runs a chain in the order of a seed; returns its events.
fn simulated<T: Send + 'static>(seed: u64, chain: impl FnOnce() -> Chain<T>) -> Vec<T> {
    Sim::seeded(seed).run(async {
        let (probe, mut arrived) = Probe::new();
        let options = StepOptions::named("probe").max_demand(4);
        let pipeline = chain().finish(options, move || Ok(probe.clone()));
        pipeline.start().await.unwrap().join().await.unwrap();
        arrived.events()
    })
}

#[test]
fn sorted_inputs_merge_into_a_sorted_one_in_every_order() {
    for seed in 0..40 {
        let merged = simulated(seed, || {
            Pipeline::builder("merged")
                .defaults(StepOptions::new().max_demand(5))
                .start_fn("even", || Ok((0..50).map(|number| number * 2)))
                .and_start_fn("third", || Ok((0..40).map(|number| number * 3)))
                .and_start_fn("none", || Ok(0..0))
                .step("merge", || Ok(merge_sorted(|number: &u32| *number)))
                .step("dedup", || Ok(dedup()))
        });
        let mut expected: Vec<u32> = (0..50).map(|number| number * 2).chain((0..40).map(|n| n * 3)).collect();
        expected.sort_unstable();
        expected.dedup();
        assert_eq!(merged, expected, "seed {seed}");
    }
}

#[test]
fn the_branches_of_a_broadcast_are_paired_in_every_order() {
    for seed in 0..40 {
        let pairs = simulated(seed, || {
            Pipeline::builder("squares")
                .defaults(StepOptions::new().max_demand(3))
                .start_fn("numbers", || Ok(0..60_u32))
                .broadcast()
                .branch(|number| number.step_fn("left", Side::Left))
                .branch(|number| number.step_fn("square", |n| n * n).step_fn("right", Side::Right))
                .merge()
                .step("zip", || Ok(zip()))
        });
        assert!(pairs.into_iter().eq((0..60).map(|number| (number, number * number))), "seed {seed}");
    }
}

#[test]
fn a_side_that_ends_ends_the_pairs_and_an_endless_other_side() {
    for seed in 0..20 {
        for length in [0, 1, 10] {
            let pairs = simulated(seed, move || {
                Pipeline::builder("numbered")
                    .defaults(StepOptions::new().max_demand(4))
                    .start_fused("numbers", |stage| {
                        stage.start_fn(|| Ok(0..)).step_fn(Side::<u64, u32>::Left)
                    })
                    .and_start_fused("events", move |stage| {
                        stage.start_fn(move || Ok(100..100 + length)).step_fn(Side::<u64, u32>::Right)
                    })
                    .step("zip", || Ok(zip()))
            });
            assert!(pairs.into_iter().eq((0..).zip(100..100 + length)), "seed {seed}");
        }
    }
}

#[test]
fn inputs_that_are_interleaved_or_paired_with_the_latest_lose_nothing_in_any_order() {
    for seed in 0..20 {
        let sources = || {
            Pipeline::builder("sources")
                .defaults(StepOptions::new().max_demand(4))
                .start_fused("left", |stage| stage.start_fn(|| Ok(0..30_u32)).step_fn(Side::Left))
                .and_start_fused("right", |stage| stage.start_fn(|| Ok(0..30_u32)).step_fn(Side::Right))
        };
        let mixed = simulated(seed, || sources().step("interleave", || Ok(interleave([2, 1]))));
        assert_eq!(mixed.len(), 60, "seed {seed}");
        let pairs = simulated(seed, || sources().step("zip_latest", || Ok(zip_latest())));
        assert_eq!(pairs.last(), Some(&(29, 29)), "seed {seed}");
        assert!(pairs.is_sorted(), "seed {seed}");
        let first = simulated(seed, || {
            sources().step("interleave", || Ok(interleave([1]))).step("take", || Ok(take(7)))
        });
        assert_eq!(first.len(), 7, "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_waits_for_one_input_asks_the_others_for_no_more_than_their_windows() {
    let step = merge_sorted(|number: &u32| *number);
    let stage = spawn::producer_consumer(step, StageOptions::named("merge")).await.unwrap();
    let mut eager = ManualProducer::spawn(StageOptions::named("eager")).await;
    let silent = ManualProducer::spawn(StageOptions::named("silent")).await;
    for source in [&eager, &silent] {
        let options = SubscribeOptions::new().max_demand(WINDOW as usize).cancel(CancelMode::Temporary);
        stage.subscribe(&source.producer(), options).await.unwrap();
    }
    let mut consumer = ManualConsumer::spawn("consumer").await;
    consumer.subscribe(&stage.producer(), SubscribeOptions::new()).await.unwrap();
    consumer.ask(1000);
    eager.emit(0..100);
    settle().await;
    assert_eq!(eager.demands().into_iter().sum::<usize>(), WINDOW as usize);
    assert_eq!((stage.stats().held, consumer.events().len()), (u64::from(WINDOW), 0));
    silent.emit([50]);
    settle().await;
    assert!(
        consumer.events().into_iter().eq((0..=50).chain([50])),
        "of equal keys, the first producer's goes first"
    );
    silent.finish();
    settle().await;
    assert_eq!(consumer.events(), (51..100).collect::<Vec<_>>());
    assert_eq!(stage.stats().held, 0);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_ends_with_one_input_does_not_wait_for_another() {
    let step = merge_sorted(|number: &u32| *number);
    let stage = spawn::producer_consumer(step, StageOptions::named("merge")).await.unwrap();
    let sources = ["eager", "silent", "short"].map(StageOptions::named).map(ManualProducer::<u32>::spawn);
    let [eager, silent, short] = sources;
    let (eager, silent, short) = (eager.await, silent.await, short.await);
    for source in [&eager, &silent, &short] {
        stage
            .subscribe(&source.producer(), SubscribeOptions::new().max_demand(WINDOW as usize))
            .await
            .unwrap();
    }
    let mut consumer = ManualConsumer::spawn("consumer").await;
    consumer.subscribe(&stage.producer(), SubscribeOptions::new()).await.unwrap();
    consumer.ask(1000);
    eager.emit(0..5);
    settle().await;
    short.finish();
    assert!(matches!(stage.ended().await, ExitReason::Normal));
    assert_eq!(stage.stats().discards.ended, 5);
}
