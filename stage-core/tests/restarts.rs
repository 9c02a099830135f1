//! Restarts after a failure: which stages restart and when, and what happens to the others.
#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use stage_core::pipeline::Outcome;
use stage_core::testing::{Probe, Sim, turn};
use stage_core::{
    Backoff, BoxError, Consumer, Context, Demand, Emitter, Events, ExitReason, Fatal, Init, Intensity,
    Pipeline, PipelineError, Producer, ProducerConsumer, Report, Restart, StageResult, StepOptions, Strategy,
};
use tokio::time::Instant;

const LIFTED: Intensity = Intensity { max_restarts: usize::MAX, within: Duration::from_secs(1) };

/// Passes numbers on, and ends with a given reason at one of them, once.
#[derive(Clone)]
struct EndsAt {
    number: u64,
    reason: ExitReason,
    ended: Arc<AtomicBool>,
    /// The number of its starts.
    starts: Arc<AtomicUsize>,
}

impl EndsAt {
    fn new(number: u64, reason: ExitReason) -> Self {
        Self { number, reason, ended: Arc::default(), starts: Arc::default() }
    }

    fn never() -> Self {
        Self::new(u64::MAX, ExitReason::Normal)
    }

    fn look(&self, events: &[u64]) -> StageResult {
        if events.contains(&self.number) && !self.ended.swap(true, Ordering::SeqCst) {
            return Err(self.reason.clone().into());
        }
        Ok(())
    }

    fn recipe(&self) -> impl Fn() -> Result<Self, BoxError> + Send + use<> {
        let stage = self.clone();
        move || Ok(stage.clone())
    }
}

impl ProducerConsumer for EndsAt {
    type In = u64;
    type Out = u64;

    async fn init(&mut self, _: &mut Context<'_>) -> Result<Init, BoxError> {
        self.starts.fetch_add(1, Ordering::SeqCst);
        Ok(Init::Ready)
    }

    async fn handle_events(
        &mut self,
        events: Events<'_, u64>,
        out: &mut stage_core::Emitter<'_, u64>,
    ) -> StageResult {
        let events: Vec<u64> = events.into_iter().collect();
        self.look(&events)?;
        out.extend(events);
        Ok(())
    }
}

impl Consumer for EndsAt {
    type Event = u64;

    async fn init(&mut self, _: &mut Context<'_>) -> Result<Init, BoxError> {
        self.starts.fetch_add(1, Ordering::SeqCst);
        Ok(Init::Ready)
    }

    async fn handle_events(&mut self, events: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        let events: Vec<u64> = events.into_iter().collect();
        self.look(&events)
    }
}

fn oops() -> ExitReason {
    ExitReason::Custom("had enough".to_owned())
}

/// Sends numbers through three steps with this restart mode and strategy, the second of which ends; returns
/// the starts of each step.
async fn starts(strategy: Strategy, restart: Restart, reason: ExitReason) -> ([usize; 3], Report) {
    let stages = [EndsAt::never(), EndsAt::new(50, reason), EndsAt::never()];
    let [first, second, third] = &stages;
    let named = |name: &str| StepOptions::named(name).max_demand(4);
    let running = Pipeline::builder("three")
        .strategy(strategy)
        .start_fn("numbers", || Ok(0..100_u64))
        .step(named("first"), first.recipe())
        .step(named("second").restart(restart), second.recipe())
        .step(named("third"), third.recipe())
        .finish_fn("sink", drop)
        .start()
        .await
        .unwrap();
    let report = running.join().await.unwrap();
    (stages.map(|stage| stage.starts.load(Ordering::SeqCst)), report)
}

#[test]
fn a_failure_restarts_exactly_the_stages_of_its_strategy() {
    for seed in 0..40 {
        Sim::seeded(seed).run(async {
            for (strategy, expected) in [
                (Strategy::OneForOne, [1, 2, 1]),
                (Strategy::RestForOne, [1, 2, 2]),
                (Strategy::OneForAll, [2, 2, 2]),
            ] {
                let (starts, report) = starts(strategy, Restart::Permanent, oops()).await;
                // A stage that finished before the failure was noticed stays finished.
                assert!(starts.iter().zip(expected).all(|(starts, most)| *starts <= most), "{starts:?}");
                assert_eq!(starts[1], 2, "{strategy:?}");
                assert_eq!(report.outcome, Outcome::Finished);
                assert!(report.not_restarted.is_empty());
            }
        });
    }
}

