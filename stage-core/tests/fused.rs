//! Fused stages behave like the separate stages they replace: sources with steps, steps with sinks, whole
//! pipelines.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up its pipeline has failed")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stage_core::pipeline::StepKind;
use stage_core::source::from_channel;
use stage_core::stage::Cast;
use stage_core::subscribe::{Asking, CancelKind, Cancellation, Role, Subscription};
use stage_core::{
    BoxError, Consumer, Context, Demand, Emitter, Events, ExitReason, Init, Pipeline, Producer,
    ProducerConsumer, Restart, StageResult, StepOptions,
};

type Log<E> = Arc<Mutex<Vec<E>>>;

fn log<E>() -> Log<E> {
    Arc::default()
}

fn taken<E>(log: &Log<E>) -> Vec<E> {
    std::mem::take(&mut log.lock().unwrap())
}

/// Counts up to a number, emitting as many events as demanded, or more.
#[derive(Clone)]
struct Count {
    next: u64,
    end: u64,
    /// Emits this many events at once, whatever the demand; 0 emits what is demanded.
    at_once: u64,
    asked: Log<usize>,
}

impl Count {
    fn to(end: u64) -> Self {
        Self { next: 0, end, at_once: 0, asked: log() }
    }
}

impl Producer for Count {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        self.asked.lock().unwrap().push(demand.get());
        let wanted = if self.at_once == 0 { demand.get() as u64 } else { self.at_once };
        let end = self.end.min(self.next + wanted);
        out.extend(self.next..end);
        self.next = end;
        if end == self.end {
            out.finish();
        }
        Ok(())
    }
}

/// Emits only the multiples of 10.
struct Tens;

impl ProducerConsumer for Tens {
    type In = u64;
    type Out = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, out: &mut Emitter<'_, u64>) -> StageResult {
        out.extend(events.into_iter().filter(|event| event % 10 == 0));
        Ok(())
    }
}

/// Emits each event three times.
struct Thrice;

impl ProducerConsumer for Thrice {
    type In = u64;
    type Out = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, out: &mut Emitter<'_, u64>) -> StageResult {
        out.extend(events.into_iter().flat_map(|event| [event; 3]));
        Ok(())
    }
}

/// Emits sums of seven events, and the sum of the rest at the end.
#[derive(Default)]
struct Sevens {
    kept: Vec<u64>,
    subscribed: usize,
}

impl ProducerConsumer for Sevens {
    type In = u64;
    type Out = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, out: &mut Emitter<'_, u64>) -> StageResult {
        for event in events {
            self.kept.push(event);
            if self.kept.len() == 7 {
                out.emit(self.kept.drain(..).sum());
            }
        }
        Ok(())
    }

    async fn handle_subscribe(
        &mut self,
        peer: Role,
        _subscription: &Subscription,
        _out: &mut Emitter<'_, u64>,
    ) -> Result<Asking, BoxError> {
        self.subscribed += usize::from(peer == Role::Producer);
        Ok(Asking::Automatic)
    }

    async fn handle_cancel(
        &mut self,
        peer: Role,
        _subscription: &Subscription,
        cancellation: &Cancellation,
        out: &mut Emitter<'_, u64>,
    ) -> StageResult {
        if peer == Role::Producer {
            assert_eq!((self.subscribed, cancellation.kind), (1, CancelKind::Down));
            out.emit(self.kept.drain(..).sum());
        }
        Ok(())
    }
}

/// Keeps its events; finishes after a given number of them.
struct Keep {
    kept: Log<u64>,
    most: usize,
    largest: Arc<AtomicUsize>,
}

impl Keep {
    fn all(kept: &Log<u64>) -> Self {
        Self { kept: Arc::clone(kept), most: usize::MAX, largest: Arc::default() }
    }
}

