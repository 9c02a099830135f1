//! Graphs of steps: every event reaches its destination, and the pipeline ends after the last one.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use stage_core::dispatch::FairDispatcher;
use stage_core::pipeline::LinkKind;
use stage_core::{
    BoxError, Chain, Consumer, Context, Emitter, Events, Pipeline, ProducerConsumer, Report, Segment,
    StageResult, StartError, StepOptions,
};

async fn run(pipeline: Pipeline) -> Report {
    tokio::time::timeout(Duration::from_secs(60), async { pipeline.start().await.unwrap().join().await })
        .await
        .expect("the pipeline ends")
        .unwrap()
}

fn sorted<T: Ord>(received: &Receiver<T>) -> Vec<T> {
    let mut all: Vec<T> = received.iter().collect();
    all.sort_unstable();
    all
}

fn send<T: Send + 'static>(to: &Sender<T>) -> impl FnMut(T) + Clone + Send + 'static {
    let to = to.clone();
    move |event| to.send(event).unwrap()
}

#[tokio::test]
async fn two_sources_run_into_one_step() {
    let (sent, received) = channel();
    let pipeline = Pipeline::builder("both")
        .start_fn("small", || Ok(0..500))
        .and_start_fn("large", || Ok(1000..1500))
        .step_fn(StepOptions::named("double").count(3), |number: i32| number * 2)
        .finish_fn("send", send(&sent));
    drop(sent);
    assert_eq!(pipeline.topology().subscriptions(), 2 * 3 + 3);
    run(pipeline).await;
    assert_eq!(sorted(&received), (0..500).chain(1000..1500).map(|n| n * 2).collect::<Vec<_>>());
}

#[tokio::test]
async fn every_branch_of_a_broadcast_gets_every_event_once_for_any_number_of_copies() {
    let (sent, received) = channel();
    let (logged, log) = channel();
    let pipeline = Pipeline::builder("branches")
        .start_fn("numbers", || Ok(0..1000_u32))
        .broadcast()
        .ending(|all| all.finish_fn(StepOptions::named("log").count(3), send(&logged)))
        .branch(|all| {
            all.step_fn(StepOptions::named("tens").count(2), |n| n * 10).by(|n| *n).step_fn("same", |n| n)
        })
        .branch_when(|n| n % 100 == 0, |hundreds| hundreds)
        .merge()
        .finish_fn("send", send(&sent));
    drop((sent, logged));
    run(pipeline).await;
    assert_eq!(sorted(&log), (0..1000).collect::<Vec<_>>());
    let mut expected: Vec<_> = (0..1000).map(|n| n * 10).chain((0..10).map(|n| n * 100)).collect();
    expected.sort_unstable();
    assert_eq!(sorted(&received), expected);
}

#[tokio::test]
async fn a_broadcast_all_of_whose_branches_end_ends_the_pipeline() {
    let (even, evens) = channel();
    let (odd, odds) = channel();
    let pipeline = Pipeline::builder("parity")
        .start_fn("numbers", || Ok(0..100_u32))
        .broadcast()
        .ending_when(|n| n % 2 == 0, |branch| branch.finish_fn("even", send(&even)))
        .ending_when(|n| n % 2 == 1, |branch| branch.finish_fn("odd", send(&odd)))
        .done();
    drop((even, odd));
    run(pipeline).await;
    // Each branch has one copy, so it keeps the order of the source.
    assert!(evens.iter().eq((0..100).step_by(2)));
    assert!(odds.iter().eq((1..100).step_by(2)));
}

#[tokio::test]
async fn a_diamond_keeps_the_order_of_each_key() {
    let (sent, received) = channel();
    let pipeline = Pipeline::builder("diamond")
        .start_fn("events", || Ok((0..2000_u32).map(|index| (index % 7, index))))
        .partition(
            4,
            |(key, _)| *key,
            |lane| lane.step_fn("one", |event| event).step_fn("two", |event| event),
        )
        .finish_fn("send", send(&sent));
    drop(sent);
    run(pipeline).await;
    let all: Vec<(u32, u32)> = received.iter().collect();
    assert_eq!(all.len(), 2000);
    for key in 0..7 {
        let of_key: Vec<u32> = all.iter().filter(|event| event.0 == key).map(|event| event.1).collect();
        assert!(of_key.is_sorted() && of_key.len() >= 2000 / 7, "key {key}: {of_key:?}");
    }
}