#[tokio::test(start_paused = true)]
async fn the_restart_option_of_a_stage_decides_after_which_ends_it_is_restarted() {
    for (restart, reason, expected) in [
        (Restart::Permanent, ExitReason::Shutdown, 2),
        (Restart::Transient, oops(), 2),
        (Restart::Transient, ExitReason::Shutdown, 1),
        (Restart::Temporary, oops(), 1),
        (Restart::Temporary, ExitReason::Panicked("ouch".to_owned()), 1),
    ] {
        let ([_, starts, _], report) = starts(Strategy::OneForOne, restart, reason.clone()).await;
        assert_eq!(starts, expected, "{restart:?} after {reason}");
        let left: Vec<_> = report.not_restarted.iter().map(ToString::to_string).collect();
        match restart {
            Restart::Temporary => assert_eq!(left, [format!("the stage `second/0` {reason}")]),
            Restart::Permanent | Restart::Transient => assert!(left.is_empty(), "{left:?}"),
        }
    }
}

/// A pipeline with two keyed copies, one of which ends and does not come back.
async fn without_one_copy(restart: Restart, reason: ExitReason) -> (Report, Vec<u64>) {
    let (probe, mut seen) = Probe::new();
    let copy = EndsAt::new(20, reason);
    let running = Pipeline::builder("two copies")
        .intensity(LIFTED)
        .start_fn("numbers", || Ok(0..200_u64))
        .by(|number| number % 2)
        .step(StepOptions::named("copies").count(2).restart(restart), copy.recipe())
        .finish("probe", move || Ok(probe.clone()))
        .start()
        .await
        .unwrap();
    let report = running.join().await.unwrap();
    (report, seen.events())
}

#[test]
fn a_pipeline_continues_without_an_unrestarted_copy_and_counts_the_events_meant_for_it() {
    for seed in 0..100 {
        Sim::seeded(seed).run(async {
            for (restart, reason) in
                [(Restart::Temporary, oops()), (Restart::Transient, ExitReason::Shutdown)]
            {
                let (report, seen) = without_one_copy(restart, reason).await;
                assert_eq!(report.outcome, Outcome::Finished);
                let others = seen.iter().filter(|number| **number % 2 != 20 % 2).count();
                assert_eq!(others, 100, "the other copy handled all of its own");
                let discarded: u64 = report.stages.iter().map(|stage| stage.discarded).sum();
                assert_eq!(seen.len() as u64 + discarded, 200, "{report}");
                assert!(seen.len() < 200);
            }
        });
    }
}

#[test]
fn the_loss_of_every_sink_ends_the_pipeline() {
    for seed in 0..40 {
        Sim::seeded(seed).run(async {
            let sink = EndsAt::new(30, ExitReason::Aborted);
            let running = Pipeline::builder("endless")
                .start_fn("numbers", || Ok(0_u64..))
                .finish(StepOptions::named("sink").restart(Restart::Temporary), sink.recipe())
                .start()
                .await
                .unwrap();
            let report = running.join().await.unwrap();
            assert_eq!(report.not_restarted.len(), 1);
            assert_eq!(report.not_restarted[0].stage, "sink/0");
        });
    }
}

#[test]
fn the_loss_of_the_source_ends_the_pipeline_after_its_events() {
    for seed in 0..40 {
        Sim::seeded(seed).run(async {
            let (probe, mut seen) = Probe::new();
            let numbers = || Ok((0..).inspect(|number| assert!(*number < 40_u64, "no more")));
            let running = Pipeline::builder("breaks off")
                .start_fn(StepOptions::named("numbers").restart(Restart::Temporary), numbers)
                .step_fn(StepOptions::named("step").count(2), |number| number)
                .finish("probe", move || Ok(probe.clone()))
                .start()
                .await
                .unwrap();
            let report = running.join().await.unwrap();
            let mut seen = seen.events();
            seen.sort_unstable();
            assert!(seen.iter().copied().eq(0..seen.len() as u64), "{seen:?}");
            assert_eq!(report.not_restarted[0].to_string(), "the stage `numbers/0` panicked: no more");
        });
    }
}

/// Finishes after its first batch.
struct Sated;

impl Consumer for Sated {
    type Event = u64;

    async fn handle_events(&mut self, _: Events<'_, u64>, cx: &mut Context<'_>) -> StageResult {
        cx.finish();
        Ok(())
    }
}

