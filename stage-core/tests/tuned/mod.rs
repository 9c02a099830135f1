//! Windows that the engine tunes: they follow the speed of a stage until a window is set by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stage_core::batch::Limits;
use stage_core::into_stream::StreamError;
use stage_core::per_event::PerEvent;
use stage_core::policy::{AtOnce, FailurePolicy, each};
use stage_core::rate::{Budget, Rate, RateLimiter};
use stage_core::spawn::{StageOptions, consumer};
use stage_core::stage::{ForEach, FromIter};
use stage_core::step::delay;
use stage_core::subscribe::{SubscribeError, WindowError};
use stage_core::testing::{DemandLog, ManualProducer, Sim, TuneByPausedTime, Warnings, settle};
use stage_core::{
    Backoff, BoxError, Pipeline, Running, StartError, StepOptions, SubscribeOptions, Tuning, Window, sink,
};
use tokio::time::sleep;

const MILLI: Duration = Duration::from_millis(1);

/// A pipeline whose last step has an automatic window and takes the time in `millis` for each event; with zero, a
/// millisecond for 2000 of them.
async fn paced(millis: &Arc<AtomicU64>) -> Running {
    let millis = Arc::clone(millis);
    Pipeline::builder("paced")
        .start_fn("numbers", || Ok(0_u64..))
        .finish(StepOptions::named("store").demand(Tuning::Auto), move || {
            let millis = Arc::clone(&millis);
            Ok(sink::for_each_async(move |number: u64| {
                let wait = match millis.load(Ordering::SeqCst) {
                    0 => u64::from(number.is_multiple_of(2000)),
                    wait => wait,
                };
                async move {
                    if wait > 0 {
                        sleep(Duration::from_millis(wait)).await;
                    }
                    Ok::<_, BoxError>(())
                }
            }))
        })
        .start()
        .await
        .unwrap()
}

/// Returns the window of the last step, and whether it is tuned.
fn window(running: &Running) -> (Option<usize>, Option<usize>, bool) {
    let status = running.monitor().status();
    let step = status.steps.last().unwrap();
    (step.max_demand, step.min_demand, step.window_tuned)
}

#[tokio::test(start_paused = true)]
async fn a_window_is_tuned_unless_a_number_of_it_is_given() {
    let by_hand = SubscribeOptions::new;
    for (options, asked) in [
        (by_hand(), 16),
        (by_hand().max_demand(100), 100),
        (by_hand().min_demand(3), 1000),
        (by_hand().demand(Tuning::Fixed), 1000),
        (by_hand().max_demand(100).demand(Tuning::Auto), 16),
    ] {
        let mut source = ManualProducer::<u32>::spawn(StageOptions::named("source")).await;
        let sink = consumer(ForEach::new(|_: u32| ()), StageOptions::named("sink")).await.unwrap();
        let subscription = sink.subscribe(&source.producer(), options).await.unwrap();
        assert_eq!((source.next_demand().await, subscription.window().max()), (asked, asked));
    }
    let in_pipeline = StepOptions::new;
    for (defaults, own, chosen) in [
        (in_pipeline(), in_pipeline(), Tuning::Auto),
        (in_pipeline(), in_pipeline().max_demand(5), Tuning::Fixed),
        (in_pipeline().min_demand(0), in_pipeline(), Tuning::Fixed),
        (in_pipeline().demand(Tuning::Fixed), in_pipeline(), Tuning::Fixed),
        (in_pipeline().demand(Tuning::Auto), in_pipeline().min_demand(0), Tuning::Fixed),
        (in_pipeline().max_demand(5), in_pipeline().demand(Tuning::UpTo(64)), Tuning::UpTo(64)),
    ] {
        let pipeline = Pipeline::builder("p").defaults(defaults).start_fn("numbers", || Ok(0..9));
        let pipeline = pipeline.finish_fn(own.name("sink"), drop);
        assert_eq!(pipeline.topology().step("sink").unwrap().demand, chosen);
    }
}

async fn look_up(number: u32) -> Result<u32, BoxError> {
    Ok(number)
}

