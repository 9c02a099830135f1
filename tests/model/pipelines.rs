//! Counts of random pipelines, which must add up, however the pipelines end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stage_core::pipeline::Outcome;
use stage_core::testing::{Observed, Probe, Sim, turn};
use stage_core::{Pipeline, Report, Running, StepOptions};

use super::random::Random;
use super::topology::window;

const SEEDS: u64 = 1_500;

/// Starts a source of numbers, up to two steps of up to three copies, and one or two sinks.
async fn start(random: &mut Random, made: &Arc<AtomicU64>) -> (Running, Observed<u64>) {
    let (numbers, made) = (random.between(0, 200) as u64, Arc::clone(made));
    let options = |name: &str, random: &mut Random| {
        let (max, min) = window(random);
        StepOptions::named(name).count(random.between(1, 3)).max_demand(max).min_demand(min)
    };
    let mut chain = Pipeline::builder("model").start_fn("source", move || {
        let made = Arc::clone(&made);
        Ok((0..numbers).inspect(move |_| {
            made.fetch_add(1, Ordering::Relaxed);
        }))
    });
    for step in ["first", "second"].into_iter().take(random.between(0, 2)) {
        chain = chain.step_fn(options(step, random), |number| number);
    }
    let (probe, seen) = Probe::new();
    let pipeline = chain.finish(options("sink", random), move || Ok(probe.clone()));
    (pipeline.start().await.unwrap(), seen)
}

/// Sums up a number over the copies of each step, in the order of the pipeline.
fn by_step(report: &Report, number: impl Fn(&stage_core::stats::StageStats) -> u64) -> Vec<u64> {
    report
        .stages
        .chunk_by(|one, next| one.step == next.step)
        .map(|copies| copies.iter().map(&number).sum())
        .collect()
}

fn check(report: &Report, seen: &mut Observed<u64>, made: u64) {
    let (taken, given) =
        (by_step(report, |stage| stage.events_in), by_step(report, |stage| stage.events_out));
    let discarded: u64 = by_step(report, |stage| stage.discarded).into_iter().sum();
    let handled = *taken.last().unwrap();
    assert_eq!(made, handled + discarded, "made = handled + discarded: {report:?}");
    for step in 1..taken.len() {
        assert!(given[step - 1] >= taken[step], "step {step} handled what it was not given: {report:?}");
        assert!(given[step] <= taken[step], "step {step} made events up: {report:?}");
    }
    assert!(
        by_step(report, |stage| stage.demand + stage.buffered).iter().all(|left| *left == 0),
        "{report:?}"
    );
    if report.outcome != Outcome::Stopped {
        assert_eq!(discarded, 0, "only a stop discards: {report:?}");
        assert_eq!(given[..given.len() - 1], taken[1..], "{report:?}");
    }
    let batches = seen.batches();
    assert_eq!(batches.iter().map(|batch| batch.events.len() as u64).sum::<u64>(), handled);
    // Copies overtake each other, and events of a stopped copy arrive late; otherwise all events are in
    // order.
    let copies = by_step(report, |_| 1);
    let one_way = copies[..copies.len() - 2].iter().all(|copies| *copies == 1);
    let in_order = one_way && report.outcome != Outcome::Stopped;
    for batch in batches.iter().filter(|_| in_order) {
        let same = batches.iter().filter(|other| other.from == batch.from);
        assert!(same.flat_map(|same| &same.events).is_sorted(), "out of order from {:?}", batch.from);
    }
}

#[test]
fn the_counts_of_random_pipelines_add_up_however_they_end() {
    for seed in 0..SEEDS {
        Sim::seeded(seed).run(async {
            let (mut random, made) = (Random::new(seed), Arc::default());
            let (running, mut seen) = start(&mut random, &made).await;
            for _ in 0..random.between(0, 100) {
                turn().await;
            }
            let report = match random.between(0, 2) {
                0 => running.join().await,
                1 => running.drain(Duration::from_secs(10)).await,
                _ => running.stop().await,
            };
            check(&report.unwrap(), &mut seen, made.load(Ordering::Relaxed));
        });
    }
}