#[test]
fn a_source_that_is_restarted_does_not_wait_for_consumers_that_have_finished() {
    for seed in 0..100 {
        let finished = Sim::seeded(seed).run(async {
            let broken = Arc::new(AtomicUsize::new(0));
            let breaks = Arc::clone(&broken);
            let running = Pipeline::builder("breaks twice")
                .intensity(LIFTED)
                .start_fn("numbers", move || {
                    let run = breaks.fetch_add(1, Ordering::SeqCst);
                    Ok((0_u64..).inspect(move |number| assert!(*number < 15 || run > 2, "broken")))
                })
                .finish(StepOptions::named("sated").count(3).max_demand(4), || Ok(Sated))
                .start()
                .await
                .unwrap();
            let report = running.join().await.unwrap();
            (report.stages[0].restarts, report.outcome)
        });
        assert_eq!(finished.1, Outcome::Finished, "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn restarts_wait_longer_and_longer() {
    let starts = Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = Arc::clone(&starts);
    let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(4));
    let begun = Instant::now();
    let running = Pipeline::builder("waits")
        .intensity(Intensity { max_restarts: 4, within: Duration::from_mins(1) })
        .backoff(backoff)
        .start_fn("numbers", move || {
            noted.lock().unwrap().push(begun.elapsed());
            Ok((0_u64..).inspect(|number| assert!(*number < 5, "broken")))
        })
        .finish_fn("sink", drop)
        .start()
        .await
        .unwrap();
    let error = running.join().await.unwrap_err();
    assert!(matches!(error, PipelineError::Failed { restarts: 4, .. }), "{error}");
    let starts = starts.lock().unwrap();
    let waits: Vec<_> = starts.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    for (wait, whole) in waits.iter().zip([1, 2, 4, 4]) {
        let whole = Duration::from_secs(whole);
        assert!(*wait >= whole / 2 && *wait <= whole + Duration::from_millis(5), "{waits:?}");
    }
    assert_eq!(waits.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_restart_that_waits() {
    let hour = Duration::from_hours(1);
    let running = Pipeline::builder("waits")
        .backoff(Backoff::new(hour, hour))
        .start_fn("numbers", || Ok((0_u64..).inspect(|number| assert!(*number < 5, "broken"))))
        .finish_fn("sink", drop)
        .start()
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    assert_eq!(running.stop().await.unwrap().outcome, Outcome::Stopped);
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

/// Hangs during its second start.
struct Hangs(Arc<AtomicUsize>);

impl Consumer for Hangs {
    type Event = u64;

    async fn init(&mut self, _: &mut Context<'_>) -> Result<Init, BoxError> {
        if self.0.fetch_add(1, Ordering::SeqCst) > 0 {
            std::future::pending::<()>().await;
        }
        Ok(Init::Ready)
    }

    async fn handle_events(&mut self, _: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        Err("broken".into())
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_and_a_drain_deadline_reach_a_pipeline_whose_stage_fails_to_restart() {
    for drain in [false, true] {
        let starts = Arc::new(AtomicUsize::new(0));
        let given = Arc::clone(&starts);
        let running = Pipeline::builder("hangs")
            .start_fn("numbers", || Ok(0_u64..))
            .finish("hangs", move || Ok(Hangs(Arc::clone(&given))))
            .start()
            .await
            .unwrap();
        while starts.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        let begun = Instant::now();
        let report = if drain {
            running.drain(Duration::from_secs(2)).await.unwrap()
        } else {
            running.stop().await.unwrap()
        };
        assert_eq!((report.outcome, &*report.cut_off), (Outcome::Stopped, &["hangs/0".to_owned()][..]));
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    }
}

/// Fails its second and third start.
struct Reluctant(Arc<AtomicUsize>);

impl Consumer for Reluctant {
    type Event = u64;

    async fn init(&mut self, _: &mut Context<'_>) -> Result<Init, BoxError> {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            0 | 3.. => Ok(Init::Ready),
            _ => Err("not yet".into()),
        }
    }

    async fn handle_events(&mut self, events: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        if self.0.load(Ordering::SeqCst) == 1 && events.into_iter().any(|number| number >= 10) {
            return Err("broken".into());
        }
        Ok(())
    }
}

#[test]
fn a_stage_that_comes_up_at_the_third_attempt_costs_three_restarts_and_no_other_stage_any() {
    for seed in 0..40 {
        Sim::seeded(seed).run(async {
            let starts = Arc::new(AtomicUsize::new(0));
            let step = EndsAt::never();
            let running = Pipeline::builder("reluctant")
                .start_fn("numbers", || Ok(0..100_u64))
                .step("step", step.recipe())
                .finish("reluctant", move || Ok(Reluctant(Arc::clone(&starts))))
                .start()
                .await
                .unwrap();
            let report = running.join().await.unwrap();
            assert_eq!(report.outcome, Outcome::Finished);
            assert_eq!(report.stages.iter().map(|stage| stage.restarts).collect::<Vec<_>>(), [0, 0, 3]);
            assert_eq!(step.starts.load(Ordering::SeqCst), 1);
        });
    }
}

/// A source for a service that is unavailable from its second start on, for a number of attempts.
struct Remote {
    starts: Arc<AtomicUsize>,
    away: std::ops::Range<usize>,
    fatal: bool,
    up: bool,
}

impl Producer for Remote {
    type Event = u64;

    async fn init(&mut self, _: &mut Context<'_>) -> Result<Init, BoxError> {
        let start = self.starts.fetch_add(1, Ordering::SeqCst);
        self.up = start >= self.away.end;
        if !self.away.contains(&start) {
            return Ok(Init::Ready);
        }
        if self.fatal { Err(Fatal::new("wrong password").into()) } else { Err("no answer".into()) }
    }

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        if !self.up {
            return Err("the connection was lost".into());
        }
        out.extend(0..demand.get().min(5) as u64);
        out.finish();
        Ok(())
    }
}

fn remote(
    builder: stage_core::pipeline::PipelineBuilder,
    away: std::ops::Range<usize>,
    fatal: bool,
) -> (Pipeline, Arc<AtomicUsize>) {
    let starts = Arc::new(AtomicUsize::new(0));
    let given = Arc::clone(&starts);
    let recipe = move || Ok(Remote { starts: Arc::clone(&given), away: away.clone(), fatal, up: false });
    (builder.start("remote", recipe).finish_fn("sink", |_| ()), starts)
}

#[tokio::test(start_paused = true)]
async fn a_source_without_its_service_at_a_restart_waits_longer_each_time_at_no_cost_to_the_pipeline() {
    let (pipeline, starts) = remote(Pipeline::builder("remote"), 1..40, false);
    let running = pipeline.start().await.unwrap();
    let begun = Instant::now();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!((8..20).contains(&starts.load(Ordering::SeqCst)), "{starts:?}");
    assert_eq!(running.stats()[0].restarts + 1, starts.load(Ordering::SeqCst) as u64);
    let report = running.join().await.unwrap();
    assert_eq!((report.outcome, report.stages[1].events_in), (Outcome::Finished, 5));
    let waited = begun.elapsed();
    assert!(waited > Duration::from_secs(150) && waited < Duration::from_secs(400), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_source_waiting_for_its_service_can_be_stopped_and_its_pipeline_ends_after_the_last_attempt() {
    let (pipeline, _) = remote(Pipeline::builder("remote"), 1..usize::MAX, false);
    let running = pipeline.start().await.unwrap();
    tokio::time::sleep(Duration::from_secs(100)).await;
    let begun = Instant::now();
    assert_eq!(running.stop().await.unwrap().outcome, Outcome::Stopped);
    assert_eq!(begun.elapsed(), Duration::ZERO);

    let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(1)).attempts(7);
    let (pipeline, starts) = remote(Pipeline::builder("remote").backoff(backoff), 1..usize::MAX, false);
    let error = pipeline.start().await.unwrap().join().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the stage `remote/0` failed: no answer; the pipeline gave up after 8 restarts; \
         it began when the stage `remote/0` failed: the connection was lost"
    );
    assert_eq!(starts.load(Ordering::SeqCst), 9);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_cannot_work_at_all_ends_its_pipeline_at_once() {
    let (pipeline, starts) = remote(Pipeline::builder("remote"), 1..usize::MAX, true);
    let error = pipeline.start().await.unwrap().join().await.unwrap_err();
    assert!(error.to_string().contains("failed: wrong password"), "{error}");
    assert_eq!(starts.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_first_start_fails_at_once_unless_it_has_retries() {
    let (pipeline, starts) = remote(Pipeline::builder("remote"), 0..3, false);
    let error = pipeline.start().await.map(drop).unwrap_err();
    assert!(error.to_string().contains("no answer"), "{error}");
    assert_eq!(starts.load(Ordering::SeqCst), 1);

    let second = Duration::from_secs(1);
    let retried =
        |most: u32| Pipeline::builder("remote").retry_init(Backoff::new(second, second).attempts(most));
    let begun = Instant::now();
    let (pipeline, _) = remote(retried(3), 0..3, false);
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!((report.stages[0].restarts, report.stages[1].events_in), (3, 5));
    assert!(begun.elapsed() >= second * 3 / 2, "{:?}", begun.elapsed());

    let (pipeline, starts) = remote(retried(2), 0..3, false);
    assert!(pipeline.start().await.is_err());
    assert_eq!(starts.load(Ordering::SeqCst), 3);
    let (pipeline, starts) = remote(retried(2), 0..3, true);
    assert!(pipeline.start().await.is_err());
    assert_eq!(starts.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stage_of_any_kind_waits_between_attempts_to_start() {
    let starts = Arc::new(AtomicUsize::new(0));
    let millis = Duration::from_millis(1);
    let running = Pipeline::builder("reluctant")
        .retry_init(Backoff::new(millis, millis))
        .intensity(Intensity { max_restarts: 1, within: Duration::MAX })
        .start_fn("numbers", || Ok(0..100_u64))
        .finish("reluctant", move || Ok(Reluctant(Arc::clone(&starts))))
        .start()
        .await
        .unwrap();
    let report = running.join().await.unwrap();
    assert_eq!((report.outcome, report.stages[1].restarts), (Outcome::Finished, 3));
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_that_gives_up_names_the_first_cause_beside_the_last() {
    let starts = Arc::new(AtomicUsize::new(0));
    let given = Arc::clone(&starts);
    let running = Pipeline::builder("reluctant")
        .intensity(Intensity { max_restarts: 2, within: Duration::from_secs(5) })
        .start_fn("numbers", || Ok(0..100_u64))
        .finish("reluctant", move || Ok(Reluctant(Arc::clone(&given))))
        .start()
        .await
        .unwrap();
    let error = running.join().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the stage `reluctant/0` failed: not yet; the pipeline gave up after 2 restarts; \
         it began when the stage `reluctant/0` failed: broken"
    );
    let PipelineError::Failed { report, .. } = error else { panic!("{error}") };
    assert_eq!(report.stages[1].restarts, 2);
}

#[test]
fn random_ends_of_random_stages_never_hang_a_pipeline_and_every_event_is_accounted_for() {
    let kinds = [Restart::Permanent, Restart::Transient, Restart::Temporary];
    let strategies = [Strategy::OneForOne, Strategy::RestForOne];
    for seed in 0..300_usize {
        let seed = seed as u64;
        Sim::seeded(seed).run(async {
            let pick = |salt: u64, of: usize| {
                usize::try_from((seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> salt) % of as u64).unwrap()
            };
            let reason = |salt| match pick(salt, 3) {
                0 => ExitReason::Shutdown,
                1 => oops(),
                _ => ExitReason::Aborted,
            };
            let step = EndsAt::new(30 + pick(7, 60) as u64, reason(11));
            let sink = EndsAt::new(30 + pick(13, 60) as u64, reason(17));
            let made = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&made);
            let running = Pipeline::builder("random")
                .strategy(strategies[pick(3, 2)])
                .intensity(LIFTED)
                .start_fn("numbers", move || {
                    let count = Arc::clone(&count);
                    Ok((0..120_u64).inspect(move |_| {
                        count.fetch_add(1, Ordering::Relaxed);
                    }))
                })
                .by(|number| number % 5)
                .step(
                    StepOptions::named("step").count(1 + pick(19, 3)).restart(kinds[pick(23, 3)]),
                    step.recipe(),
                )
                .step_fn("through", |number| number)
                .finish(
                    StepOptions::named("sink").count(1 + pick(29, 2)).restart(kinds[pick(31, 3)]),
                    sink.recipe(),
                )
                .start()
                .await
                .unwrap();
            for _ in 0..pick(37, 200) {
                turn().await;
            }
            let report = match pick(41, 3) {
                0 => running.stop().await.unwrap(),
                1 => running.drain(Duration::from_mins(1)).await.unwrap(),
                _ => running.join().await.unwrap(),
            };
            let discarded: u64 = report.stages.iter().map(|stage| stage.discarded).sum();
            let reached = report.stages.iter().filter(|stage| stage.step == "sink");
            let reached: u64 = reached.map(|stage| stage.events_in).sum();
            assert_eq!(reached + discarded, made.load(Ordering::Relaxed) as u64, "{report}");
        });
    }
}