#[test]
fn a_window_that_means_something_else_is_fixed() {
    let budget = Budget::new(Rate::new(1_000, Duration::from_secs(1)).unwrap());
    let workers = PerEvent::new(|_: Vec<u32>| async {});
    let pipeline = Pipeline::builder("p")
        .start_fn("numbers", || Ok(0..9_u32))
        .step("limit", move || Ok(RateLimiter::new(budget.clone())))
        // An option without effect.
        .step(StepOptions::named("later").demand(Tuning::Auto), || Ok(delay(MILLI)))
        .step_each_at_once("look_up", AtOnce::new(4), FailurePolicy::skip(), || Ok(each(look_up)))
        .step_fn("plain", |number| number)
        .fused("fused", |stage| stage.step(|| Ok(delay(MILLI))).step_fn(|number| number))
        .batched_up_to("pack", 3, || Ok(Limits::count(3)))
        .finish("workers", move || Ok(workers.clone()));
    let topology = pipeline.topology();
    let windows = topology.steps[1..].iter().map(|step| (&*step.name, step.demand, step.max_demand));
    assert_eq!(
        windows.collect::<Vec<_>>(),
        [
            ("limit", Tuning::Fixed, 10),
            ("later", Tuning::Fixed, 10),
            ("look_up", Tuning::Fixed, 8),
            ("plain", Tuning::Auto, 1024),
            ("fused", Tuning::Fixed, 10),
            ("pack", Tuning::Auto, 1024),
            ("workers", Tuning::Fixed, 3),
        ]
    );
    assert_eq!(topology.links[0].in_flight, Some(10));
}