#[tokio::test]
async fn lanes_divide_again_within_themselves() {
    let (sent, received) = channel();
    let pipeline = Pipeline::builder("lanes")
        .start_fn("numbers", || Ok(0..3000_u32))
        .partition(
            3,
            |n| *n,
            |lane| {
                lane.step_fn(StepOptions::named("outer").count(2), |n| n)
                    .partition(2, |n| *n, |lane| lane.step_fn("inner", |n| n))
                    .step_fn("after", |n| n)
            },
        )
        .finish_fn("send", send(&sent));
    drop(sent);
    let topology = pipeline.topology();
    let copies: Vec<_> = topology.steps.iter().map(|step| (step.count, step.lanes)).collect();
    assert_eq!(copies, [(1, 1), (2, 3), (1, 6), (1, 3), (1, 1)]);
    // numbers → outer, outer → inner of the same outer lane, inner → after, after → send.
    assert_eq!(topology.subscriptions(), 6 + 6 * 2 + 6 + 3);
    let report = run(pipeline).await;
    assert_eq!(sorted(&received), (0..3000).collect::<Vec<_>>());
    let inner = report.stages.iter().filter(|stage| &*stage.step == "inner");
    assert!(inner.clone().count() == 6 && inner.clone().all(|stage| stage.events_in > 300), "{report}");
}

#[tokio::test]
async fn a_partition_may_follow_a_broadcast_directly_and_the_reverse() {
    let (sent, received) = channel();
    let pipeline = Pipeline::builder("mixed")
        .start_fn("numbers", || Ok(0..600_u32))
        .broadcast()
        .branch(|all| {
            all.partition(3, |n| n % 10, |lane| lane.step_fn(StepOptions::named("lane").count(2), |n| (0, n)))
        })
        .branch(|all| {
            all.partition(
                2,
                |n| n % 2,
                |lane| {
                    lane.broadcast()
                        .branch_when(|n| n % 3 == 0, |fizz| fizz.step_fn("fizz", |n| (1, n)))
                        .branch_when(
                            |n| n % 5 == 0,
                            |buzz| buzz.step_fn(StepOptions::named("buzz").count(2), |n| (2, n)),
                        )
                        .merge()
                        .step_fn("both", |event| event)
                },
            )
        })
        .merge()
        .finish_fn("send", send(&sent));
    drop(sent);
    run(pipeline).await;
    let mut expected: Vec<_> = (0..600).map(|n| (0, n)).collect();
    expected.extend((0..600).step_by(3).map(|n| (1, n)));
    expected.extend((0..600).step_by(5).map(|n| (2, n)));
    assert_eq!(sorted(&received), expected);
}

#[tokio::test]
async fn every_lane_may_have_its_own_finish() {
    let (sent, received) = channel();
    let pipeline = Pipeline::builder("shards").start_fn("numbers", || Ok(0..100_u32)).partition_ending(
        4,
        |n| *n,
        |lane| lane.step_fn("same", |n| n).finish_fn("send", send(&sent)),
    );
    drop(sent);
    assert_eq!(pipeline.topology().stages(), 9);
    run(pipeline).await;
    assert_eq!(sorted(&received), (0..100).collect::<Vec<_>>());
}

/// Takes three events, then finishes.
struct Three(Sender<u32>, usize);

impl Consumer for Three {
    type Event = u32;

