//! Boards and steering: a pause that loses nothing, settings that outlive restarts, and refusals that say what
//! is possible.
#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use stage_core::pipeline::Outcome;
use stage_core::rate::Rate;
use stage_core::stage::Cast;
use stage_core::stats::StageState;
use stage_core::testing::{Sim, settle};
use stage_core::watch::{Board, Ending, PipelineState, Steering, SteeringError};
use stage_core::{
    BoxError, Consumer, Context, Demand, Emitter, Events, Intensity, Pipeline, Producer, ProducerConsumer,
    Running, StageResult, StepOptions, Window, sink, source,
};
use tokio::time::{sleep, timeout};

mod elastic;
mod tuned;

const SECOND: Duration = Duration::from_secs(1);

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Makes a stage fail.
struct Fail;

/// Counts upwards; its successor goes on.
#[derive(Clone, Default)]
struct Numbers(Arc<AtomicU64>);

impl Numbers {
    fn made(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Producer for Numbers {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        let next = self.0.fetch_add(demand.get() as u64, Ordering::SeqCst);
        out.extend(next..next + demand.get() as u64);
        Ok(())
    }
}

impl Cast<Fail> for Numbers {
    type Out = u64;

    async fn handle_cast(&mut self, _: Fail, _: &mut Emitter<'_, u64>) -> StageResult {
        Err("on purpose".into())
    }
}

/// Takes a millisecond for each batch.
struct Pass;

impl ProducerConsumer for Pass {
    type In = u64;
    type Out = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, out: &mut Emitter<'_, u64>) -> StageResult {
        sleep(millis(1)).await;
        out.extend(events);
        Ok(())
    }
}

impl Cast<Fail> for Pass {
    type Out = u64;

    async fn handle_cast(&mut self, _: Fail, _: &mut Emitter<'_, u64>) -> StageResult {
        Err("on purpose".into())
    }
}

/// Takes a millisecond for each event, and counts them.
#[derive(Clone, Default)]
struct Count(Arc<AtomicU64>);

