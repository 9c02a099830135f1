//! Scale: ten thousand subscribers of one producer, and a thousand stages in a row.
//!
//! Time is paused and advances only when no stage has work, so a test that hangs fails at once.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use stage_core::dispatch::{BroadcastDispatcher, DispatchOptions, PartitionDispatcher};
use stage_core::spawn::{self, DemandMode, StageOptions};
use stage_core::stage::{FromIter, MapEach};
use stage_core::{
    Consumer, Context, Events, ExitReason, Nothing, Pipeline, ProducerRef, StageRef, StageResult,
    StepOptions, SubscribeOptions, sink,
};
use tokio::time::timeout;

const SUBSCRIBERS: usize = 10_000;
const STAGES: usize = 1_000;
const EVENTS: usize = 100_000;

/// Reached only when nothing moves any more.
const STUCK: Duration = Duration::from_mins(1);

/// Records its events.
struct Note(Arc<Mutex<Vec<usize>>>);

impl Consumer for Note {
    type Event = usize;

    async fn handle_events(&mut self, events: Events<'_, usize>, _: &mut Context<'_>) -> StageResult {
        self.0.lock().unwrap().extend(events);
        Ok(())
    }
}

/// A consumer of the crowd, and all events it received.
struct Member {
    seen: Arc<Mutex<Vec<usize>>>,
    stage: StageRef<Note, usize, Nothing>,
}

async fn member() -> Member {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let stage = spawn::consumer(Note(Arc::clone(&seen)), StageOptions::named("member")).await.unwrap();
    Member { seen, stage }
}

/// Creates ten thousand members, each subscribed with its own share.
async fn crowd(
    producer: &ProducerRef<usize>,
    window: &SubscribeOptions<usize>,
    share: impl Fn(usize) -> DispatchOptions<usize>,
) -> Vec<Member> {
    let mut members = Vec::with_capacity(SUBSCRIBERS);
    for place in 0..SUBSCRIBERS {
        let member = member().await;
        member.stage.subscribe(producer, window.clone().share(share(place))).await.unwrap();
        members.push(member);
    }
    members
}

/// Returns the events of each member, once all have ended with their producer.
async fn seen(members: Vec<Member>) -> Vec<Vec<usize>> {
    let mut all = Vec::with_capacity(members.len());
    for member in members {
        assert!(matches!(member.stage.ended().await, ExitReason::Normal));
        all.push(std::mem::take(&mut *member.seen.lock().unwrap()));
    }
    all
}

fn window(max: usize, min: usize) -> SubscribeOptions<usize> {
    SubscribeOptions::new().max_demand(max).min_demand(min)
}

/// Counts to `events` for a crowd, once all have subscribed; returns the events of each member.
async fn counted(
    events: usize,
    options: StageOptions<usize>,
    window: SubscribeOptions<usize>,
    share: impl Fn(usize) -> DispatchOptions<usize>,
) -> Vec<Vec<usize>> {
    let options = options.demand(DemandMode::Accumulate);
    let count = spawn::producer(FromIter::new(0..events), options).await.unwrap();
    let members = crowd(&count.producer(), &window, share).await;
    let standing = count.inspect().await.unwrap().consumers.len();
    assert_eq!(standing, SUBSCRIBERS);
    count.set_demand_mode(DemandMode::Forward);
    timeout(STUCK, seen(members)).await.expect("all end with their producer")
}

#[tokio::test(start_paused = true)]
async fn each_event_goes_to_one_of_ten_thousand_subscribers_and_each_gets_its_share() {
    let seen = counted(EVENTS, StageOptions::named("count"), window(2, 1), |_| DispatchOptions::new()).await;
    assert!(seen.iter().all(|member| !member.is_empty() && member.is_sorted()));
    let mut all = seen.concat();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..EVENTS));
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_reaches_all_of_ten_thousand_subscribers_in_order() {
    let options = StageOptions::named("count").dispatcher(BroadcastDispatcher::new());
    let seen = counted(50, options, window(10, 5), |_| DispatchOptions::new()).await;
    assert!(seen.iter().all(|member| member.iter().copied().eq(0..50)));
}

#[tokio::test(start_paused = true)]
async fn each_of_ten_thousand_partitions_gets_its_events_in_order() {
    let route = |event: usize| Some((event, event % SUBSCRIBERS));
    let options =
        StageOptions::named("count").dispatcher(PartitionDispatcher::routed(SUBSCRIBERS, route).unwrap());
    let share = |place| DispatchOptions::new().partition(place);
    let seen = counted(EVENTS, options, window(4, 2), share).await;
    for (place, member) in seen.into_iter().enumerate() {
        assert!(member.into_iter().eq((place..EVENTS).step_by(SUBSCRIBERS)), "partition {place}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_a_thousand_stages_passes_everything_on_in_order() {
    let count = spawn::producer(FromIter::new(0..EVENTS), StageOptions::named("count")).await.unwrap();
    let mut last = count.producer();
    let mut steps = Vec::with_capacity(STAGES);
    for _ in 0..STAGES {
        let step = MapEach::new(|event: usize| event + 1);
        let step = spawn::producer_consumer(step, StageOptions::named("add one")).await.unwrap();
        step.subscribe(&last, window(1_000, 500)).await.unwrap();
        last = step.producer();
        steps.push(step);
    }
    let end = member().await;
    end.stage.subscribe(&last, window(1_000, 500)).await.unwrap();
    let seen = timeout(STUCK, seen(vec![end])).await.expect("the end travels through the chain");
    assert!(seen[0].iter().copied().eq(STAGES..STAGES + EVENTS));
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_of_a_thousand_steps_starts_runs_and_ends() {
    let (all, collected) = sink::collect::<Vec<_>, _>();
    let mut chain = Pipeline::builder("long")
        .defaults(StepOptions::new().min_demand(500).max_demand(1_000))
        .start_fn("count", || Ok(0..EVENTS / 5));
    for step in 0..STAGES {
        chain = chain.step_fn(format!("add_one_{step}").as_str(), |event| event + 1);
    }
    let pipeline = chain.finish("all", move || Ok(all.clone()));
    let report = timeout(STUCK, async { pipeline.start().await.unwrap().join().await.unwrap() });
    let report = report.await.expect("it ends by itself");
    assert_eq!(report.stages.len(), STAGES + 2);
    assert!(report.stages.iter().all(|stage| stage.discarded == 0 && stage.restarts == 0));
    assert!(collected.await.unwrap().into_iter().eq(STAGES..STAGES + EVENTS / 5));
}
