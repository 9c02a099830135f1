//! Everything ends and the report adds up, whenever and however a source, a sink or a command ends it.
#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stage_core::batch::{Batcher, Limits};
use stage_core::per_event::PerEvent;
use stage_core::pipeline::Outcome;
use stage_core::rate::{Budget, Rate, RateLimiter};
use stage_core::spawn::{self, StageOptions};
use stage_core::testing::{Probe, Sim, settle, turn};
use stage_core::{
    BoxError, Consumer, Context, Demand, Emitter, Events, ExitReason, Init, Pipeline, Producer, Report,
    StageResult, StepOptions, SubscribeOptions,
};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Random numbers determined by a seed (`SplitMix64`; Steele, Lea, Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }

    fn small(&mut self, bound: u64) -> usize {
        usize::try_from(self.below(bound)).unwrap()
    }
}

/// Emits few events or none, and may decline to start.
struct Short {
    left: u64,
    declines: bool,
    made: Arc<AtomicU64>,
}

impl Producer for Short {
    type Event = u64;

    async fn init(&mut self, _: &mut Context<'_>) -> Result<Init, BoxError> {
        Ok(if self.declines { Init::Declined } else { Init::Ready })
    }

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        let now = self.left.min(demand.get() as u64);
        self.made.fetch_add(now, Ordering::Relaxed);
        out.extend(0..now);
        self.left -= now;
        if self.left == 0 {
            out.finish();
        }
        Ok(())
    }
}

/// Finishes in the middle of a run.
struct Sated(u64);

impl Consumer for Sated {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, cx: &mut Context<'_>) -> StageResult {
        self.0 = self.0.saturating_sub(events.into_iter().count() as u64);
        if self.0 == 0 {
            cx.finish();
        }
        Ok(())
    }
}

fn sum(report: &Report, number: impl Fn(&stage_core::stats::StageStats) -> u64) -> u64 {
    report.stages.iter().map(number).sum()
}

#[test]
fn a_pipeline_ends_whenever_its_source_or_its_sinks_do_and_its_counts_add_up() {
    for seed in 0..600 {
        Sim::seeded(seed).run(async {
            let mut random = Random(seed);
            let made = Arc::new(AtomicU64::new(0));
            let (left, declines, count) = (random.below(30), random.below(8) == 0, Arc::clone(&made));
            let appetite = if random.below(2) == 0 { u64::MAX } else { 1 + random.below(40) };
            let named = |name: &str, random: &mut Random| {
                StepOptions::named(name).count(1 + random.small(3)).max_demand(1 + random.small(12))
            };
            let mut chain = Pipeline::builder("short")
                .start("source", move || Ok(Short { left, declines, made: Arc::clone(&count) }));
            if random.below(2) == 0 {
                chain = chain.by(|number| number % 7);
            }
            let chain = chain.step_fn(named("step", &mut random), |number| number);
            let chain = if random.below(2) == 0 { chain.by(|number| number % 3) } else { chain };
            let pipeline = chain.finish(named("sink", &mut random), move || Ok(Sated(appetite)));
            let running = pipeline.start().await.unwrap();
            for _ in 0..random.below(60) {
                turn().await;
            }
            let report = match random.below(4) {
                0 => running.stop().await.unwrap(),
                1 => running.drain(Duration::from_secs(5)).await.unwrap(),
                _ => running.join().await.unwrap(),
            };
            let handled: u64 =
                report.stages.iter().filter(|stage| stage.step == "sink").map(|stage| stage.events_in).sum();
            let lost = sum(&report, |stage| stage.discarded);
            assert_eq!(handled + lost, made.load(Ordering::Relaxed), "{report}");
            assert_eq!(sum(&report, |stage| stage.demand + stage.buffered + stage.held), 0, "{report}");
            let rejected: u64 = report.rejected.iter().map(|rejected| rejected.events).sum();
            assert!(rejected <= lost, "{report}");
            if report.outcome != Outcome::Stopped {
                assert_eq!(rejected, 0, "{report}");
            }
        });
    }
}

#[test]
fn stages_wired_by_hand_end_even_if_the_source_ended_before_they_subscribe() {
    for seed in 0..200 {
        Sim::seeded(seed).run(async {
            let mut random = Random(seed);
            let source = Short { left: random.below(20), declines: false, made: Arc::default() };
            let source = spawn::producer(source, StageOptions::named("source")).await.unwrap();
            let mut probes = Vec::new();
            for _ in 0..=random.below(3) {
                for _ in 0..random.below(20) {
                    turn().await;
                }
                let (probe, seen) = Probe::<u64>::new();
                let probe = spawn::consumer(probe, StageOptions::new()).await.unwrap();
                probe.subscribe(&source.producer(), SubscribeOptions::new()).await.ok();
                probes.push((probe, seen));
            }
            for (probe, _) in &probes {
                let reason = probe.ended().await;
                assert!(matches!(reason, ExitReason::Normal | ExitReason::NotFound), "{reason}");
            }
        });
    }
}

