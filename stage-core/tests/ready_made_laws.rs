//! Laws of the ready-made stages over random histories: no event is lost, duplicated or reordered, and no
//! more events leave than demand, capacity and budget allow.
#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use stage_core::batch::{Batcher, Limits};
use stage_core::per_event::{ChildRestart, PerEvent, Shutdown};
use stage_core::rate::{Budget, Rate, RateLimiter};
use stage_core::spawn::{self, StageOptions};
use stage_core::testing::{ManualConsumer, ManualProducer, settle};
use stage_core::{ExitReason, Intensity, Pipeline, StepOptions, SubscribeOptions};
use tokio::time::{Instant, sleep};

/// One step of a history.
#[derive(Clone, Copy, Debug)]
enum Happens {
    /// The source emits this many events.
    Events(u32),
    /// The consumer asks for this many more events.
    Ask(usize),
    /// This many milliseconds pass.
    Time(u64),
}

fn history() -> impl Strategy<Value = Vec<Happens>> {
    let happens = prop_oneof![
        (1..20_u32).prop_map(Happens::Events),
        (1..8_usize).prop_map(Happens::Ask),
        (1..300_u64).prop_map(Happens::Time),
    ];
    proptest::collection::vec(happens, 1..40)
}

/// Runs `test` on a paused clock.
fn paused<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(test)
}

/// The outputs with their times in milliseconds, and the number of inputs.
struct Course<E> {
    out: Vec<(u64, E)>,
    emitted: u32,
}

/// Plays a history. After each step, the output does not exceed the demand; at the end, everything is asked
/// for.
async fn play<S, E>(
    stage: S,
    history: &[Happens],
    window: SubscribeOptions<u32>,
) -> Result<Course<E>, TestCaseError>
where
    S: stage_core::ProducerConsumer<In = u32, Out = E>,
    E: Send + 'static,
{
    let source = ManualProducer::spawn(StageOptions::named("source")).await;
    let step = spawn::producer_consumer(stage, StageOptions::named("step")).await.unwrap();
    step.subscribe(&source.producer(), window).await.unwrap();
    let mut consumer = ManualConsumer::spawn("consumer").await;
    consumer.subscribe(&step.producer(), SubscribeOptions::new()).await.unwrap();
    let began = Instant::now();
    let (mut out, mut asked, mut emitted) = (Vec::new(), 0, 0);
    for happens in history {
        match *happens {
            Happens::Events(events) => {
                source.emit(emitted..emitted + events);
                emitted += events;
            }
            Happens::Ask(events) => {
                consumer.ask(events);
                asked += events;
            }
            Happens::Time(millis) => sleep(Duration::from_millis(millis)).await,
        }
        settle().await;
        let now = u64::try_from(began.elapsed().as_millis()).unwrap();
        out.extend(consumer.events().into_iter().map(|event| (now, event)));
        prop_assert!(out.len() <= asked, "{} of {asked} that were asked for", out.len());
        let buffered = step.inspect().await.unwrap().buffered;
        prop_assert_eq!(buffered, 0, "nothing is emitted without demand");
    }
    source.finish();
    consumer.ask(100_000);
    prop_assert!(matches!(step.ended().await, ExitReason::Normal));
    settle().await;
    let now = u64::try_from(began.elapsed().as_millis()).unwrap();
    out.extend(consumer.events().into_iter().map(|event| (now, event)));
    Ok(Course { out, emitted })
}