impl Count {
    fn seen(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Consumer for Count {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        for _ in events {
            sleep(millis(1)).await;
            self.0.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }
}

/// A pipeline of three steps that may fail as often as they like.
async fn three(numbers: &Numbers, count: &Count) -> Running {
    let (numbers, count) = (numbers.clone(), count.clone());
    Pipeline::builder("three")
        .intensity(Intensity { max_restarts: usize::MAX, within: SECOND })
        .defaults(StepOptions::new().max_demand(10).min_demand(5))
        .start("numbers", move || Ok(numbers.clone()))
        .step(StepOptions::named("pass").count(2), || Ok(Pass))
        .finish("count", move || Ok(count.clone()))
        .start()
        .await
        .unwrap()
}

fn state(running: &Running) -> PipelineState {
    running.monitor().status().state
}

#[tokio::test(start_paused = true)]
async fn a_pause_lets_what_is_in_flight_finish_and_a_restarted_source_stays_paused() {
    let (numbers, count) = (Numbers::default(), Count::default());
    let running = three(&numbers, &count).await;
    let steering = running.steering();
    sleep(SECOND).await;
    steering.pause().unwrap();
    sleep(SECOND).await;
    assert_eq!(state(&running), PipelineState::Paused);
    let (made, seen) = (numbers.made(), count.seen());
    let held = running.stats()[0].buffered;
    assert_eq!(made, seen + held, "nothing is on its way behind the source");
    running.producer::<Numbers>("numbers", 0).unwrap().cast(Fail).unwrap();
    let before = running.monitor().snapshot();
    sleep(10 * SECOND).await;
    assert_eq!((numbers.made(), count.seen()), (made, seen), "it is paused");
    let activity = running.monitor().snapshot().since(&before);
    assert!(activity.step("numbers").unwrap().share(StageState::HeldUp) > 0.99, "{activity:?}");
    assert!(activity.step("count").unwrap().share(StageState::Starved) > 0.99, "{activity:?}");
    assert_eq!(running.stats()[0].restarts, 1);
    steering.resume().unwrap();
    assert_eq!(state(&running), PipelineState::Running);
    sleep(SECOND).await;
    assert!(count.seen() > seen + 100);
    let report = running.drain(60 * SECOND).await.unwrap();
    let lost: u64 = report.stages.iter().map(|stage| stage.discarded).sum();
    assert_eq!((report.outcome, lost), (Outcome::Drained, held), "the failed source had kept them");
    assert_eq!(numbers.made(), count.seen() + lost);
}

#[tokio::test(start_paused = true)]
async fn a_paused_step_leaves_its_input_where_it_is_and_those_behind_it_go_on() {
    let (numbers, count) = (Numbers::default(), Count::default());
    let running = three(&numbers, &count).await;
    let steering = running.steering();
    sleep(SECOND).await;
    steering.pause_step("pass").unwrap();
    sleep(SECOND).await;
    let snapshot = running.monitor().snapshot();
    let link = |to: &str| snapshot.links.iter().find(|link| link.to == to).unwrap();
    assert_eq!((link("pass").in_flight, link("count").in_flight), (20, 0));
    assert_eq!(state(&running), PipelineState::Running, "the source is not paused");
    let status = running.monitor().status();
    let paused: Vec<_> = status.steps.iter().map(|step| (step.step.as_str(), step.paused)).collect();
    assert_eq!(paused, [("numbers", false), ("pass", true), ("count", false)]);
    let seen = count.seen();
    running.producer_consumer::<Pass>("pass", 0).unwrap().cast(Fail).unwrap();
    sleep(SECOND).await;
    assert_eq!(count.seen(), seen, "the restarted copy is paused too");
    steering.resume_step("pass").unwrap();
    sleep(SECOND).await;
    assert!(count.seen() > seen + 100);
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_a_pause_and_a_stop_is_not_delayed_by_it() {
    let (numbers, count) = (Numbers::default(), Count::default());
    let running = three(&numbers, &count).await;
    sleep(SECOND).await;
    running.steering().pause().unwrap();
    running.steering().pause_step("count").unwrap();
    sleep(SECOND).await;
    let report = running.drain(60 * SECOND).await.unwrap();
    assert_eq!(report.outcome, Outcome::Drained);
    assert!(report.elapsed < 3 * SECOND, "{report}");
    assert_eq!(numbers.made(), count.seen());

    let (numbers, count) = (Numbers::default(), Count::default());
    let running = three(&numbers, &count).await;
    sleep(SECOND).await;
    running.steering().pause().unwrap();
    running.steering().pause_step("pass").unwrap();
    sleep(SECOND).await;
    let report = running.stop().await.unwrap();
    assert_eq!((report.outcome, report.cut_off.len()), (Outcome::Stopped, 0));
    assert!(report.elapsed < 3 * SECOND, "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_waits_inside_its_callback_can_be_paused() {
    let (sender, receiver) = tokio::sync::mpsc::channel(100);
    let receiver = source::from_channel(receiver);
    let count = Count::default();
    let sink = count.clone();
    let running = Pipeline::builder("channel")
        .start("events", move || Ok(receiver.clone()))
        .finish(StepOptions::named("count").max_demand(10).min_demand(5), move || Ok(sink.clone()))
        .start()
        .await
        .unwrap();
    let monitor = running.monitor();
    sleep(SECOND).await;
    running.steering().pause().unwrap();
    settle().await;
    let before = monitor.snapshot();
    for number in 0..50 {
        sender.send(number).await.unwrap();
    }
    sleep(SECOND).await;
    assert_eq!(count.seen(), 0);
    let activity = monitor.snapshot().since(&before);
    assert!(activity.step("events").unwrap().share(StageState::HeldUp) > 0.99, "{activity:?}");
    drop(sender);
    sleep(SECOND).await;
    assert_eq!(count.seen(), 0, "it has not ended before it handed out what it took");
    running.steering().resume().unwrap();
    let report = running.join().await.unwrap();
    assert_eq!((report.outcome, count.seen()), (Outcome::Finished, 50));
}

#[tokio::test(start_paused = true)]
async fn fused_pipelines_can_be_paused() {
    for whole in [true, false] {
        let (numbers, count) = (Numbers::default(), Count::default());
        let (source, sink) = (numbers.clone(), count.clone());
        let options = StepOptions::named("source").max_demand(10).min_demand(5);
        let pipeline = if whole {
            Pipeline::builder("whole").fused(options, move |stage| {
                stage.start(move || Ok(source.clone())).step(|| Ok(Pass)).finish(move || Ok(sink.clone()))
            })
        } else {
            Pipeline::builder("front")
                .start_fused(options, move |stage| stage.start(move || Ok(source.clone())).step(|| Ok(Pass)))
                .finish("count", move || Ok(sink.clone()))
        };
        let running = pipeline.start().await.unwrap();
        sleep(SECOND).await;
        running.steering().pause().unwrap();
        sleep(SECOND).await;
        let (made, seen) = (numbers.made(), count.seen());
        assert_eq!(made, seen + running.stats()[0].buffered, "{:?}", running.stats());
        let before = running.monitor().snapshot();
        sleep(SECOND).await;
        assert_eq!((numbers.made(), count.seen()), (made, seen));
        let activity = running.monitor().snapshot().since(&before);
        assert!(activity.steps[0].share(StageState::HeldUp) > 0.99, "{activity:?}");
        running.steering().resume().unwrap();
        sleep(SECOND).await;
        assert!(count.seen() > seen + 100, "{whole}");
        assert_eq!(running.drain(60 * SECOND).await.unwrap().outcome, Outcome::Drained);
        assert_eq!(numbers.made(), count.seen());
    }
}

#[tokio::test(start_paused = true)]
async fn a_window_set_from_outside_holds_for_every_copy_and_after_restarts() {
    let (numbers, count) = (Numbers::default(), Count::default());
    let running = three(&numbers, &count).await;
    let steering = running.steering();
    steering.set_window("pass", Window::new(100, 50).unwrap()).unwrap();
    sleep(SECOND).await;
    let room = |running: &Running, to: &str| {
        let snapshot = running.monitor().snapshot();
        let link = snapshot.links.iter().find(|link| link.to == to).unwrap();
        (link.min_demand, link.max_demand)
    };
    assert_eq!(room(&running, "pass"), (100, 200));
    let status = running.monitor().status();
    assert_eq!((status.steps[0].max_demand, status.steps[1].max_demand), (None, Some(100)));
    running.producer_consumer::<Pass>("pass", 1).unwrap().cast(Fail).unwrap();
    running.producer::<Numbers>("numbers", 0).unwrap().cast(Fail).unwrap();
    sleep(SECOND).await;
    assert_eq!(room(&running, "pass"), (100, 200));
    assert_eq!(room(&running, "count"), (10, 20));
    steering.set_window("pass", Window::new(4, 1).unwrap()).unwrap();
    sleep(SECOND).await;
    let in_flight = running.monitor().snapshot().links[0].in_flight;
    assert!(in_flight <= 8, "{in_flight}");
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_rate_set_from_outside_holds_at_once_and_after_a_restart() {
    let count = Count::default();
    let sink = count.clone();
    let running = Pipeline::builder("limited")
        .start_fn("numbers", || Ok(0_u64..))
        .limited("limit", || Ok(Rate::new(10, SECOND)?.burst(1)?))
        .finish("count", move || Ok(sink.clone()))
        .start()
        .await
        .unwrap();
    let steering = running.steering();
    sleep(10 * SECOND).await;
    let slow = count.seen();
    assert!((99..=102).contains(&slow), "{slow}");
    let rate = Rate::new(100, SECOND).unwrap().burst(1).unwrap();
    steering.set_rate("limit", rate).unwrap();
    sleep(10 * SECOND).await;
    let fast = count.seen() - slow;
    assert!((995..=1_005).contains(&fast), "{fast}");
    assert_eq!(running.monitor().status().steps[1].rate, Some(rate));
    let refused = steering.set_rate("numbers", rate).unwrap_err().to_string();
    assert_eq!(
        refused,
        "no step `numbers` of the pipeline `limited` has a rate; the steps with one are `limit`"
    );
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn refusals_name_what_is_possible_and_change_nothing() {
    let running = three(&Numbers::default(), &Count::default()).await;
    let steering = running.steering();
    let window = Window::new(10, 5).unwrap();
    let refused = [
        steering.pause_step("pas").unwrap_err(),
        steering.set_window("numbers", window).unwrap_err(),
        steering.set_window("pass", Window::new(usize::MAX, 0).unwrap()).unwrap_err(),
        steering.set_rate("pass", Rate::new(1, SECOND).unwrap()).unwrap_err(),
    ];
    let texts: Vec<_> = refused.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "the pipeline `three` has no step `pas`; its steps are `numbers`, `pass` and `count`",
            "the step `numbers` of the pipeline `three` is a source and has no demand window; the steps with one are \
             `pass` and `count`",
            "the step `pass` of the pipeline `three`: max_demand must be at most 1000000000, got 18446744073709551615",
            "no step `pass` of the pipeline `three` has a rate; none of its steps limits the rate of events",
        ]
    );
    steering.stop().unwrap();
    running.join().await.unwrap();
    let ended = "the pipeline `three` has ended: stopped";
    for refused in [steering.pause(), steering.resume(), steering.drain(SECOND), steering.stop()] {
        assert_eq!(refused.unwrap_err().to_string(), ended);
    }
    assert_eq!(steering.set_window("pass", window).unwrap_err().to_string(), ended);
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_that_ends_cannot_be_paused_any_more() {
    let running = three(&Numbers::default(), &Count::default()).await;
    let steering = running.steering();
    sleep(SECOND).await;
    steering.drain(60 * SECOND).unwrap();
    // The supervisor takes in the order.
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
    assert_eq!(state(&running), PipelineState::Draining);
    assert_eq!(steering.pause(), Err(SteeringError::Ending { pipeline: "three".to_owned() }));
    assert_eq!(running.join().await.unwrap().outcome, Outcome::Drained);
    assert_eq!(state(&running), PipelineState::Ended(Ending::Drained));
}

#[tokio::test(start_paused = true)]
async fn a_steering_that_is_dropped_stops_nothing_and_one_that_is_kept_keeps_nothing_alive() {
    let count = Count::default();
    let running = three(&Numbers::default(), &count).await;
    drop(running.steering());
    sleep(SECOND).await;
    let seen = count.seen();
    assert!(seen > 100);
    let (steering, monitor) = (running.steering(), running.monitor());
    drop(running);
    sleep(10 * SECOND).await;
    assert_eq!(monitor.status().state, PipelineState::Ended(Ending::Stopped));
    assert!(steering.pause().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_board_lists_pipelines_by_name_and_keeps_those_that_ended() {
    let board = Board::new();
    let running = three(&Numbers::default(), &Count::default()).await;
    board.add("b", &running).unwrap();
    board.add("a", &running).unwrap();
    let taken = board.clone().add("a", &running).unwrap_err();
    assert_eq!(
        taken.to_string(),
        "the name `a` is already on the board; remove it first, even if its pipeline has ended"
    );
    assert_eq!(board.names(), ["a", "b"]);
    let entry = board.get("b").unwrap();
    assert_eq!((entry.name(), entry.topology().name.as_str()), ("b", "three"));
    sleep(SECOND).await;
    entry.steering().stop().unwrap();
    running.join().await.unwrap();
    sleep(SECOND).await;
    let status = board.get("a").unwrap().status();
    assert_eq!(status.state, PipelineState::Ended(Ending::Stopped));
    assert!((SECOND..SECOND + millis(100)).contains(&status.uptime), "{:?}", status.uptime);
    assert!(board.remove("a").is_some() && board.remove("a").is_none());
    assert_eq!(board.names(), ["b"]);
}

#[tokio::test(start_paused = true)]
async fn a_board_keeps_the_last_64_pipelines_that_ended() {
    let board = Board::new();
    let alive = three(&Numbers::default(), &Count::default()).await;
    board.add("0 alive", &alive).unwrap();
    for number in 0..70 {
        let pipeline = Pipeline::builder("short").start_fn("one", || Ok([1])).finish_fn("drop", drop);
        let running = pipeline.start().await.unwrap();
        board.add(format!("{number:02}"), &running).unwrap();
        running.join().await.unwrap();
        sleep(millis(1)).await;
    }
    let last = three(&Numbers::default(), &Count::default()).await;
    board.add("last", &last).unwrap();
    let names = board.names();
    assert_eq!((names.len(), names[0].as_str(), names[1].as_str()), (66, "0 alive", "06"));
}

#[tokio::test(start_paused = true)]
async fn a_status_counts_restarts_within_the_intensity_and_tells_of_the_failure_at_the_end() {
    let running = Pipeline::builder("failing")
        .intensity(Intensity { max_restarts: 2, within: 10 * SECOND })
        .start("numbers", || Ok(Numbers::default()))
        .finish("sink", || {
            Ok(sink::for_each_async(|_: u64| async {
                sleep(4 * SECOND).await;
                Err::<(), BoxError>("broken".into())
            }))
        })
        .start()
        .await
        .unwrap();
    let monitor = running.monitor();
    sleep(5 * SECOND).await;
    let restarts = monitor.status().restarts;
    assert_eq!((restarts.total, restarts.recent), (1, 1));
    assert_eq!(restarts.intensity, Some(Intensity { max_restarts: 2, within: 10 * SECOND }));
    running.join().await.unwrap_err();
    let PipelineState::Ended(Ending::Failed(error)) = monitor.status().state else { panic!() };
    assert!(error.starts_with("the stage `sink/0` failed: broken; the pipeline gave up"), "{error}");
}

#[test]
fn a_pipeline_whose_runtime_is_gone_has_ended() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let running = runtime.block_on(three(&Numbers::default(), &Count::default()));
    let monitor = running.monitor();
    assert_eq!(monitor.status().state, PipelineState::Running);
    drop(runtime);
    let gone = "the runtime was shut down before the pipeline ended".to_owned();
    assert_eq!(monitor.status().state, PipelineState::Ended(Ending::Failed(gone)));
    assert!(running.steering().stop().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_is_listed_and_steered_as_a_whole_only() {
    let supervisor = stage_core::Supervisor::new("service").pipeline("numbers", || {
        Ok(Pipeline::builder("numbers").start_fn("source", || Ok(0_u64..)).finish_fn("drop", drop))
    });
    let running = supervisor.start().await.unwrap();
    let board = Board::new();
    board.add("service", &running).unwrap();
    let steering = board.get("service").unwrap().steering();
    assert_eq!(
        steering.pause().unwrap_err().to_string(),
        "`service` has no sources to pause: steer each pipeline of a supervisor by itself"
    );
    steering.stop().unwrap();
    running.join().await.unwrap();
}

/// What an operator, or bad luck, does to a pipeline.
#[derive(Clone, Copy, Debug)]
enum Act {
    Pause,
    Resume,
    PauseStep(usize),
    ResumeStep(usize),
    Window(usize, usize),
    FailSource,
    FailStep(usize),
    Wait(u64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => Just(Act::Pause),
        2 => Just(Act::Resume),
        1 => (0..3_usize).prop_map(Act::PauseStep),
        1 => (0..3_usize).prop_map(Act::ResumeStep),
        1 => (1..3_usize, 1..40_usize).prop_map(|(step, max)| Act::Window(step, max)),
        1 => Just(Act::FailSource),
        1 => (0..2_usize).prop_map(Act::FailStep),
        3 => (1..50_u64).prop_map(Act::Wait),
    ]
}

const STEPS: [&str; 3] = ["numbers", "pass", "count"];

async fn carry_out(act: Act, running: &Running, steering: &Steering) {
    match act {
        Act::Pause => steering.pause().unwrap(),
        Act::Resume => steering.resume().unwrap(),
        Act::PauseStep(step) => steering.pause_step(STEPS[step]).unwrap(),
        Act::ResumeStep(step) => steering.resume_step(STEPS[step]).unwrap(),
        Act::Window(step, max) => {
            steering.set_window(STEPS[step], Window::with_max(max).unwrap()).unwrap();
        }
        Act::FailSource => running.producer::<Numbers>("numbers", 0).unwrap().cast(Fail).unwrap(),
        Act::FailStep(copy) => running.producer_consumer::<Pass>("pass", copy).unwrap().cast(Fail).unwrap(),
        Act::Wait(time) => sleep(millis(time)).await,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_paused_resumed_restarted_and_drained_nothing_is_lost_and_nothing_hangs(
        acts in proptest::collection::vec(act(), 0..30),
        seed in 0..1_000_u64,
    ) {
        Sim::seeded(seed).run(async {
            let (numbers, count) = (Numbers::default(), Count::default());
            let running = three(&numbers, &count).await;
            let steering = running.steering();
            for act in acts {
                carry_out(act, &running, &steering).await;
            }
            let drained = timeout(3_600 * SECOND, running.drain(1_800 * SECOND)).await;
            let report = drained.expect("it does not hang").unwrap();
            assert_eq!(report.outcome, Outcome::Drained);
            let lost: u64 = report.stages.iter().map(|stage| stage.discarded).sum();
            assert_eq!(numbers.made(), count.seen() + lost, "{report}");
        });
    }
}