#[tokio::test(start_paused = true)]
async fn a_window_follows_the_speed_of_its_stage() {
    let _by_paused_time = TuneByPausedTime::begin();
    let warnings = Warnings::capture();
    let millis = Arc::new(AtomicU64::new(20));
    let running = paced(&millis).await;
    sleep(1000 * MILLI).await;
    assert_eq!(window(&running), (Some(2), Some(1), true));
    let snapshot = running.monitor().snapshot();
    assert_eq!((snapshot.links[0].min_demand, snapshot.links[0].max_demand), (1, 2));
    millis.store(0, Ordering::SeqCst);
    sleep(1000 * MILLI).await;
    assert_eq!(window(&running), (Some(1024), Some(512), true));
    millis.store(20, Ordering::SeqCst);
    sleep(60_000 * MILLI).await;
    assert_eq!(window(&running), (Some(2), Some(1), true));
    assert_eq!(warnings.take(), Vec::<String>::new());
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn paused_time_leaves_a_window_at_its_first_size() {
    for wait in [1, 20] {
        let running = paced(&Arc::new(AtomicU64::new(wait))).await;
        sleep(2000 * MILLI).await;
        assert_eq!(window(&running), (Some(16), Some(8), true));
        running.stop().await.unwrap();
    }
}

#[test]
fn a_simulation_does_not_depend_on_the_tuner() {
    for seed in 0..20 {
        let demands = Sim::seeded(seed).run(async {
            let mut demands = DemandLog::new();
            let recorder = demands.recorder();
            Pipeline::builder("numbers")
                .start(StepOptions::named("numbers"), move || Ok(recorder.around(FromIter::new(0..40_u64))))
                .finish_fn(StepOptions::named("sink").demand(Tuning::Auto), |_| ())
                .start()
                .await
                .unwrap()
                .join()
                .await
                .unwrap();
            demands.demands()
        });
        assert_eq!(demands[..3], [16, 8, 8], "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bound_limits_the_window() {
    let _by_paused_time = TuneByPausedTime::begin();
    let mut source = ManualProducer::spawn(StageOptions::named("source")).await;
    let sink = consumer(ForEach::new(|_: u32| ()), StageOptions::named("sink")).await.unwrap();
    let options = SubscribeOptions::new().demand(Tuning::UpTo(100));
    let subscription = sink.subscribe(&source.producer(), options).await.unwrap();
    let (mut asked, mut most) = (0, 0);
    for _ in 0..50 {
        let ask = source.next_demand().await;
        (asked, most) = (asked + ask, most.max(ask));
        source.emit(0..u32::try_from(ask).unwrap());
    }
    assert_eq!((subscription.window(), most), (Window::new(64, 32).unwrap(), 32.max(most)));
    assert!(most <= 64 && asked > 500, "{most} {asked}");
}

#[tokio::test(start_paused = true)]
async fn a_window_set_by_hand_or_by_an_operator_is_not_tuned() {
    let _by_paused_time = TuneByPausedTime::begin();
    let running = paced(&Arc::new(AtomicU64::new(1))).await;
    let fixed = Window::new(10, 1).unwrap();
    // The numbers of the fixed window that the step would otherwise have.
    running.steering().set_window("store", fixed).unwrap();
    sleep(1000 * MILLI).await;
    assert_eq!(window(&running), (Some(10), Some(1), false));
    assert_eq!(running.monitor().snapshot().links[0].max_demand, 10);
    running.stop().await.unwrap();

    let mut source = ManualProducer::spawn(StageOptions::named("source")).await;
    let sink = consumer(ForEach::new(|_: u32| ()), StageOptions::named("sink")).await.unwrap();
    let options = SubscribeOptions::new().demand(Tuning::Auto);
    let subscription = sink.subscribe(&source.producer(), options).await.unwrap();
    assert_eq!(source.next_demand().await, 16);
    subscription.set_window(Window::new(20, 10).unwrap());
    settle().await;
    for _ in 0..10 {
        source.emit(0..10);
        settle().await;
    }
    assert_eq!(subscription.window(), Window::new(20, 10).unwrap());
    assert!(source.demands().into_iter().all(|ask| ask <= 20));
}

#[tokio::test(start_paused = true)]
async fn a_subscription_made_again_begins_with_the_tuned_window() {
    let _by_paused_time = TuneByPausedTime::begin();
    let mut source = ManualProducer::spawn(StageOptions::named("source")).await;
    let registry = stage_core::registry::Registry::new();
    registry.register("numbers", source.stage()).unwrap();
    let sink = consumer(ForEach::new(|_: u32| ()), StageOptions::named("sink")).await.unwrap();
    let again = Backoff::new(MILLI, MILLI);
    let options = SubscribeOptions::new().demand(Tuning::Auto).resubscribe(again);
    sink.subscribe(&registry.producer("numbers"), options).await.unwrap();
    loop {
        let asked = source.next_demand().await;
        if asked >= 512 {
            break;
        }
        source.emit(0..u32::try_from(asked).unwrap());
    }
    source.fail("on purpose");
    settle().await;
    let mut next = ManualProducer::<u32>::spawn(StageOptions::named("next")).await;
    registry.register("numbers", next.stage()).unwrap();
    assert_eq!(next.next_demand().await, 1024);
    next.finish();
}

#[tokio::test(start_paused = true)]
async fn the_steps_of_a_pipeline_fused_to_its_source_are_tuned() {
    let _by_paused_time = TuneByPausedTime::begin();
    let mut demands = DemandLog::new();
    let recorder = demands.recorder();
    let running = Pipeline::builder("fused")
        .fused(StepOptions::named("numbers").demand(Tuning::Auto), move |stage| {
            stage.start(move || Ok(recorder.around(FromIter::new(0..10_000_u64)))).finish_fn(|_| ())
        })
        .start()
        .await
        .unwrap();
    running.join().await.unwrap();
    let demands = demands.demands();
    assert_eq!((demands[0], demands.iter().max()), (8, Some(&512)));
}

#[tokio::test(start_paused = true)]
async fn a_bound_that_no_window_has_is_refused() {
    let source = ManualProducer::<u32>::spawn(StageOptions::named("source")).await;
    let sink = consumer(ForEach::new(|_: u32| ()), StageOptions::named("sink")).await.unwrap();
    let options = SubscribeOptions::new().demand(Tuning::UpTo(0));
    let refused = sink.subscribe(&source.producer(), options.clone()).await.unwrap_err();
    assert_eq!(refused, SubscribeError::Window(WindowError::Bound { bound: 0 }));
    assert!(matches!(source.producer().stream(options), Err(StreamError::Options { .. })));
    let open = Pipeline::builder("open").start_fn("numbers", || Ok(0..9)).open(Window::default());
    let refused = open.demand(Tuning::UpTo(0)).start().await.unwrap_err();
    assert!(matches!(&refused, StartError::Options { .. }));
    assert_eq!(
        refused.to_string(),
        "the pipeline `open` cannot start: step `stream`: the bound of an automatic window must be between 1 and 1000000000, got 0"
    );
}

#[tokio::test]
async fn a_window_grows_in_real_time_too() {
    let running = paced(&Arc::default()).await;
    let links = || running.monitor().snapshot().links;
    while links().first().is_none_or(|link| link.max_demand <= 16) {
        tokio::task::yield_now().await;
    }
    running.stop().await.unwrap();
}