impl Consumer for Keep {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, cx: &mut Context<'_>) -> StageResult {
        self.largest.fetch_max(events.len(), Ordering::Relaxed);
        let mut kept = self.kept.lock().unwrap();
        kept.extend(events);
        if kept.len() >= self.most {
            cx.finish();
        }
        Ok(())
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// Returns the exit reason of a pipeline whose failed stage is not restarted.
async fn failure(pipeline: Pipeline) -> String {
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    report.not_restarted.iter().map(|exit| exit.reason.to_string()).collect()
}

fn demand() -> StepOptions {
    StepOptions::new().max_demand(20).min_demand(10)
}

/// Declares the same stages in four ways, and returns the output of each.
macro_rules! every_way {
    ($source:expr, $($step:expr),+) => {{
        let kept: [Log<u64>; 4] = std::array::from_fn(|_| log());
        let [apart, first, last, all] = kept.each_ref().map(|kept| {
            let kept = Arc::clone(kept);
            move || Ok(Keep::all(&kept))
        });
        let begin = |name: &str| Pipeline::builder(name).defaults(demand());
        let pipelines = [
            begin("apart").start("source", || Ok($source))$(.step(StepOptions::new(), || Ok($step)))+.finish("keep", apart),
            begin("first")
                .start_fused("source", |stage| stage.start(|| Ok($source))$(.step(|| Ok($step)))+)
                .finish("keep", first),
            begin("last")
                .start("source", || Ok($source))
                .finish_fused("keep", |stage| stage$(.step(|| Ok($step)))+.finish(last)),
            begin("all").fused("all", |stage| stage.start(|| Ok($source))$(.step(|| Ok($step)))+.finish(all)),
        ];
        for pipeline in pipelines {
            pipeline.start().await.unwrap().join().await.unwrap();
        }
        let [apart, others @ ..] = kept.map(|kept| taken(&kept));
        for (way, other) in ["first", "last", "all"].into_iter().zip(others) {
            assert_eq!(other, apart, "{way}");
        }
        apart
    }};
}

#[tokio::test]
async fn every_way_to_fuse_gives_the_same_events_in_the_same_order() {
    assert_eq!(every_way!(Count::to(1_003), Thrice).len(), 3_009);
    assert_eq!(every_way!(Count::to(1_003), Tens).len(), 101);
    assert_eq!(every_way!(Count::to(1_003), Thrice, Tens, Thrice).len(), 909);
    assert_eq!(every_way!(Count::to(0), Tens, Thrice), [0_u64; 0]);
}

#[tokio::test]
async fn events_kept_by_a_step_continue_without_new_input() {
    let sums = every_way!(Count::to(1_003), Sevens::default());
    assert_eq!((sums.len(), sums.iter().sum::<u64>()), (144, 1_003 * 1_002 / 2));
    let sums = every_way!(Count::to(1_003), Thrice, Sevens::default(), Sevens::default());
    assert_eq!(sums.iter().sum::<u64>(), 3 * (1_003 * 1_002 / 2));
}

#[tokio::test]
async fn the_surplus_of_a_source_is_handled_in_batches() {
    let (kept, largest) = (log(), Arc::new(AtomicUsize::new(0)));
    let keep = (Arc::clone(&kept), Arc::clone(&largest));
    let source = Count { at_once: 1_000, ..Count::to(10_500) };
    let pipeline = Pipeline::builder("whole").defaults(demand()).fused("all", move |stage| {
        stage.start(move || Ok(source.clone())).finish(move || {
            let (kept, largest) = (Arc::clone(&keep.0), Arc::clone(&keep.1));
            Ok(Keep { kept, most: usize::MAX, largest })
        })
    });
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(taken(&kept), (0..10_500).collect::<Vec<_>>());
    assert_eq!((largest.load(Ordering::Relaxed), report.stages[0].events_in), (10, 10_500));
}

#[tokio::test]
async fn a_whole_pipeline_is_one_stage_that_counts_its_events() {
    let kept = log();
    let (keep, source) = (Arc::clone(&kept), Count::to(95));
    let asked = Arc::clone(&source.asked);
    let pipeline = Pipeline::builder("whole").defaults(demand()).fused("all", move |stage| {
        stage
            .start(move || Ok(source.clone()))
            .step_fn(|event| event + 1)
            .finish(move || Ok(Keep::all(&keep)))
    });
    let topology = pipeline.topology();
    assert_eq!((topology.stages(), topology.subscriptions()), (1, 0));
    assert_eq!(topology.steps[0].kind, StepKind::Whole);
    assert_eq!(
        topology.to_string(),
        "whole: 1 stages, 0 subscriptions, at most 10 events in flight\n  whole  all x1, demand 10..20\n"
    );
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    let stats = &report.stages[0];
    assert_eq!((stats.events_in, stats.batches, stats.discarded), (95, 10, 0));
    assert_eq!(taken(&asked), [10; 10]);
    assert_eq!(taken(&kept), (1..=95).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_source_is_asked_again_for_events_its_steps_dropped() {
    let (kept, source) = (log(), Count::to(1_000));
    let asked = Arc::clone(&source.asked);
    let keep = Arc::clone(&kept);
    let pipeline = Pipeline::builder("first")
        .defaults(demand())
        .start_fused("tens", move |stage| stage.start(move || Ok(source.clone())).step(|| Ok(Tens)))
        .finish("keep", move || Ok(Keep { kept: Arc::clone(&keep), most: 3, largest: Arc::default() }));
    pipeline.start().await.unwrap().join().await.unwrap();
    assert!(taken(&kept).starts_with(&[0, 10, 20]));
    assert!(taken(&asked).into_iter().all(|asked| asked <= 20), "never for more than is wanted");
}

#[tokio::test]
async fn events_flushed_by_a_waiting_source_continue_at_once() {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let (seen, mut sights) = tokio::sync::mpsc::unbounded_channel();
    let channel = from_channel(receiver);
    let pipeline = Pipeline::builder("whole").fused("all", move |stage| {
        stage
            .start(move || Ok(channel.clone()))
            .step_fn(|number: u64| number * 2)
            .finish_fn(move |number| seen.send(number).unwrap())
    });
    let running = pipeline.start().await.unwrap();
    for number in 0..5 {
        sender.send(number).await.unwrap();
        assert_eq!(sights.recv().await, Some(number * 2), "before the next one is sent");
    }
    running.drain(SECOND).await.unwrap();
}

#[tokio::test]
async fn events_flushed_by_a_waiting_source_reach_the_subscribers_of_its_steps() {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let (seen, mut sights) = tokio::sync::mpsc::unbounded_channel();
    let channel = from_channel(receiver);
    let pipeline = Pipeline::builder("first")
        .start_fused("doubled", move |stage| {
            stage.start(move || Ok(channel.clone())).step_fn(|number: u64| number * 2)
        })
        .finish_fn("see", move |number| seen.send(number).unwrap());
    let running = pipeline.start().await.unwrap();
    for number in 0..5 {
        sender.send(number).await.unwrap();
        assert_eq!(sights.recv().await, Some(number * 2), "before the next one is sent");
    }
    drop(sender);
    running.join().await.unwrap();
}

/// Emits one event at its first demand, and never the rest.
struct Short;

impl Producer for Short {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        if demand.get() == 10 {
            out.emit(1);
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_owes_events_is_not_asked_again_and_the_stage_waits() {
    let (seen, mut sights) = tokio::sync::mpsc::unbounded_channel();
    let pipeline = Pipeline::builder("whole").defaults(demand()).fused("all", move |stage| {
        stage.start(|| Ok(Short)).finish_fn(move |number| seen.send(number).unwrap())
    });
    let running = pipeline.start().await.unwrap();
    assert_eq!(sights.recv().await, Some(1));
    // Time passes only when nothing can run: a busy-looping stage would stop the clock.
    tokio::time::advance(SECOND).await;
    assert_eq!(running.stats()[0].batches, 2, "ten, and the one that was used up");
    running.drain(SECOND).await.unwrap();
}

#[tokio::test]
async fn a_drained_whole_ends_normally_with_the_events_its_steps_kept() {
    let kept = log();
    let keep = Arc::clone(&kept);
    let pipeline = Pipeline::builder("whole").defaults(demand()).fused("all", move |stage| {
        stage
            .start(|| Ok(Count::to(u64::MAX)))
            .step(|| Ok(Sevens::default()))
            .finish(move || Ok(Keep::all(&keep)))
    });
    let running = pipeline.start().await.unwrap();
    while kept.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let report = running.drain(SECOND).await.unwrap();
    let handled = report.stages[0].events_in;
    assert_eq!(taken(&kept).iter().sum::<u64>(), handled * (handled - 1) / 2, "every event that was made");
}

#[tokio::test]
async fn a_finished_sink_ends_the_whole() {
    let kept = log();
    let keep = Arc::clone(&kept);
    let source = Count { at_once: 100, ..Count::to(u64::MAX) };
    let pipeline = Pipeline::builder("whole").defaults(demand()).fused("all", move |stage| {
        let keep = Arc::clone(&keep);
        stage
            .start(move || Ok(source.clone()))
            .finish(move || Ok(Keep { kept: Arc::clone(&keep), most: 20, largest: Arc::default() }))
    });
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(taken(&kept), (0..20).collect::<Vec<_>>());
    assert_eq!((report.stages[0].events_in, report.stages[0].discarded), (20, 80));
}

/// Records its starts and ends; fails or panics at the first event of its first run.
struct Fragile {
    lives: Arc<AtomicUsize>,
    noted: Log<String>,
    panics: usize,
}

impl Consumer for Fragile {
    type Event = u64;

    async fn init(&mut self, _: &mut Context<'_>) -> Result<Init, BoxError> {
        self.noted.lock().unwrap().push("init".to_owned());
        Ok(Init::Ready)
    }

    async fn handle_events(&mut self, events: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        let life = self.lives.fetch_add(1, Ordering::Relaxed);
        assert!(life >= self.panics, "as asked");
        if life == self.panics {
            return Err("as asked".into());
        }
        self.noted.lock().unwrap().push(format!("{}", events.len()));
        Ok(())
    }

    async fn terminate(&mut self, reason: &ExitReason) {
        self.noted.lock().unwrap().push(if reason.is_normal() { "end" } else { "failure" }.to_owned());
    }
}

#[tokio::test]
async fn all_parts_of_a_failed_stage_are_rebuilt() {
    let (lives, noted) = (Arc::new(AtomicUsize::new(0)), log());
    let sink = (Arc::clone(&lives), Arc::clone(&noted));
    let built = Arc::new(AtomicUsize::new(0));
    let sources = Arc::clone(&built);
    let pipeline = Pipeline::builder("whole").defaults(demand()).fused("all", move |stage| {
        stage
            .start(move || {
                sources.fetch_add(1, Ordering::Relaxed);
                Ok(Count::to(10))
            })
            .step_fn(|event| event)
            .finish(move || Ok(Fragile { lives: Arc::clone(&sink.0), noted: Arc::clone(&sink.1), panics: 1 }))
    });
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(taken(&noted), ["init", "init", "failure", "init", "10", "end"]);
    assert_eq!(built.load(Ordering::Relaxed), 3);
    let stats = &report.stages[0];
    assert_eq!((stats.restarts, stats.events_in, stats.discarded), (2, 10, 20));
}

#[tokio::test]
async fn a_whole_that_is_not_restarted_fails_its_pipeline() {
    let options = StepOptions::named("all").restart(Restart::Temporary);
    let pipeline = Pipeline::builder("whole").fused(options, |stage| {
        stage.start(|| Ok(Count::to(10))).finish_fn(|event| assert!(event < 5, "as asked"))
    });
    let exits = failure(pipeline).await;
    assert!(exits.contains("as asked"), "{exits}");
}

/// A source that emits in response to a scheduled message.
struct Later;

impl Producer for Later {
    type Event = u64;

    async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        out.schedule::<Self, _>(Duration::from_secs(1), ())?;
        Ok(())
    }
}

impl Cast<()> for Later {
    type Out = u64;

    async fn handle_cast(&mut self, (): (), out: &mut Emitter<'_, u64>) -> StageResult {
        out.emit(1);
        Ok(())
    }
}

#[tokio::test]
async fn a_source_that_schedules_messages_to_itself_cannot_be_fused() {
    let options = StepOptions::named("all").restart(Restart::Temporary);
    let pipeline =
        Pipeline::builder("whole").fused(options, |stage| stage.start(|| Ok(Later)).finish_fn(|_| ()));
    let exits = failure(pipeline).await;
    assert!(exits.contains("Later"), "{exits}");
}

/// A sink that asks manually.
struct Asker;

impl Consumer for Asker {
    type Event = u64;

    async fn handle_events(&mut self, _: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        Ok(())
    }

    async fn handle_subscribe(&mut self, _: &Subscription, _: &mut Context<'_>) -> Result<Asking, BoxError> {
        Ok(Asking::Manual)
    }
}

#[tokio::test]
async fn a_stage_that_asks_by_itself_cannot_be_fused_behind_another() {
    let options = || StepOptions::named("all").restart(Restart::Temporary);
    let whole = Pipeline::builder("whole")
        .fused(options(), |stage| stage.start(|| Ok(Count::to(10))).finish(|| Ok(Asker)));
    let last = Pipeline::builder("last")
        .start("count", || Ok(Count::to(10)))
        .finish_fused(options(), |stage| stage.step_fn(|event| event).finish(|| Ok(Asker)));
    for pipeline in [whole, last] {
        let exits = failure(pipeline).await;
        assert!(exits.contains("asks for events by itself"), "{exits}");
    }
}