/// Returns the events of each of three keys, in order.
fn by_key(events: impl IntoIterator<Item = u32>) -> HashMap<u32, Vec<u32>> {
    let mut keys: HashMap<_, Vec<_>> = HashMap::new();
    for event in events {
        keys.entry(event % 3).or_default().push(event);
    }
    keys
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn batches_hold_every_event_once_in_the_order_of_its_key_and_within_the_limits(
        history in history(), count in 1..7_usize, weight in 1..30_usize, open in 1..4_usize,
        (max, min) in (1..30_usize).prop_flat_map(|max| (Just(max), 0..max)), within in 1..500_u64,
    ) {
        paused(async {
            let weigh = |event: &u32| *event as usize % 9;
            let limits = Limits::count(count).weight(weight, weigh).within(Duration::from_millis(within));
            let batcher = Batcher::by_key(limits, open, |event: &u32| event % 3).unwrap();
            let window = SubscribeOptions::new().max_demand(max).min_demand(min);
            let Course { out, emitted } = play(batcher, &history, window).await?;
            for (_, batch) in &out {
                prop_assert!(!batch.events.is_empty() && batch.events.len() <= count);
                prop_assert!(batch.events.iter().all(|event| event % 3 == batch.key));
                let total: usize = batch.events.iter().map(weigh).sum();
                prop_assert!(batch.events.len() == 1 || total <= weight, "{batch:?} weighs {total}");
            }
            let all = out.into_iter().flat_map(|(_, batch)| batch.events);
            prop_assert_eq!(by_key(all), by_key(0..emitted));
            Ok(())
        })?;
    }

    #[test]
    fn a_limited_step_passes_every_event_once_within_its_rate(
        history in history(), rate in 1..200_u32, burst in 1..20_u32,
        (max, min) in (1..30_usize).prop_flat_map(|max| (Just(max), 0..max)),
    ) {
        paused(async {
            let budget = Budget::new(Rate::new(rate, Duration::from_secs(1)).unwrap().burst(burst).unwrap());
            let window = SubscribeOptions::new().max_demand(max).min_demand(min);
            let Course { out, emitted } = play(RateLimiter::new(budget), &history, window).await?;
            prop_assert!(out.iter().map(|(_, event)| *event).eq(0..emitted));
            // At any time: at most the burst plus the rate's share of the elapsed time.
            for (number, (at, _)) in (1..).zip(&out) {
                let allowed = u64::from(burst) + at * u64::from(rate) / 1000;
                prop_assert!(number <= allowed, "{number} passed within {at} ms, {allowed} may");
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_step_limited_by_key_keeps_the_order_of_each_and_loses_nothing(
        history in history(), rate in 1..100_u32, max in 1..30_usize,
    ) {
        paused(async {
            let budget = Budget::new(Rate::new(rate, Duration::from_secs(1)).unwrap().burst(2).unwrap());
            let limiter = RateLimiter::by_key(budget, |event: &u32| event % 3);
            let window = SubscribeOptions::new().max_demand(max);
            let Course { out, emitted } = play(limiter, &history, window).await?;
            prop_assert_eq!(by_key(out.into_iter().map(|(_, event)| event)), by_key(0..emitted));
            Ok(())
        })?;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tasks_that_fail_panic_and_are_terminated_from_all_sides_are_each_counted_once() {
    const EVENTS: u64 = 4_000;
    let attempts = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&attempts);
    let workers = PerEvent::deciding(move |event: u64, child| {
        count.fetch_add(1, Ordering::Relaxed);
        if event % 11 == 3 {
            return Ok(None);
        }
        assert!(event % 13 != 5, "a recipe that panics");
        Ok(Some(async move {
            tokio::task::yield_now().await;
            match (event % 7, child.attempt()) {
                (0, 0) => ExitReason::Custom("fails once".to_owned()),
                (1, 0) => panic!("panics once"),
                _ => ExitReason::Normal,
            }
        }))
    });
    let intensity = Intensity { max_restarts: usize::MAX, within: Duration::from_secs(1) };
    let workers = workers.restart(ChildRestart::Transient).intensity(intensity).shutdown(Shutdown::Abort);
    let children = workers.children();
    let pipeline = Pipeline::builder("work")
        .start_fn("numbers", || Ok(0..EVENTS))
        .finish(StepOptions::named("workers").count(2).max_demand(16), move || Ok(workers.clone()));
    let running = pipeline.start().await.unwrap();
    let (family, mut told) = (children.clone(), HashSet::new());
    let kills = tokio::spawn(async move {
        for _ in 0..300 {
            for child in family.list().into_iter().step_by(5) {
                if family.terminate(child.id).await.is_ok() {
                    told.insert(child.id);
                }
            }
            tokio::task::yield_now().await;
        }
        told.len() as u64
    });
    running.join().await.unwrap();
    let told = kills.await.unwrap();
    let counts = children.counts();
    assert_eq!((counts.active, counts.restarting), (0, 0));
    let of = |is: fn(u64) -> bool| (0..EVENTS).filter(|event| is(*event)).count() as u64;
    let skipped = of(|event| event % 11 == 3);
    let panicked = of(|event| event % 11 != 3 && event % 13 == 5);
    assert_eq!((counts.skipped, counts.failed), (skipped, panicked));
    assert_eq!(counts.started, EVENTS - skipped - panicked);
    assert_eq!(counts.finished + counts.terminated, counts.started);
    assert!(counts.terminated <= told, "{} were asked to end", counts.terminated);
    assert_eq!(attempts.load(Ordering::Relaxed), EVENTS + counts.restarts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn limiters_on_several_threads_spend_a_budget_once() {
    let budget = Budget::new(Rate::new(2_000, Duration::from_secs(1)).unwrap().burst(5).unwrap());
    let began = std::time::Instant::now();
    let mut runs = Vec::new();
    for _ in 0..4 {
        let budget = budget.clone();
        let pipeline = Pipeline::builder("limited")
            .start_fn("numbers", || Ok(0..100))
            .step("limit", move || Ok(RateLimiter::new(budget.clone())))
            .finish_fn("ignore", |_| ());
        runs.push(pipeline.start().await.unwrap());
    }
    for run in runs {
        assert_eq!(run.join().await.unwrap().stages[2].events_in, 100);
    }
    // 400 less the burst, at two per millisecond.
    assert!(began.elapsed() >= Duration::from_micros(197_500), "{:?}", began.elapsed());
}
