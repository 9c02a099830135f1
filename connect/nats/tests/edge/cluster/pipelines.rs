//! Pipelines on several machines behind one edge.

use std::time::Duration;

use stage_edge::{Edge, EdgeSpec, Letter};
use tokio::time::{sleep, timeout};

use super::crew::{Crew, Kind};
use super::judge::Judge;
use super::pipeline::{Event, send};
use super::workers::pass_by;
use super::{PAUSE, SILENCE, Scale};
use crate::{LEASE, start};

/// Small frames, so that each partition has many.
fn spec(scale: Scale, lease: Duration) -> EdgeSpec {
    scale.spec(lease).frame_bytes(400).attempts(3)
}

#[tokio::test]
async fn pipelines_keep_the_order_of_each_key_while_workers_and_the_server_are_killed() {
    let scale = Scale::from_environment().quarter();
    let spec = spec(scale, LEASE);
    let Some((mut server, edge)) = start(&spec).await else { return };
    let mut crew = Crew::new(&server, &spec, Duration::from_micros(100)).running(Kind::Pipeline);
    crew.join_all(scale.workers);
    let mut judge = Judge::new(&crew, scale);
    let (sender, queue) = send(&edge, &spec, scale).await;
    for kill in 1..=scale.kills + 1 {
        judge.until(kill * (scale.events / (scale.kills + 2))).await;
        if kill > scale.kills {
            server.kill_and_restart().await;
        } else {
            crew.replace();
        }
    }
    judge.until_all().await;
    judge.print("pipelines killed");
    timeout(SILENCE, queue.until(|counts| counts.all() == 0)).await.unwrap();
    sender.drain(SILENCE).await.unwrap();
    assert!(judge.repeated < judge.all() / 2, "{} repeated", judge.repeated);
}

#[tokio::test]
async fn pipelines_join_and_drain_under_load_and_nothing_is_handled_twice() {
    let scale = Scale::from_environment().quarter();
    let lease = 10 * LEASE;
    let spec = spec(scale, lease);
    let Some((server, edge)) = start(&spec).await else { return };
    let mut crew = Crew::new(&server, &spec, Duration::from_micros(100)).running(Kind::Pipeline);
    crew.join_all(scale.workers);
    let mut judge = Judge::new(&crew, scale);
    let (sender, _) = send(&edge, &spec, scale).await;
    for change in 1..=scale.kills {
        judge.until(change * (scale.events / (scale.kills + 2))).await;
        crew.join();
        crew.leave().await;
    }
    judge.until_all().await;
    judge.print("pipelines joined and drained");
    sender.drain(SILENCE).await.unwrap();
    assert_eq!(judge.repeated, 0);
    // A lease that is not given back would end much later.
    assert!(judge.silence < lease / 2, "a key was silent for {:?}", judge.silence);
}

/// A partition that a process finishes and is to have again is given back first.
#[tokio::test]
async fn a_member_that_comes_and_goes_at_once_stops_no_lane() {
    let scale = Scale::from_environment().quarter();
    let spec = spec(scale, LEASE);
    let Some((server, edge)) = start(&spec).await else { return };
    let mut crew = Crew::new(&server, &spec, Duration::from_micros(100)).running(Kind::Pipeline);
    crew.join_all(scale.workers);
    let mut judge = Judge::new(&crew, scale);
    let (sender, queue) = send(&edge, &spec, scale).await;
    for visit in 1..=scale.visits() {
        judge.until(visit * (scale.events / (scale.visits() + 1))).await;
        pass_by(&edge.leases(&spec), &mut judge, visit).await;
    }
    judge.until_all().await;
    judge.print("members passed by pipelines");
    timeout(SILENCE, queue.until(|counts| counts.all() == 0)).await.unwrap();
    sender.drain(SILENCE).await.unwrap();
}

/// The source of the sender is far faster than a worker that handles nothing.
#[tokio::test]
async fn a_slow_worker_holds_up_the_sender_and_the_server_stays_small() {
    let scale = Scale::from_environment();
    let spec = spec(scale, LEASE);
    let Some((server, edge)) = start(&spec).await else { return };
    let (sender, queue) = send(&edge, &spec, scale).await;
    // Without a worker, a partition becomes full, and then little more leaves the queue.
    let waits_for_room = || {
        let steps = sender.monitor().status().steps;
        steps.iter().any(|step| step.waiting_for.as_ref().is_some_and(|text| text.contains("which is full")))
    };
    while !waits_for_room() {
        sleep(PAUSE).await;
    }
    for _ in 0..50 {
        sleep(PAUSE).await;
        assert!(edge.lag(&spec).await.unwrap().iter().all(|lag| lag.frames <= 64));
    }
    let left = queue.counts().ready;
    assert!(left > u64::from(scale.events / 2), "{left} events are left in the queue");
    let mut crew = Crew::new(&server, &spec, Duration::from_micros(20)).running(Kind::Pipeline);
    crew.join_all(scale.workers);
    let mut judge = Judge::new(&crew, scale);
    while judge.distinct < judge.all() {
        judge.until((judge.distinct + 1000).min(judge.all())).await;
        assert!(edge.lag(&spec).await.unwrap().iter().all(|lag| lag.frames <= 64));
    }
    judge.print("slow worker");
    sender.drain(SILENCE).await.unwrap();
}

/// The event ends each process that handles it. The attempts are counted by those that follow.
#[tokio::test]
async fn an_event_that_ends_processes_is_the_only_dead_one() {
    let scale =
        Scale { events: 400, partitions: 2, keys: 4, workers: 2, kills: 0, ..Scale::from_environment() };
    let spec = spec(scale, LEASE);
    let Some((server, edge)) = start(&spec).await else { return };
    let deadly = Event { key: 1, number: 17 };
    let mut crew = Crew::new(&server, &spec, Duration::ZERO).running(Kind::Deadly(deadly));
    crew.join_all(scale.workers);
    let mut judge = Judge::new(&crew, scale).without(deadly);
    let (sender, _) = send(&edge, &spec, scale).await;
    while judge.distinct < judge.all() - 1 {
        crew.replace_ended();
        judge.look();
        assert_eq!(judge.disordered, [""; 0]);
        sleep(PAUSE).await;
    }
    let context = async_nats::jetstream::new(server.client().await);
    let dead = context.get_stream("DEAD_shop").await.unwrap();
    assert_eq!(dead.cached_info().state.messages, 1);
    let letter = Letter::read(&dead.get_raw_message(1).await.unwrap().payload).unwrap();
    assert_eq!((letter.edge.as_str(), letter.attempts), ("orders", 3));
    sender.drain(SILENCE).await.unwrap();
}
