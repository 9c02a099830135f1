//! The extreme values of every option: each either has its documented meaning ("never", "no limit") or is
//! rejected by name; none overflows.
#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stage_core::batch::{Batcher, Limits};
use stage_core::dispatch::{
    DemandDispatcher, DispatchOptions, GroupDispatcher, PartitionDispatcher, SubscriberGroup, TenantQueues,
};
use stage_core::per_event::{PerEvent, Shutdown};
use stage_core::pipeline::{Outcome, PipelineBuilder};
use stage_core::policy::FailurePolicy;
use stage_core::rate::{Rate, RateError};
use stage_core::spawn::{self, StageOptions};
use stage_core::stage::Cast;
use stage_core::testing::{ManualConsumer, ManualProducer, settle};
use stage_core::timed::Histogram;
use stage_core::{
    Backoff, BoxError, Capacity, Consumer, Context, Emitter, Events, ExitReason, Init, Intensity, Nothing,
    Pipeline, StageResult, StartError, StepOptions, SubscribeOptions, Supervisor, Window, source,
};
use tokio::time::timeout;

const NEVER: Duration = Duration::MAX;
const YEAR: Duration = Duration::from_secs(60 * 60 * 24 * 365);

fn endless() -> Backoff {
    Backoff::new(NEVER, NEVER)
}

/// A pipeline whose sink panics once, at its third event.
fn panics_once(builder: PipelineBuilder) -> Pipeline {
    let calls = Arc::new(AtomicUsize::new(0));
    builder.start_fn("numbers", || Ok(0..100)).finish_fn("sink", move |number| {
        assert!(number != 3 || calls.fetch_add(1, Ordering::SeqCst) > 0, "once");
    })
}

#[tokio::test(start_paused = true)]
async fn a_restart_after_an_endless_wait_never_comes_and_a_stop_is_heard() {
    let running = panics_once(Pipeline::builder("p").backoff(endless())).start().await.unwrap();
    assert!(timeout(YEAR, running.join()).await.is_err());
    let report = timeout(YEAR, running.stop()).await.unwrap().unwrap();
    assert_eq!((report.outcome, report.stages[1].restarts), (Outcome::Stopped, 0));
}