#[tokio::test(start_paused = true)]
async fn events_held_by_a_batcher_and_a_limiter_are_counted_and_a_drain_releases_them() {
    let (probe, mut seen) = Probe::new();
    let budget = Budget::new(Rate::new(1, Duration::from_secs(1)).unwrap());
    let running = Pipeline::builder("holds")
        .start_fn("numbers", || Ok(0..5_u64))
        .step("limit", move || Ok(RateLimiter::new(budget.clone())))
        .step("batches", || Ok(Batcher::new(Limits::count(100))?))
        .finish("probe", move || Ok(probe.clone()))
        .start()
        .await
        .unwrap();
    settle().await;
    let held = |step: &str| running.stats().iter().find(|stage| stage.step == step).map(|stage| stage.held);
    assert_eq!((held("limit"), held("batches")), (Some(4), Some(1)));
    let report = running.drain(Duration::from_mins(1)).await.unwrap();
    assert_eq!(report.outcome, Outcome::Drained);
    assert_eq!(seen.events(), [[0, 1, 2, 3, 4]]);
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_a_drain_at_its_deadline_is_reported_by_stage() {
    let budget = Budget::new(Rate::new(1, Duration::from_secs(1)).unwrap());
    let running = Pipeline::builder("slow")
        .start_fn("numbers", || Ok(0..5_u64))
        .step("limit", move || Ok(RateLimiter::new(budget.clone())))
        .step("batches", || Ok(Batcher::new(Limits::count(100))?))
        .finish_fn("sink", drop)
        .start()
        .await
        .unwrap();
    settle().await;
    let report = running.drain(Duration::from_millis(1500)).await.unwrap();
    assert_eq!(report.outcome, Outcome::Stopped);
    let rejected: Vec<_> = report.rejected.iter().map(|left| (left.stage.as_str(), left.events)).collect();
    assert_eq!(rejected, [("limit/0", 3), ("batches/0", 2)]);
}

/// Never returns from its first batch.
struct Stuck;

impl Consumer for Stuck {
    type Event = u64;

    async fn handle_events(&mut self, _: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_stage_wired_by_hand_is_stopped_within_its_time_or_cut_off() {
    let numbers = Short { left: 100, declines: false, made: Arc::default() };
    let numbers = spawn::producer(numbers, StageOptions::named("numbers")).await.unwrap();
    let stuck = spawn::consumer(Stuck, StageOptions::named("stuck")).await.unwrap();
    stuck.subscribe(&numbers.producer(), SubscribeOptions::new().max_demand(3)).await.unwrap();
    settle().await;
    let begun = Instant::now();
    let reason = stuck.stop_within(ExitReason::Shutdown, Duration::from_secs(3)).await;
    assert!(matches!(reason, ExitReason::Aborted), "{reason}");
    assert_eq!(begun.elapsed(), Duration::from_secs(3));
    assert_eq!(stuck.stats().discarded, 2);
    let reason = numbers.stop_within(ExitReason::Shutdown, Duration::from_secs(3)).await;
    assert!(matches!(reason, ExitReason::Shutdown), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_child_of_an_event_that_fails_waits_before_each_attempt_and_fails_when_they_are_used_up() {
    let begun = Instant::now();
    let attempts = Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = Arc::clone(&attempts);
    let backoff = stage_core::Backoff::new(Duration::from_secs(1), Duration::from_mins(1)).attempts(3);
    let workers = PerEvent::new(move |_: u64| {
        noted.lock().unwrap().push(begun.elapsed());
        async { Err::<(), BoxError>("broken".into()) }
    })
    .restart(stage_core::per_event::ChildRestart::Transient)
    .backoff(backoff);
    let children = workers.children();
    let running = Pipeline::builder("one")
        .start_fn("numbers", || Ok([1]))
        .finish("workers", move || Ok(workers.clone()))
        .start()
        .await
        .unwrap();
    let report = running.join().await.unwrap();
    assert_eq!((report.stages[1].restarts, children.counts().failed), (0, 1), "its stage goes on");
    let attempts = attempts.lock().unwrap();
    assert_eq!(attempts.len(), 4);
    for (pair, whole) in attempts.windows(2).zip([1, 2, 4]) {
        let (wait, whole) = (pair[1].saturating_sub(pair[0]), Duration::from_secs(whole));
        assert!(wait >= whole / 2 && wait <= whole + Duration::from_millis(2), "{attempts:?}");
    }
}

/// Serves its first demands at once, then pumps a channel that is never empty, until it drains.
struct Pump {
    at_once: u32,
    to: mpsc::UnboundedSender<u64>,
    from: mpsc::UnboundedReceiver<u64>,
}

impl Producer for Pump {
    type Event = u64;

    async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        if self.at_once > 0 {
            self.at_once -= 1;
            out.emit(0);
            return Ok(());
        }
        let mut draining = pin!(out.draining());
        self.to.send(1)?;
        loop {
            tokio::select! {
                biased;
                () = &mut draining => return Ok(()),
                Some(number) = self.from.recv() => {
                    if number % 100 == 0 {
                        out.emit(number);
                        out.flush();
                    }
                    self.to.send(number + 1)?;
                }
            }
        }
    }
}

/// Reports its progress.
struct Tells(watch::Sender<u64>);

impl Consumer for Tells {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        for number in events {
            self.0.send_replace(number);
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quick_source_that_pumps_a_never_empty_channel_is_heard_and_ended() {
    let (tells, mut told) = watch::channel(0);
    let pipeline = Pipeline::builder("pump")
        .defaults(StepOptions::new().min_demand(0).max_demand(1))
        .start("pump", || {
            let (to, from) = mpsc::unbounded_channel();
            Ok(Pump { at_once: 100, to, from })
        })
        .finish("tells", move || Ok(Tells(tells.clone())));
    let running = pipeline.start().await.unwrap();
    told.wait_for(|told| *told >= 10_000).await.unwrap();
    let report = running.drain(Duration::from_mins(1)).await.unwrap();
    assert_eq!(report.outcome, Outcome::Drained);
}
