//! Whole pipelines: every event arrives once and in order, and every end is orderly.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stage_core::pipeline::Outcome;
use stage_core::policy::FailurePolicy;
use stage_core::{
    Consumer, Context, Demand, Emitter, Events, Pipeline, PipelineError, Placement, Producer,
    ProducerConsumer, StageResult, StartError, StepOptions,
};

/// Collects its events.
#[derive(Clone, Default)]
struct Seen<T>(Arc<Mutex<Vec<T>>>);

impl<T: Clone> Seen<T> {
    fn sink(&self) -> impl FnMut(T) + Clone + Send + 'static
    where
        T: Send + 'static,
    {
        let seen = Arc::clone(&self.0);
        move |event| seen.lock().unwrap().push(event)
    }

    fn events(&self) -> Vec<T> {
        self.0.lock().unwrap().clone()
    }
}

fn window(max: usize, min: usize) -> StepOptions {
    StepOptions::new().max_demand(max).min_demand(min)
}

#[tokio::test]
async fn every_event_arrives_once_and_in_order_for_any_window() {
    for (max, min) in [(1, 0), (2, 1), (10, 1), (100, 50), (1000, 500), (7, 6)] {
        let seen = Seen::default();
        let pipeline = Pipeline::builder("order")
            .defaults(window(max, min))
            .start_fn("numbers", || Ok(0..5_000_u32))
            .step_fn("one", |x| x + 1)
            .step_fn("two", |x| x + 1)
            .finish_fn("seen", seen.sink());
        let report = pipeline.start().await.unwrap().join().await.unwrap();
        assert_eq!(report.outcome, Outcome::Finished);
        assert!(seen.events().into_iter().eq(2..5_002), "window {max}/{min}");
        let flow: Vec<_> = report.stages.iter().map(|s| (s.events_in, s.events_out, s.discarded)).collect();
        assert_eq!(flow, [(0, 5000, 0), (5000, 5000, 0), (5000, 5000, 0), (5000, 0, 0)]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_share_the_events_and_lose_none() {
    let seen = Seen::default();
    let pipeline = Pipeline::builder("copies")
        .defaults(window(10, 1).count(3))
        .start_fn(StepOptions::named("numbers").count(1), || Ok(0..20_000_u32))
        .step_fn("a", |x| x)
        .step_fn("b", |x| x)
        .finish_fn("seen", seen.sink());
    assert_eq!((pipeline.topology().stages(), pipeline.topology().subscriptions()), (10, 21));
    pipeline.start().await.unwrap().join().await.unwrap();
    let mut events = seen.events();
    events.sort_unstable();
    assert!(events.into_iter().eq(0..20_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keyed_copies_keep_the_order_of_every_key() {
    let seen = Seen::default();
    let pipeline = Pipeline::builder("keyed")
        .start_fn("numbers", || Ok((0..20_000_u32).map(|n| (n % 17, n))))
        .by(|event: &(u32, u32)| event.0)
        .step_fn(StepOptions::named("work").count(4), |event| event)
        .by(|event: &(u32, u32)| event.0)
        .finish_fn(StepOptions::named("seen").count(3), seen.sink());
    pipeline.start().await.unwrap().join().await.unwrap();
    let events = seen.events();
    assert_eq!(events.len(), 20_000);
    for key in 0..17 {
        let of_key: Vec<_> = events.iter().filter(|event| event.0 == key).map(|event| event.1).collect();
        assert!(of_key.is_sorted(), "key {key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn placement_changes_nothing_but_the_thread() {
    for placement in [Placement::Runtime, Placement::Blocking, Placement::Rayon] {
        let seen = Seen::default();
        let runtime_threads = Seen::default();
        let mut note = runtime_threads.sink();
        let pipeline = Pipeline::builder("placed")
            .start_fn("numbers", || Ok(0..1_000_u32))
            .step_fn(StepOptions::named("work").placement(placement), move |x| {
                note(rayon::current_thread_index().is_some());
                x + 1
            })
            .finish_fn("seen", seen.sink());
        pipeline.start().await.unwrap().join().await.unwrap();
        assert!(seen.events().into_iter().eq(1..1_001), "{placement:?}");
        let on_rayon = matches!(placement, Placement::Rayon);
        assert!(runtime_threads.events().into_iter().all(|here| here == on_rayon), "{placement:?}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_blocking_step_does_not_stall_the_runtime() {
    // The step blocks its thread until a task on the only runtime thread has run.
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = Arc::new(Mutex::new(released));
    let pipeline = Pipeline::builder("blocking")
        .start_fn("one", || Ok([1]))
        .step_fn(StepOptions::named("block").placement(Placement::Blocking), move |x| {
            released.lock().unwrap().recv().unwrap();
            x
        })
        .finish_fn("drop", drop);
    let running = pipeline.start().await.unwrap();
    tokio::spawn(async move { release.send(()).unwrap() });
    assert_eq!(running.join().await.unwrap().stages[2].events_in, 1);
}

/// Emits what is demanded, forever.
struct Endless(u64);

impl Producer for Endless {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        let next = self.0 + demand.get() as u64;
        out.extend(self.0..next);
        self.0 = next;
        Ok(())
    }
}

#[tokio::test]
async fn a_drain_handles_everything_that_was_emitted() {
    let (progress, mut progressed) = tokio::sync::mpsc::unbounded_channel();
    let pipeline = Pipeline::builder("drain")
        .start("endless", || Ok(Endless(0)))
        .step_fn("same", |x| x)
        .finish_fn("progress", move |x| {
            let _ = progress.send(x);
        });
    let running = pipeline.start().await.unwrap();
    while progressed.recv().await.unwrap() < 100 {}
    let report = running.drain(Duration::from_secs(5)).await.unwrap();
    assert_eq!(report.outcome, Outcome::Drained);
    assert_eq!(report.stages[0].events_out, report.stages[2].events_in);
    assert!(report.stages.iter().all(|stage| stage.discarded == 0), "{report}");
}

#[tokio::test]
async fn a_signal_drains_and_an_end_before_it_is_returned() {
    let endless =
        Pipeline::builder("endless").start("numbers", || Ok(Endless(0))).finish_fn("ignore", |_| ());
    let running = endless.start().await.unwrap();
    let report =
        running.drain_after(async { Err::<(), _>("no signal") }, Duration::from_secs(5)).await.unwrap();
    assert_eq!(report.outcome, Outcome::Drained);
    assert_eq!(report.stages[0].events_out, report.stages[1].events_in);

    let failing = Pipeline::builder("failing").start("numbers", || Ok(Endless(0))).finish_each_fn(
        "refuse",
        FailurePolicy::stop(),
        |_: u64| Err::<(), _>("the disk is full"),
    );
    let running = failing.start().await.unwrap();
    let error = running.drain_after(std::future::pending::<()>(), Duration::from_secs(5)).await.unwrap_err();
    assert!(error.to_string().contains("the disk is full"), "{error}");
}

/// Waits inside `handle_demand` for an event that never comes, unless the stage drains.
struct Waiting;

impl Producer for Waiting {
    type Event = u64;

    async fn handle_demand(&mut self, _demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        out.emit(7);
        out.flush();
        out.draining().await;
        Ok(())
    }
}

#[tokio::test]
async fn a_waiting_producer_delivers_its_flushed_events_and_can_race_the_drain() {
    let (arrived, mut arrivals) = tokio::sync::mpsc::unbounded_channel();
    let pipeline =
        Pipeline::builder("waiting").start("waiting", || Ok(Waiting)).finish_fn("arrived", move |x| {
            let _ = arrived.send(x);
        });
    let running = pipeline.start().await.unwrap();
    assert_eq!(arrivals.recv().await, Some(7));
    let report = running.drain(Duration::from_secs(5)).await.unwrap();
    assert_eq!(report.outcome, Outcome::Drained);
}

/// Waits for its end without emitting anything.
struct Silent(tokio::sync::mpsc::UnboundedSender<()>);

impl Producer for Silent {
    type Event = u64;

    async fn handle_demand(&mut self, _demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        self.0.send(())?;
        out.draining().await;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_reaches_a_callback_that_waits() {
    let (waits, mut is_waiting) = tokio::sync::mpsc::unbounded_channel();
    let pipeline = Pipeline::builder("silent")
        .start("silent", move || Ok(Silent(waits.clone())))
        .finish_fn("drop", drop);
    let running = pipeline.start().await.unwrap();
    is_waiting.recv().await.unwrap();
    let report = running.stop().await.unwrap();
    assert!(report.cut_off.is_empty(), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_has_had_enough_ends_a_source_that_waits() {
    struct Enough;
    impl Consumer for Enough {
        type Event = u64;
        async fn handle_events(&mut self, _events: Events<'_, u64>, cx: &mut Context<'_>) -> StageResult {
            cx.finish();
            Ok(())
        }
    }
    let pipeline =
        Pipeline::builder("enough").start("waiting", || Ok(Waiting)).finish("enough", || Ok(Enough));
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(report.outcome, Outcome::Finished);
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_meets_its_deadline_becomes_a_stop() {
    struct Stuck(tokio::sync::mpsc::UnboundedSender<()>);
    impl Producer for Stuck {
        type Event = u64;
        async fn handle_demand(&mut self, _demand: Demand, _out: &mut Emitter<'_, u64>) -> StageResult {
            self.0.send(())?;
            std::future::pending().await
        }
    }
    let (stuck, mut is_stuck) = tokio::sync::mpsc::unbounded_channel();
    let pipeline =
        Pipeline::builder("stuck").start("stuck", move || Ok(Stuck(stuck.clone()))).finish_fn("drop", drop);
    let running = pipeline.start().await.unwrap();
    is_stuck.recv().await.unwrap();
    let report = running.drain(Duration::from_secs(3)).await.unwrap();
    assert_eq!(report.outcome, Outcome::Stopped);
    assert_eq!(report.cut_off, ["stuck/0"]);
}

#[tokio::test]
async fn a_stop_ends_an_endless_pipeline_and_counts_its_discards() {
    let (progress, mut progressed) = tokio::sync::mpsc::unbounded_channel();
    let pipeline =
        Pipeline::builder("stop").start("endless", || Ok(Endless(0))).finish_fn("progress", move |x| {
            let _ = progress.send(x);
        });
    let running = pipeline.start().await.unwrap();
    progressed.recv().await.unwrap();
    let report = running.stop().await.unwrap();
    assert_eq!(report.outcome, Outcome::Stopped);
    let [source, sink] = &report.stages[..] else { panic!("two stages") };
    assert_eq!(source.events_out, sink.events_in + sink.discarded);
}

/// Takes some events, then finishes.
struct First(usize);

impl Consumer for First {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, cx: &mut Context<'_>) -> StageResult {
        self.0 = self.0.saturating_sub(events.len());
        if self.0 == 0 {
            cx.finish();
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_sink_that_has_had_enough_ends_the_whole_pipeline() {
    let pipeline = Pipeline::builder("first")
        .start("endless", || Ok(Endless(0)))
        .step_fn("same", |x| x)
        .finish("first", || Ok(First(100)));
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(report.outcome, Outcome::Finished);
    assert!(report.stages[2].events_in >= 100);
}

/// Fails on one event, the first time it sees it.
struct FailsOnce {
    on: u64,
    failures: Arc<AtomicUsize>,
    panics: fn() -> StageResult,
}

impl ProducerConsumer for FailsOnce {
    type In = u64;
    type Out = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, out: &mut Emitter<'_, u64>) -> StageResult {
        if events.as_slice().contains(&self.on) && self.failures.fetch_add(1, Ordering::SeqCst) == 0 {
            return (self.panics)();
        }
        out.extend(events);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_stage_is_restarted_with_those_after_it_and_its_lost_events_are_counted() {
    let ways: [fn() -> StageResult; 2] = [|| panic!("on purpose"), || Err("on purpose".into())];
    for way in ways {
        let seen = Seen::default();
        let failures = Arc::new(AtomicUsize::new(0));
        let given = Arc::clone(&failures);
        let pipeline = Pipeline::builder("restart")
            .defaults(window(10, 1))
            .start_fn("numbers", || Ok(0..10_000_u64))
            .step_fn("before", |x| x)
            .step("fails", move || Ok(FailsOnce { on: 5_000, failures: Arc::clone(&given), panics: way }))
            .step_fn("after", |x| x)
            .finish_fn("seen", seen.sink());
        let report = pipeline.start().await.unwrap().join().await.unwrap();
        assert_eq!(failures.load(Ordering::SeqCst), 1);
        let restarts: Vec<_> = report.stages.iter().map(|stage| stage.restarts).collect();
        assert_eq!(restarts, [0, 0, 1, 1, 1]);
        let discarded: u64 = report.stages.iter().map(|stage| stage.discarded).sum();
        assert_eq!(seen.events().len() as u64 + discarded, 10_000, "{report}");
        assert!(discarded > 0 && discarded <= 60, "{report}");
        assert!(seen.events().is_sorted());
    }
}

#[tokio::test]
async fn a_stage_that_fails_too_often_ends_the_pipeline_with_its_name_and_its_cause() {
    let pipeline = Pipeline::builder("hopeless")
        .start("endless", || Ok(Endless(0)))
        .step_fn("explode", |_: u64| -> u64 { panic!("boom") })
        .finish_fn("drop", drop);
    let error = pipeline.start().await.unwrap().join().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the stage `explode/0` panicked: boom; the pipeline gave up after 3 restarts"
    );
    assert!(matches!(error, PipelineError::Failed { restarts: 3, .. }));
}

#[tokio::test]
async fn a_recipe_that_fails_is_an_error_of_start_and_leaves_nothing_running() {
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let pipeline = Pipeline::builder("broken")
        .start_fn("numbers", move || {
            let held = Arc::clone(&held);
            Ok((0..).inspect(move |_: &u64| assert!(Arc::strong_count(&held) > 0)))
        })
        .step("fails", || -> Result<FailsOnce, _> { Err("no such key".into()) })
        .finish_fn("drop", drop);
    let error = pipeline.start().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the pipeline `broken` cannot start: the stage `fails/0` failed: no such key"
    );
    assert!(matches!(error, StartError::Stage { .. }));
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[tokio::test]
async fn wrong_options_are_reported_all_at_once() {
    let pipeline = Pipeline::builder("wrong")
        .start_fn(StepOptions::named("numbers").count(2), || Ok(0..3_u64))
        .step_fn(StepOptions::named("a").count(0), |x| x)
        .step_fn(StepOptions::named("b").max_demand(3).min_demand(3), |x| x)
        .finish_fn("drop", drop);
    assert_eq!(
        pipeline.start().await.unwrap_err().to_string(),
        "the pipeline `wrong` cannot start: step `numbers`: this source allows one copy only: count must be 1, got 2; \
         step `a`: count must be at least 1, got 0; \
         step `b`: min_demand must be between 0 and 2 (max_demand - 1), got 3"
    );
}

#[tokio::test]
async fn dropping_the_handle_stops_the_pipeline() {
    let (progress, mut progressed) = tokio::sync::mpsc::unbounded_channel();
    let running = Pipeline::builder("dropped")
        .start("endless", || Ok(Endless(0)))
        .finish_fn("progress", move |x| {
            let _ = progress.send(x);
        })
        .start()
        .await
        .unwrap();
    progressed.recv().await.unwrap();
    drop(running);
    while progressed.recv().await.is_some() {}
}

/// Reports its drop.
#[derive(Debug)]
struct Tracked(Arc<Mutex<Vec<&'static str>>>);

impl Drop for Tracked {
    fn drop(&mut self) {
        self.0.lock().unwrap().push("event dropped");
    }
}

struct Failing(Arc<Mutex<Vec<&'static str>>>);

impl Consumer for Failing {
    type Event = Tracked;

    async fn handle_events(&mut self, _: Events<'_, Tracked>, _: &mut Context<'_>) -> StageResult {
        Err("no".into())
    }

    async fn terminate(&mut self, _: &stage_core::ExitReason) {
        self.0.lock().unwrap().push("terminate");
    }
}

#[tokio::test]
async fn the_batch_of_a_failed_callback_is_dropped_before_terminate() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let (events, sink) = (Arc::clone(&order), Arc::clone(&order));
    let running = Pipeline::builder("failing")
        .start_fn("two", move || {
            let events = Arc::clone(&events);
            Ok((0..2).map(move |_| Tracked(Arc::clone(&events))))
        })
        .finish(StepOptions::named("sink").restart(stage_core::Restart::Temporary), move || {
            Ok(Failing(Arc::clone(&sink)))
        })
        .start()
        .await
        .unwrap();
    let _ = running.join().await;
    assert_eq!(*order.lock().unwrap(), ["event dropped", "event dropped", "terminate"]);
}
