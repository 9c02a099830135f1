//! Failing stages: the other stages continue, nothing hangs, and every event is accounted for.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::ops::RangeFrom;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stage_core::pipeline::Outcome;
use stage_core::spawn::{self, StageOptions};
use stage_core::stage::{Call, CallError, Cast, FromIter, Reply};
use stage_core::{
    Consumer, Context, Demand, Emitter, Events, ExitReason, Init, Intensity, Nothing, Pipeline, Producer,
    ProducerConsumer, Report, StageResult, StepOptions, Strategy, SubscribeOptions,
};

/// The number of events of one run with failures.
const EVENTS: u64 = 5_000;

const LIFTED: Intensity = Intensity { max_restarts: usize::MAX, within: Duration::from_secs(1) };

/// Passes events on, and panics or fails at some of them: one batch in `one_in`, chosen at random.
struct Shaky {
    state: Arc<AtomicU64>,
    one_in: u64,
}

impl Shaky {
    /// `SplitMix64` (Steele, Lea, Flood, 2014).
    fn random(&self) -> u64 {
        let mut z = self.state.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

impl ProducerConsumer for Shaky {
    type In = (u64, u64);
    type Out = (u64, u64);

    async fn handle_events(
        &mut self,
        events: Events<'_, (u64, u64)>,
        out: &mut Emitter<'_, (u64, u64)>,
    ) -> StageResult {
        match self.random() % (2 * self.one_in) {
            0 => panic!("on purpose"),
            1 => return Err("on purpose".into()),
            2..6 => tokio::task::yield_now().await,
            _ => {}
        }
        out.extend(events);
        Ok(())
    }
}

/// Runs several keyed copies of failing steps; returns the report and the events that arrived.
async fn run_shaky(seed: u64, strategy: Strategy, events: u64) -> (Report, Vec<(u64, u64)>) {
    let state = Arc::new(AtomicU64::new(seed));
    let arrived = Arc::new(Mutex::new(Vec::new()));
    let shaky = || {
        let state = Arc::clone(&state);
        move || Ok(Shaky { state: Arc::clone(&state), one_in: 200 })
    };
    let sink = Arc::clone(&arrived);
    let key = |event: &(u64, u64)| event.0;
    let pipeline = Pipeline::builder("shaky")
        .strategy(strategy)
        .intensity(LIFTED)
        .start_fn("numbers", move || Ok((0..events).map(|n| (n % 23, n))))
        .by(key)
        .step(StepOptions::named("a").count(3), shaky())
        .by(key)
        .step(StepOptions::named("b").count(4).max_demand(3), shaky())
        .by(key)
        .step(StepOptions::named("c").count(1).max_demand(50).min_demand(10), shaky())
        .by(key)
        .finish_fn(StepOptions::named("sink").count(2), move |event| sink.lock().unwrap().push(event));
    let running = pipeline.start().await.unwrap();
    let report = tokio::time::timeout(Duration::from_secs(60), running.join())
        .await
        .unwrap_or_else(|_| panic!("seed {seed}, {strategy:?}: hangs with {:#?}", running.stats()))
        .unwrap();
    let arrived = arrived.lock().unwrap().clone();
    (report, arrived)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_handled_or_counted_as_discarded_despite_failures() {
    for seed in 0..10 {
        // Restarting all stages restarts the source from the beginning: its numbers are not comparable.
        for strategy in [Strategy::OneForOne, Strategy::RestForOne] {
            let (report, seen) = run_shaky(seed, strategy, EVENTS).await;
            assert_eq!(report.outcome, Outcome::Finished);
            assert!(report.stages.iter().any(|stage| stage.restarts > 0), "seed {seed}: nothing failed");
            let discarded: u64 = report.stages.iter().map(|stage| stage.discarded).sum();
            assert_eq!(seen.len() as u64 + discarded, EVENTS, "seed {seed}, {strategy:?}: {report}");
            for key in 0..23 {
                let of_key = seen.iter().filter(|event| event.0 == key);
                assert!(of_key.is_sorted(), "seed {seed}, {strategy:?}: key {key} out of order");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_for_one_restarts_only_the_failed_stage() {
    let failures = Arc::new(AtomicUsize::new(0));
    let given = Arc::clone(&failures);
    let pipeline = Pipeline::builder("one")
        .strategy(Strategy::OneForOne)
        .start_fn("numbers", || Ok(0..10_000_u32))
        .step_fn("explodes", move |x| {
            assert!(x != 500 || given.fetch_add(1, Ordering::SeqCst) > 0, "on purpose");
            x
        })
        .finish_fn("drop", drop);
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    let restarts: Vec<_> = report.stages.iter().map(|stage| stage.restarts).collect();
    assert_eq!(restarts, [0, 1, 0]);
    let discarded: u64 = report.stages.iter().map(|stage| stage.discarded).sum();
    assert_eq!(report.stages[2].events_in + discarded, 10_000);
}

#[tokio::test]
async fn one_for_all_restarts_the_source_too() {
    let failures = Arc::new(AtomicUsize::new(0));
    let given = Arc::clone(&failures);
    let pipeline = Pipeline::builder("all")
        .strategy(Strategy::OneForAll)
        .defaults(StepOptions::new().max_demand(10))
        .start_fn("numbers", || Ok(0..100_u32))
        .step_fn("explodes", move |x| {
            assert!(x != 50 || given.fetch_add(1, Ordering::SeqCst) > 0, "on purpose");
            x
        })
        .finish_fn("drop", drop);
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    assert!(report.stages.iter().all(|stage| stage.restarts == 1), "{report}");
    assert!(report.stages[2].events_in > 100, "the source was restarted: {report}");
}

/// A source that declines to run.
struct Declines;

impl Producer for Declines {
    type Event = u32;

    async fn init(&mut self, _cx: &mut Context<'_>) -> Result<Init, stage_core::BoxError> {
        Ok(Init::Declined)
    }

    async fn handle_demand(&mut self, _demand: Demand, _out: &mut Emitter<'_, u32>) -> StageResult {
        unreachable!("a stage that declined is not asked")
    }
}

#[tokio::test]
async fn a_source_that_declines_is_an_empty_source() {
    let pipeline = Pipeline::builder("declines").start("declines", || Ok(Declines)).finish_fn("drop", drop);
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(report.outcome, Outcome::Finished);
}

/// A step that passes all on, or a sink, which declines to run if it is one of the first copies.
struct MayDecline {
    declining: usize,
}

impl MayDecline {
    fn begin(&self, cx: &Context<'_>) -> Init {
        if cx.copy().index < self.declining { Init::Declined } else { Init::Ready }
    }
}

impl ProducerConsumer for MayDecline {
    type In = u32;
    type Out = u32;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, stage_core::BoxError> {
        Ok(self.begin(cx))
    }

    async fn handle_events(&mut self, events: Events<'_, u32>, out: &mut Emitter<'_, u32>) -> StageResult {
        out.extend(events);
        Ok(())
    }
}

impl Consumer for MayDecline {
    type Event = u32;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, stage_core::BoxError> {
        Ok(self.begin(cx))
    }

    async fn handle_events(&mut self, events: Events<'_, u32>, _: &mut Context<'_>) -> StageResult {
        events.into_iter().for_each(drop);
        Ok(())
    }
}

/// Returns the report of a pipeline that ends by itself within an hour of paused time.
async fn ends(pipeline: Pipeline) -> Report {
    let running = pipeline.start().await.unwrap();
    tokio::time::timeout(Duration::from_secs(3_600), running.join()).await.expect("it ends").unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_ends_whichever_of_its_steps_decline() {
    for declining in 1..=2 {
        let numbers = || Pipeline::builder("declines").start_fn("numbers", || Ok(0_u32..1_000));
        let two = |name: &str| StepOptions::named(name).count(2);
        let step = move || Ok(MayDecline { declining });
        let handled = |report: &Report, step: &str| -> u64 {
            report.stages.iter().filter(|stage| stage.step == step).map(|stage| stage.events_in).sum()
        };
        let left = if declining == 1 { 1_000 } else { 0 };

        let report = ends(numbers().step(two("step"), step).finish_fn("drop", drop)).await;
        assert_eq!((report.outcome, handled(&report, "drop")), (Outcome::Finished, left));
        let report = ends(numbers().finish(two("sink"), step)).await;
        assert_eq!((report.outcome, handled(&report, "sink")), (Outcome::Finished, left));
        let report = ends(numbers().by(|number| *number).finish(two("sink"), step)).await;
        let lost: u64 = report.stages.iter().map(|stage| stage.discarded).sum();
        assert_eq!((report.outcome, handled(&report, "sink") + lost), (Outcome::Finished, left), "{report}");
    }
}

/// Sums its events; returns the sum on a call, and fails on command.
struct Sum {
    sum: u64,
    ended: Arc<Mutex<Vec<String>>>,
}

struct Get;
struct Fail;

impl Consumer for Sum {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, _cx: &mut Context<'_>) -> StageResult {
        self.sum += events.into_iter().sum::<u64>();
        Ok(())
    }

    async fn terminate(&mut self, reason: &stage_core::ExitReason) {
        self.ended.lock().unwrap().push(reason.to_string());
    }
}

impl Call<Get> for Sum {
    type Out = Nothing;
    type Reply = u64;

    async fn handle_call(&mut self, _: Get, reply: Reply<u64>, _: &mut Emitter<'_, Nothing>) -> StageResult {
        reply.send(self.sum).map_err(|sum| format!("no caller waits for {sum}").into())
    }
}

impl Cast<Fail> for Sum {
    type Out = Nothing;

    async fn handle_cast(&mut self, _: Fail, _: &mut Emitter<'_, Nothing>) -> StageResult {
        Err("told to".into())
    }
}

/// Emits one batch, then waits for the drain.
struct Once;

impl Producer for Once {
    type Event = u64;

    async fn handle_demand(&mut self, _demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        out.extend([1, 2, 3]);
        out.flush();
        out.draining().await;
        Ok(())
    }
}

#[tokio::test]
async fn a_stage_answers_calls_through_restarts_until_it_has_ended() {
    let ended = Arc::new(Mutex::new(Vec::new()));
    let given = Arc::clone(&ended);
    let running = Pipeline::builder("calls")
        .start("once", || Ok(Once))
        .finish("sum", move || Ok(Sum { sum: 0, ended: Arc::clone(&given) }))
        .start()
        .await
        .unwrap();
    let sum = running.consumer::<Sum>("sum", 0).unwrap();
    while sum.call(Get).await.unwrap() < 6 {}
    sum.cast(Fail).unwrap();
    // The new run starts from its recipe; messages sent in the meantime wait for it.
    while !matches!(sum.call(Get).await, Ok(0)) {}
    assert_eq!(*ended.lock().unwrap(), ["failed: told to"]);
    let report = running.drain(Duration::from_secs(5)).await.unwrap();
    assert_eq!(report.stages[1].restarts, 1);
    assert_eq!(
        sum.call(Get).await.unwrap_err().to_string(),
        "the stage `sum/0` accepts no more messages: it finished"
    );
    assert!(matches!(running.consumer::<Sum>("sum", 1), Err(CallError::NoSuchStage { .. })));
    assert!(matches!(running.producer::<Once>("sum", 0), Err(CallError::NoSuchStage { .. })));
}

/// Finishes after its first batch.
struct Guest;

impl Consumer for Guest {
    type Event = u64;

    async fn handle_events(&mut self, _: Events<'_, u64>, cx: &mut Context<'_>) -> StageResult {
        cx.finish();
        Ok(())
    }
}

#[tokio::test]
async fn the_end_of_a_guest_consumer_does_not_end_a_pipeline() {
    let running = Pipeline::builder("host")
        .start_fn("numbers", || Ok(0_u64..))
        .finish("sum", || Ok(Sum { sum: 0, ended: Arc::default() }))
        .start()
        .await
        .unwrap();
    let numbers = running.producer::<FromIter<RangeFrom<u64>>>("numbers", 0).unwrap();
    let guest = spawn::consumer(Guest, StageOptions::named("guest")).await.unwrap();
    guest.subscribe(&numbers.producer(), SubscribeOptions::new().max_demand(10)).await.unwrap();
    assert!(matches!(guest.ended().await, ExitReason::Normal));
    let sum = running.consumer::<Sum>("sum", 0).unwrap();
    // For a moment, the source has no consumer.
    sum.cast(Fail).unwrap();
    while running.stats()[1].restarts == 0 {
        tokio::task::yield_now().await;
    }
    let before = running.stats()[1].events_in;
    while running.stats()[1].events_in < before + 10_000 {
        assert!(!sum.has_ended(), "the source took the guest for its own consumer");
        tokio::task::yield_now().await;
    }
    assert_eq!(running.stop().await.unwrap().outcome, Outcome::Stopped);
}