    async fn handle_events(&mut self, events: Events<'_, u32>, cx: &mut Context<'_>) -> StageResult {
        for event in events.into_iter().take(3 - self.1) {
            self.0.send(event)?;
            self.1 += 1;
        }
        if self.1 == 3 {
            cx.finish();
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_finished_branch_does_not_delay_the_others() {
    let (few, some) = channel();
    let (sent, received) = channel();
    let pipeline = Pipeline::builder("enough")
        .start_fn("numbers", || Ok(0..1000_u32))
        .broadcast()
        .ending(|all| all.finish("three", move || Ok(Three(few.clone(), 0))))
        .ending(|all| all.finish_fn("all", send(&sent)))
        .done();
    drop(sent);
    run(pipeline).await;
    assert!(some.iter().eq(0..3));
    assert_eq!(received.iter().count(), 1000);
}

/// Panics at one event, once.
struct Stumbles(std::sync::Arc<std::sync::atomic::AtomicBool>);

impl ProducerConsumer for Stumbles {
    type In = u32;
    type Out = u32;

    async fn handle_events(&mut self, events: Events<'_, u32>, out: &mut Emitter<'_, u32>) -> StageResult {
        for event in events {
            if event == 50 && !self.0.swap(true, std::sync::atomic::Ordering::SeqCst) {
                return Err("stumbled".into());
            }
            out.emit(event);
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_branch_that_restarts_loses_its_batch_only_and_the_others_nothing() {
    let (sent, received) = channel();
    let (logged, log) = channel();
    let stumbled = std::sync::Arc::default();
    let window = StepOptions::new().max_demand(10).min_demand(5);
    let pipeline = Pipeline::builder("restart")
        .defaults(window)
        .strategy(stage_core::Strategy::OneForOne)
        .start_fn("numbers", || Ok(0..200_u32))
        .broadcast()
        .ending(|all| {
            all.step("stumbles", move || Ok(Stumbles(std::sync::Arc::clone(&stumbled))))
                .finish_fn("send", send(&sent))
        })
        .ending(|all| all.finish_fn("log", send(&logged)))
        .done();
    drop((sent, logged));
    let report = run(pipeline).await;
    assert!(log.iter().eq(0..200), "the other branch misses nothing");
    let got: Vec<u32> = received.iter().collect();
    assert!(got.is_sorted());
    let lost = 200 - got.len();
    assert!((1..=5).contains(&lost), "one batch of at most max - min events, not {lost}: {report}");
    let discarded: u64 = report.stages.iter().map(|stage| stage.discarded).sum();
    assert_eq!(discarded, lost as u64, "{report}");
}

#[tokio::test]
async fn rest_for_one_restarts_the_stages_declared_after_the_failed_one() {
    let stumbled = std::sync::Arc::default();
    // With this window, no branch has ended when the step fails.
    let window = StepOptions::new().max_demand(10).min_demand(5);
    let pipeline = Pipeline::builder("rest")
        .defaults(window)
        .start_fn("numbers", || Ok(0..200_u32))
        .broadcast()
        .ending(|all| all.finish_fn("before", drop))
        .ending(|all| {
            all.step("stumbles", move || Ok(Stumbles(std::sync::Arc::clone(&stumbled))))
                .finish_fn("same", drop)
        })
        .ending(|all| all.finish_fn("after", drop))
        .done();
    let report = run(pipeline).await;
    let restarts: Vec<_> = report.stages.iter().map(|stage| (&*stage.step, stage.restarts)).collect();
    assert_eq!(restarts, [("numbers", 0), ("before", 0), ("stumbles", 1), ("same", 1), ("after", 1)]);
    assert_eq!(report.stages[1].events_in, 200);
}

#[tokio::test]
async fn a_graph_drains_to_its_last_event() {
    let (sent, received) = channel();
    let pipeline = Pipeline::builder("endless")
        .start_fn("numbers", || Ok(0_u64..))
        .broadcast()
        .branch(|all| all.partition(2, |n| *n, |lane| lane.step_fn("lane", |n| n)))
        .branch(|all| all)
        .merge()
        .finish_fn("send", send(&sent));
    drop(sent);
    let running = pipeline.start().await.unwrap();
    let first = tokio::task::spawn_blocking(move || {
        let first: Vec<_> = received.iter().take(100).collect();
        (first, received)
    });
    let (first, received) = first.await.unwrap();
    let report = running.drain(Duration::from_secs(30)).await.unwrap();
    let all: Vec<u64> = first.into_iter().chain(received.iter()).collect();
    let emitted = report.stages[0].events_out / 2;
    assert_eq!(all.len() as u64, 2 * emitted, "{report}");
    assert!(report.stages.iter().all(|stage| stage.discarded == 0), "{report}");
}

struct Digits;

impl ProducerConsumer for Digits {
    type In = u32;
    type Out = char;

    async fn handle_events(&mut self, events: Events<'_, u32>, out: &mut Emitter<'_, char>) -> StageResult {
        for number in events {
            out.extend(number.to_string().chars());
        }
        Ok(())
    }
}

#[tokio::test]
async fn fused_steps_are_one_stage() {
    let (sent, received) = channel();
    let pipeline = Pipeline::builder("fused")
        .start_fn("numbers", || Ok(8..12_u32))
        .fused(StepOptions::named("digits"), |stage| {
            stage
                .step_fn(|number| number * 10)
                .step(|| Ok(Digits))
                .step_fn(|digit| digit.to_digit(10).unwrap())
        })
        .finish_fn("send", send(&sent));
    drop(sent);
    let report = run(pipeline).await;
    assert_eq!(report.stages.len(), 3);
    assert_eq!(received.iter().collect::<Vec<_>>(), [8, 0, 9, 0, 1, 0, 0, 1, 1, 0]);
    assert_eq!((report.stages[1].events_in, report.stages[1].events_out), (4, 10));
}

#[tokio::test]
async fn an_event_goes_through_all_fused_functions_before_the_next_one_does() {
    let (seen, order) = channel();
    let (first, second) = (seen.clone(), seen);
    let pipeline = Pipeline::builder("order")
        .start_fn("numbers", || Ok(1..=2_u32))
        .fused("both", move |stage| {
            stage
                .step_fn(move |number| {
                    first.send(("first", number)).unwrap();
                    number * 10
                })
                .step_fn(move |number| {
                    second.send(("second", number)).unwrap();
                })
        })
        .finish_fn("ignore", drop);
    run(pipeline).await;
    assert_eq!(
        order.iter().collect::<Vec<_>>(),
        [("first", 1), ("second", 10), ("first", 2), ("second", 20)]
    );
}

fn add(by: u32) -> Segment<u32, u32> {
    Segment::new("add", move |chain: Chain<u32>| {
        chain
            .defaults(&StepOptions::new().max_demand(7))
            .step_fn("sum", move |number| number + by)
            .broadcast()
            .branch(|all| all)
            .ending(|all| all.finish_fn("ignore", drop))
            .merge()
    })
}

#[tokio::test]
async fn a_segment_is_used_twice_under_two_names() {
    let (sent, received) = channel();
    let pipeline = Pipeline::builder("parts")
        .defaults(StepOptions::new().max_demand(10).min_demand(1))
        .start_fn("numbers", || Ok(0..10))
        .through(StepOptions::new(), add(1))
        .through(StepOptions::named("again").count(2).max_demand(5), add(10))
        .finish_fn("send", send(&sent));
    drop(sent);
    let steps: Vec<_> = pipeline
        .topology()
        .steps
        .iter()
        .map(|step| (step.name.as_str(), step.count, step.max_demand))
        .collect();
    assert_eq!(
        steps,
        [
            ("numbers", 1, 10),
            ("add.sum", 1, 7),
            ("add.ignore", 1, 7),
            ("again.sum", 2, 7),
            ("again.ignore", 2, 7),
            ("send", 1, 10)
        ]
    );
    run(pipeline).await;
    assert_eq!(sorted(&received), (11..21).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_custom_dispatcher_feeds_the_next_step() -> Result<(), BoxError> {
    let pipeline = Pipeline::builder("fair")
        .start_fn("numbers", || Ok(0..1000))
        .dispatcher(FairDispatcher::new)
        .finish_fn(StepOptions::named("end").count(4), drop);
    let report = run(pipeline).await;
    let least = report.stages[1..].iter().map(|stage| stage.events_in).min();
    assert!(least >= Some(100), "{report}");
    Ok(())
}

#[tokio::test]
async fn everything_that_has_no_meaning_is_an_error_of_the_start() {
    let pipeline = Pipeline::builder("wrong")
        .start_fn("numbers", || Ok(0..10_u32))
        .by(|n| *n)
        .broadcast()
        .branch(|all| all.partition(0, |n| *n, |lane| lane))
        .branch(|all| all.by(|n| *n))
        .merge()
        .by(|n| *n)
        .dispatcher(FairDispatcher::new)
        .broadcast()
        .done();
    let Err(StartError::Options { errors, .. }) = pipeline.start().await else { panic!("it started") };
    let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [
            "after `numbers`: a `by` or `dispatcher` before a broadcast, whose branches get every event: put it into the branches",
            "the partition after `numbers`: into must be at least 1, got 0",
            "the partition after `numbers`: its lanes need at least one step before the merge",
            "after `numbers`: a `by` or `dispatcher` at the end of a branch: put it after the `merge`",
            "after `numbers` and `numbers`: `dispatcher` after another or a `by`: only one can feed the next step",
            "after `numbers` and `numbers`: a `by` or `dispatcher` before a broadcast, whose branches get every event: put it into the branches",
            "the broadcast after `numbers` and `numbers`: it needs at least one branch",
        ]
    );
}

#[test]
fn a_branch_that_returns_another_pipeline_is_an_error() {
    let other = Pipeline::builder("other").start_fn("letters", || Ok('a'..'c')).finish_fn("drop", drop);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let wrong = Pipeline::builder("wrong").start_fn("numbers", || Ok(0..10)).broadcast();
    let error = runtime.block_on(wrong.ending(|_| other).done().start()).unwrap_err();
    assert!(error.to_string().contains("it must return the chain that it was given"), "{error}");
}

#[test]
fn a_topology_names_the_producers_of_each_step() {
    let pipeline = Pipeline::builder("levels")
        .defaults(StepOptions::new().max_demand(10).min_demand(1))
        .start_fn("numbers", || Ok(0..10_u32))
        .broadcast()
        .ending(|all| all.finish_fn("log", drop))
        .branch_when(|n| *n > 3, |large| large.partition(4, |n| *n, |lane| lane.step_fn("lane", |n| n)))
        .branch(|all| all)
        .merge()
        .finish_fn("end", drop);
    let topology = pipeline.topology();
    let kinds: Vec<_> = topology.links.iter().map(|link| (&*link.from, &*link.to, link.kind)).collect();
    assert_eq!(
        kinds,
        [
            ("numbers", "log", LinkKind::Broadcast),
            ("numbers", "lane", LinkKind::Partition),
            ("lane", "end", LinkKind::Straight),
            ("numbers", "end", LinkKind::Broadcast),
        ]
    );
    assert_eq!(
        topology.to_string(),
        "levels: 7 stages, 10 subscriptions, at most 136 events in flight
  start  numbers x1
  finish log x1, demand 1..10, from numbers (broadcast, at most 10 in flight)
  step   lane x1 in 4 lanes, demand 1..10, from numbers (partition, at most 40 in flight)
  finish end x1, demand 1..10, from lane (at most 40 in flight) and numbers (broadcast, at most 10 in flight)
"
    );
    assert_eq!(
        topology.to_dot(),
        "digraph \"levels\" {
    rankdir=LR;
    node [fontname=\"sans-serif\"];
    edge [fontname=\"sans-serif\"];
    s0 [label=\"numbers x1\", shape=ellipse];
    s1 [label=\"log x1\", shape=box, peripheries=2];
    s2 [label=\"lane x1 in 4 lanes\", shape=box];
    s3 [label=\"end x1\", shape=box, peripheries=2];
    s0 -> s1 [label=\"all, 1..10, at most 10\"];
    s0 -> s2 [label=\"partition, 1..10, at most 40\"];
    s2 -> s3 [label=\"1..10, at most 40\"];
    s0 -> s3 [label=\"all, 1..10, at most 10\"];
}
"
    );
    assert_eq!(
        topology.to_mermaid(),
        "flowchart LR
    s0([\"numbers x1\"])
    s1[[\"log x1\"]]
    s2[\"lane x1 in 4 lanes\"]
    s3[[\"end x1\"]]
    s0 -->|\"all, 1..10, at most 10\"| s1
    s0 -->|\"partition, 1..10, at most 40\"| s2
    s2 -->|\"1..10, at most 40\"| s3
    s0 -->|\"all, 1..10, at most 10\"| s3
"
    );
}
