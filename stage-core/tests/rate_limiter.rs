//! The rate limiter: its budget is kept, shared and changed, and used only for events with demand.
#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::time::Duration;

use stage_core::rate::{Budget, Rate, RateError, RateLimiter};
use stage_core::spawn::{self, StageOptions};
use stage_core::testing::{ManualConsumer, ManualProducer, settle};
use stage_core::{ExitReason, Pipeline, ProducerConsumer, StageRef, SubscribeOptions, sink};
use tokio::time::{Instant, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

fn rate(events: u32, burst: u32) -> Rate {
    Rate::new(events, SECOND).unwrap().burst(burst).unwrap()
}

type Limiter<S> = (ManualProducer<u32>, StageRef<S, u32, u32>, ManualConsumer<u32>);

/// A limiter between a source and a consumer controlled by the test.
async fn between<S: ProducerConsumer<In = u32, Out = u32>>(limiter: S) -> Limiter<S> {
    let source = ManualProducer::spawn(StageOptions::named("source")).await;
    let stage = spawn::producer_consumer(limiter, StageOptions::named("limit")).await.unwrap();
    stage.subscribe(&source.producer(), SubscribeOptions::new().max_demand(100)).await.unwrap();
    let mut consumer = ManualConsumer::spawn("consumer").await;
    consumer.subscribe(&stage.producer(), SubscribeOptions::new()).await.unwrap();
    (source, stage, consumer)
}

/// Returns the millisecond at which each of the next events arrives.
async fn times(consumer: &mut ManualConsumer<u32>, events: usize) -> Vec<(u128, u32)> {
    let began = Instant::now();
    let mut times = Vec::new();
    while times.len() < events {
        let batch = consumer.next_batch().await;
        times.extend(batch.into_iter().map(|event| (began.elapsed().as_millis(), event)));
    }
    times
}

#[tokio::test(start_paused = true)]
async fn a_burst_passes_at_once_and_the_rest_at_the_rate_to_the_millisecond() {
    let (source, _stage, mut consumer) = between(RateLimiter::new(Budget::new(rate(10, 3)))).await;
    consumer.ask(100);
    source.emit(0..6);
    assert_eq!(times(&mut consumer, 6).await, [(0, 0), (0, 1), (0, 2), (100, 3), (200, 4), (300, 5)]);
    // Unused budget accumulates up to the burst, and no further.
    sleep(SECOND * 60).await;
    source.emit(6..11);
    assert_eq!(times(&mut consumer, 5).await, [(0, 6), (0, 7), (0, 8), (100, 9), (200, 10)]);
}

#[tokio::test(start_paused = true)]
async fn no_second_has_two_bursts() {
    let (source, _stage, mut consumer) = between(RateLimiter::new(Budget::new(rate(100, 100)))).await;
    consumer.ask(1000);
    sleep(Duration::from_millis(999)).await;
    source.emit(0..400);
    let times = times(&mut consumer, 300).await;
    // A budget renewed at each full second would admit 200 within two milliseconds.
    assert_eq!(times.iter().filter(|(time, _)| *time <= 2).count(), 100);
    assert_eq!(times.iter().filter(|(time, _)| *time <= 1000).count(), 200);
}

#[tokio::test(start_paused = true)]
async fn events_without_demand_use_no_budget() {
    let (mut source, stage, mut consumer) = between(RateLimiter::new(Budget::new(rate(10, 5)))).await;
    source.emit(0..1000);
    consumer.ask(2);
    settle().await;
    assert_eq!(consumer.events(), [0, 1]);
    assert_eq!(stage.inspect().await.unwrap().buffered, 0);
    assert!(source.demands().into_iter().sum::<usize>() <= 102, "a source is asked for what passed");
    // Three tokens are left, and no hundred accumulate in the meantime.
    sleep(SECOND * 10).await;
    consumer.ask(100);
    settle().await;
    assert_eq!(consumer.events(), [2, 3, 4, 5, 6]);
}

#[tokio::test(start_paused = true)]
async fn steps_that_share_a_budget_take_turns() {
    let budget = Budget::new(rate(10, 1));
    let mut first = between(RateLimiter::new(budget.clone())).await;
    let mut second = between(RateLimiter::new(budget)).await;
    for (source, _, consumer) in [&mut first, &mut second] {
        consumer.ask(100);
        source.emit(0..50);
    }
    sleep(SECOND * 3 + SECOND / 20).await;
    let passed = [&mut first, &mut second].map(|(_, _, consumer)| consumer.events().len());
    assert_eq!(passed.iter().sum::<usize>(), 31);
    assert!(passed[0].abs_diff(passed[1]) <= 1, "{passed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stopped_or_unasked_step_leaves_its_turn_to_others() {
    let budget = Budget::new(rate(10, 1));
    let first = between(RateLimiter::new(budget.clone())).await;
    let mut second = between(RateLimiter::new(budget)).await;
    first.2.ask(1);
    first.0.emit(0..50);
    second.2.ask(100);
    second.0.emit(0..50);
    // The first limiter emitted one event, and its consumer has no more demand.
    assert_eq!(times(&mut second.2, 2).await, [(100, 0), (200, 1)]);
    first.2.ask(50);
    settle().await;
    first.1.stop(ExitReason::Shutdown).await;
    sleep(SECOND).await;
    assert!(second.2.events().len() >= 10, "nothing is kept for one that is gone");
}

#[tokio::test(start_paused = true)]
async fn a_new_rate_applies_at_once_to_waiting_events_too() {
    let budget = Budget::new(Rate::new(1, SECOND * 3600).unwrap());
    let (source, _stage, mut consumer) = between(RateLimiter::new(budget.clone())).await;
    consumer.ask(100);
    source.emit(0..6);
    settle().await;
    assert_eq!(consumer.events(), [0]);
    budget.set(rate(10, 1));
    assert_eq!(budget.rate(), rate(10, 1));
    let times = times(&mut consumer, 3).await;
    assert!(times[0].0 <= 100, "{times:?}");
    assert_eq!([times[1].0 - times[0].0, times[2].0 - times[1].0], [100, 100]);
    budget.set(rate(1, 1));
    let slow = self::times(&mut consumer, 1).await;
    assert!((900..=1000).contains(&slow[0].0), "{slow:?}");
}

#[tokio::test(start_paused = true)]
async fn each_key_has_its_own_budget_and_waits_for_no_other() {
    let limiter = RateLimiter::by_key(Budget::new(rate(1, 2)), |event: &u32| event / 10);
    let (source, _stage, mut consumer) = between(limiter).await;
    consumer.ask(100);
    source.emit([10, 11, 12, 13, 20, 21, 22, 30]);
    settle().await;
    assert_eq!(consumer.events(), [10, 11, 20, 21, 30]);
    sleep(SECOND).await;
    assert_eq!(consumer.events(), [12, 22]);
    sleep(SECOND).await;
    assert_eq!(consumer.events(), [13]);
}

#[tokio::test(start_paused = true)]
async fn waiting_events_pass_after_the_end_of_the_source() {
    let (source, stage, mut consumer) = between(RateLimiter::new(Budget::new(rate(10, 1)))).await;
    consumer.ask(100);
    source.emit(0..5);
    source.finish();
    source.ended().await;
    assert_eq!(times(&mut consumer, 5).await.last(), Some(&(400, 4)));
    assert!(matches!(timeout(SECOND, stage.ended()).await, Ok(ExitReason::Normal)));
}

#[tokio::test(start_paused = true)]
async fn in_a_pipeline_the_order_is_kept_and_a_drain_lets_everything_pass() {
    let (all, collected) = sink::collect::<Vec<_>, _>();
    let budget = Budget::new(rate(1000, 10));
    let pipeline = Pipeline::builder("limited")
        .start_fn("numbers", || Ok(0..))
        .step("limit", move || Ok(RateLimiter::new(budget.clone())))
        .finish("all", move || Ok(all.clone()));
    let running = pipeline.start().await.unwrap();
    sleep(SECOND).await;
    running.drain(SECOND).await.unwrap();
    let all: Vec<u64> = collected.await.unwrap();
    assert!((1010..=1040).contains(&all.len()), "{}", all.len());
    assert_eq!(all, (0..all.len() as u64).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_stopped_step_counts_its_waiting_events() {
    let pipeline = Pipeline::builder("limited")
        .start_fn("numbers", || Ok(0..100))
        .step("limit", || Ok(RateLimiter::new(Budget::new(Rate::new(1, SECOND)?))))
        .finish_fn("ignore", |_| ());
    let running = pipeline.start().await.unwrap();
    settle().await;
    let report = running.stop().await.unwrap();
    assert_eq!((report.stages[1].events_out, report.stages[1].discarded), (1, 9));
}

#[test]
fn rates_that_cannot_be_kept_are_refused_by_name() {
    assert_eq!(Rate::new(0, SECOND), Err(RateError::Events));
    assert_eq!(Rate::new(1, Duration::ZERO), Err(RateError::Per { per: Duration::ZERO }));
    assert_eq!(Rate::new(1, Duration::MAX), Err(RateError::Per { per: Duration::MAX }));
    assert_eq!(Rate::new(1, SECOND).unwrap().burst(0), Err(RateError::Burst));
    assert_eq!(RateError::Burst.to_string(), "the burst of a rate must be at least 1, got 0");
}

#[tokio::test(start_paused = true)]
async fn a_rate_above_the_timer_resolution_is_kept_for_any_burst() {
    for (events, burst) in
        [(100, 1), (1_000, 1), (1_500, 1), (3_000, 1), (3_000, 2), (50_000, 1), (50_000, 10)]
    {
        let rate = rate(events, burst);
        let pipeline = Pipeline::builder("p").start_fn("numbers", move || Ok(0..events));
        let pipeline = pipeline.limited("limit", move || Ok(rate)).finish_fn("sink", |_| ());
        let took = pipeline.start().await.unwrap().join().await.unwrap().elapsed;
        let right = Duration::from_secs(1) * (events - burst) / events;
        assert!(
            took >= right && took <= right + Duration::from_millis(10),
            "{events}/s, burst {burst}: {took:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_kept_for_each_key_and_shared_by_copies() {
    let each: Budget<u32> = Budget::new(rate(20_000, 1));
    let source = Pipeline::builder("keyed").start_fn("numbers", || Ok(0..40_000_u32));
    let keyed =
        source.step("limit", move || Ok(RateLimiter::by_key(each.clone(), |number: &u32| number % 2)));
    let took = keyed.finish_fn("sink", |_| ()).start().await.unwrap().join().await.unwrap().elapsed;
    assert!((990..1_010).contains(&took.as_millis()), "{took:?}");

    let all = Budget::new(rate(20_000, 1));
    let source = Pipeline::builder("shared").start_fn("numbers", || Ok(0..20_000_u32));
    let shared = source.limited(stage_core::StepOptions::named("limit").count(3), move || Ok(all.clone()));
    let report = shared.finish_fn("sink", |_| ()).start().await.unwrap().join().await.unwrap();
    assert!((990..1_010).contains(&report.elapsed.as_millis()), "{report}");
}

/// Waits until `events` instants of an even schedule have passed, one by one; returns the elapsed time.
async fn control(events: u32, per_second: u32) -> Duration {
    let began = Instant::now();
    for event in 1..=events {
        tokio::time::sleep_until(began + SECOND * event / per_second).await;
    }
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_is_kept_on_a_real_clock_as_well_as_by_a_loop_over_absolute_moments() {
    // On a busy machine, either of the two may be delayed at its last event: the best of several rounds
    // counts.
    for round in 1.. {
        let limited = async {
            let pipeline = Pipeline::builder("p").start_fn("numbers", || Ok(0..301_u32));
            let pipeline = pipeline.limited("limit", || Ok(rate(1_000, 1))).finish_fn("sink", |_| ());
            pipeline.start().await.unwrap().join().await.unwrap().elapsed
        };
        let (limited, control) = tokio::join!(limited, control(300, 1_000));
        assert!(limited >= Duration::from_millis(300), "the rate is exceeded: {limited:?}");
        if limited <= control.mul_f64(1.05) {
            return;
        }
        assert!(round < 10, "{limited:?} where a loop takes {control:?}");
    }
}