#[tokio::test(start_paused = true)]
async fn restarts_within_an_endless_period_all_count() {
    let intensity = Intensity { max_restarts: 2, within: NEVER };
    let pipeline = Pipeline::builder("p").intensity(intensity).backoff(Backoff::new(YEAR, YEAR));
    let pipeline = pipeline.start_fn("numbers", || Ok(0..100)).finish_fn("sink", |_| panic!("always"));
    let error = pipeline.start().await.unwrap().join().await.unwrap_err();
    assert!(error.to_string().contains("gave up after 2 restarts"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_longest_duration_means_no_deadline() {
    let pipeline = || {
        Pipeline::builder("p").warn_of_stalls(NEVER).start_fn("numbers", || Ok(0..100)).step_each_fn(
            "same",
            FailurePolicy::skip().deadline(NEVER),
            Ok::<_, BoxError>,
        )
    };
    let running = pipeline().finish_fn("sink", |_| ()).start().await.unwrap();
    assert!(timeout(YEAR, running.stalls(NEVER)).await.is_err());
    let report = running.drain(NEVER).await.unwrap();
    assert!(matches!(report.outcome, Outcome::Drained | Outcome::Finished));
    let (sent, batches) = std::sync::mpsc::channel();
    let limits = || Ok(Limits::count(usize::MAX).within(NEVER));
    let whole = pipeline()
        .batched("all", limits)
        .finish_fn("sink", move |batch: Vec<i32>| sent.send(batch.len()).unwrap());
    whole.start().await.unwrap().join().await.unwrap();
    assert_eq!(batches.iter().collect::<Vec<_>>(), [100]);
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_next_attempt_never_comes_waits_until_the_stop() {
    let policy = FailurePolicy::skip().retry(endless());
    let pipeline = Pipeline::builder("p").start_fn("numbers", || Ok(0..100));
    let fails = pipeline.step_each_fn(
        "fails",
        policy,
        |number: i32| if number == 3 { Err("three") } else { Ok(number) },
    );
    let running = fails.finish_fn("sink", |_| ()).start().await.unwrap();
    assert!(timeout(YEAR, running.join()).await.is_err());
    assert_eq!(running.stop().await.unwrap().outcome, Outcome::Stopped);
}

/// Schedules messages for times that never come.
struct Waits;

struct Tick;

impl Consumer for Waits {
    type Event = u32;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        cx.schedule::<Self, _>(NEVER, Tick)?;
        cx.schedule::<Self, _>(Duration::from_secs(u64::MAX / 4), Tick)?;
        Ok(Init::Ready)
    }

    async fn handle_events(&mut self, _: Events<'_, u32>, _: &mut Context<'_>) -> StageResult {
        Ok(())
    }
}

impl Cast<Tick> for Waits {
    type Out = Nothing;

    async fn handle_cast(&mut self, _: Tick, _: &mut Emitter<'_, Nothing>) -> StageResult {
        Err("the time has come".into())
    }
}

#[tokio::test(start_paused = true)]
async fn a_timer_a_subscription_and_a_stop_that_never_come_leave_their_stage_alone() {
    let stage = spawn::consumer(Waits, StageOptions::named("waits")).await.unwrap();
    let source = ManualProducer::<u32>::spawn(StageOptions::named("source")).await;
    let again = SubscribeOptions::new().resubscribe(endless());
    stage.subscribe(&source.producer(), again).await.unwrap();
    source.fail("gone");
    settle().await;
    tokio::time::sleep(YEAR).await;
    assert!(!stage.has_ended());
    assert_eq!(stage.stop_within(ExitReason::Shutdown, NEVER).await.to_string(), "was stopped");
}

#[tokio::test(start_paused = true)]
async fn a_child_that_never_restarts_is_ended_with_its_stage() {
    let fails = |_: u32| async { Err::<(), _>(BoxError::from("always")) };
    let workers = PerEvent::new(fails).restart(stage_core::per_event::ChildRestart::Transient);
    let workers = workers.backoff(endless()).shutdown(Shutdown::After(NEVER));
    let children = workers.children();
    let stage = spawn::consumer(workers, StageOptions::named("workers")).await.unwrap();
    children.start(1).unwrap();
    tokio::time::sleep(YEAR).await;
    assert_eq!(children.counts().restarting, 1);
    stage.stop(ExitReason::Shutdown).await;
    assert_eq!(children.counts().terminated, 1);
}

#[tokio::test(start_paused = true)]
async fn a_clock_with_an_endless_period_never_ticks() {
    let pipeline =
        Pipeline::builder("p").start("clock", || Ok(source::interval(NEVER)?)).finish_fn("sink", |_| ());
    let running = pipeline.start().await.unwrap();
    tokio::time::sleep(YEAR).await;
    assert_eq!(running.stop().await.unwrap().stages[0].events_out, 0);
    assert_eq!(Rate::new(1, NEVER), Err(RateError::Per { per: NEVER }));
}

#[test]
fn the_longest_times_add_up_to_the_longest() {
    let times = Histogram::new();
    times.record(NEVER);
    times.record(NEVER);
    assert_eq!(times.mean(), Some(Duration::from_nanos(u64::MAX / 2)));
    assert!(times.quantile(f64::NAN).is_some() && times.quantile(f64::INFINITY).is_some());
}

fn refused(pipeline: Pipeline) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(pipeline.start()).map(drop).unwrap_err().to_string()
}

#[test]
fn sizes_beyond_any_machine_are_refused_with_the_step_the_option_and_the_most() {
    for size in [usize::MAX, usize::MAX / 2, 1_000_000_001] {
        let source = || Pipeline::builder("p").start_fn("numbers", || Ok(0..10_u32));
        let step = |options: StepOptions| source().step_fn(options.name("step"), |number| number);
        let whole = |options: StepOptions| refused(step(options).finish_fn("sink", |_| ()));
        assert_eq!(
            whole(StepOptions::new().count(size)),
            format!("the pipeline `p` cannot start: step `step`: count must be at most 65536, got {size}")
        );
        assert_eq!(
            whole(StepOptions::new().max_demand(size)),
            format!(
                "the pipeline `p` cannot start: step `step`: max_demand must be at most 1000000000, got {size}"
            )
        );
        assert_eq!(
            whole(StepOptions::new().buffer(Capacity::Bounded(size))),
            format!(
                "the pipeline `p` cannot start: step `step`: buffer must be at most 1000000000, got {size}"
            )
        );
        let lanes = source().partition(size, |number| *number, |lane| lane.step_fn("lane", |number| number));
        let lanes = refused(lanes.finish_fn("sink", |_| ()));
        assert!(
            lanes.contains(&format!("the partition after `numbers`: into must be at most 65536, got {size}")),
            "{lanes}"
        );
        assert!(source::queue::<u32>(size).unwrap_err().to_string().contains("at most 1000000000"));
        assert!(
            PartitionDispatcher::<u32, ()>::hashed(size)
                .map(drop)
                .unwrap_err()
                .to_string()
                .contains("at most 65536")
        );
        // Wired by hand, a subscription may ask without a bound.
        assert!(Window::with_max(size).is_ok());
    }
    let both = Pipeline::builder("p").start_fn("numbers", || Ok(0..10_u32)).partition(
        300,
        |number| *number,
        |lane| lane.step_fn(StepOptions::named("lane").count(300), |number| number),
    );
    assert!(
        refused(both.finish_fn("sink", |_| ()))
            .contains("`lane`: count × lanes must be at most 65536, got 90000")
    );
}

#[tokio::test(start_paused = true)]
async fn a_stage_by_hand_refuses_a_buffer_that_no_memory_holds_and_takes_whole_numbers_of_any_size_for_the_rest()
 {
    let options = || StageOptions::<u32>::named("numbers").buffer(Capacity::Bounded(usize::MAX));
    let refused =
        spawn::producer(stage_core::stage::FromIter::new(0..10_u32), options()).await.map(drop).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the stage `numbers` did not start: it failed: buffer must be at most 1000000000, got 18446744073709551615"
    );
    let group = |size| SubscriberGroup::new(size, DemandDispatcher::new().max_demand(usize::MAX));
    drop(GroupDispatcher::every([group(usize::MAX), group(usize::MAX)]));
    let groups = GroupDispatcher::every([group(usize::MAX)]);
    let source = ManualProducer::<u32>::spawn(StageOptions::named("source").dispatcher(groups)).await;
    let mut consumer = ManualConsumer::spawn("consumer").await;
    let share = DispatchOptions::new().partition(0);
    consumer.subscribe(&source.producer(), SubscribeOptions::new().share(share)).await.unwrap();
    for _ in 0..3 {
        consumer.ask(usize::MAX);
    }
    source.emit([1, 2]);
    settle().await;
    assert_eq!(consumer.events(), [1, 2]);
    let _ = TenantQueues { together: usize::MAX, each: 0 };
    assert!(Batcher::<u32>::new(Limits::weighing(usize::MAX, |_| usize::MAX)).is_ok());
}

#[tokio::test]
async fn a_period_of_zero_is_refused_by_name() {
    let zero = Intensity { max_restarts: 3, within: Duration::ZERO };
    let pipeline = Pipeline::builder("p").intensity(zero).warn_of_stalls(Duration::ZERO);
    let error = pipeline
        .start_fn("numbers", || Ok(0..3))
        .finish_fn("sink", |_| ())
        .start()
        .await
        .map(drop)
        .unwrap_err();
    assert!(matches!(&error, StartError::Options { errors, .. } if errors.len() == 2), "{error}");
    assert_eq!(
        error.to_string(),
        "the pipeline `p` cannot start: the `within` of the intensity must be above zero, got 0; \
         warn_of_stalls must be above zero, got 0"
    );
    let error = Supervisor::new("all").intensity(zero).start().await.map(drop).unwrap_err();
    assert!(error.to_string().contains("the `within` of the intensity must be above zero"), "{error}");
    let workers = PerEvent::new(|_: u32| async {}).intensity(zero);
    let error = spawn::consumer(workers, StageOptions::named("workers")).await.map(drop).unwrap_err();
    assert!(error.to_string().contains("the `within` of the intensity must be above zero"), "{error}");
}
