//! Killed, stopped, joining and leaving workers.

use std::time::Duration;

use stage_edge::{Edge, Leases, Member, MemberId};
use tokio::time::sleep;

use super::crew::{Crew, signal};
use super::feed::feed;
use super::judge::Judge;
use super::{FRAME, Scale};
use crate::{LEASE, start};

/// A worker that is killed holds at most one frame in each of its partitions.
#[tokio::test]
async fn events_of_each_key_are_handled_in_order_while_workers_are_killed() {
    let scale = Scale::from_environment();
    let spec = scale.spec(LEASE);
    let Some((server, edge)) = start(&spec).await else { return };
    let mut crew = Crew::new(&server, &spec, Duration::from_micros(100));
    crew.join_all(scale.workers);
    let mut judge = Judge::new(&crew, scale);
    let kills = async {
        for kill in 1..=scale.kills {
            judge.until(kill * (scale.events / (scale.kills + 1))).await;
            crew.replace();
        }
        judge.until_all().await;
    };
    tokio::join!(feed(&edge, &spec, scale), kills);
    judge.print("workers killed");
    judge.assert_few_repeated();
}

/// A worker that is stopped for longer than its lease wakes up as a zombie: others own its partitions.
#[tokio::test]
async fn a_worker_that_was_stopped_beyond_its_lease_hands_out_nothing_more() {
    let scale = Scale::from_environment();
    let spec = scale.spec(LEASE);
    let Some((server, edge)) = start(&spec).await else { return };
    // Slow enough that events are left when the zombie wakes up.
    let mut crew = Crew::new(&server, &spec, Duration::from_micros(500));
    crew.join_all(scale.workers);
    let mut judge = Judge::new(&crew, scale);
    let stops = async {
        for stop in 1..=scale.stops {
            judge.until(stop * (scale.events / (scale.stops + 4))).await;
            let (_, zombie) = &crew.workers[stop as usize % crew.workers.len()];
            let zombie = zombie.id();
            signal(zombie, "STOP");
            sleep(LEASE + LEASE / 2).await;
            signal(zombie, "CONT");
        }
        judge.until_all().await;
    };
    tokio::join!(feed(&edge, &spec, scale), stops);
    judge.print("workers stopped");
    // No event was handled before an earlier one of its key, so the zombie handled at most what was in hand.
    judge.assert_few_repeated();
}

#[tokio::test]
async fn workers_join_and_leave_under_load_and_nothing_is_handled_twice() {
    let scale = Scale::from_environment();
    // A partition moves when it is given back; none is lost on a slow machine.
    let lease = 10 * LEASE;
    let spec = scale.spec(lease);
    let Some((server, edge)) = start(&spec).await else { return };
    let mut crew = Crew::new(&server, &spec, Duration::from_micros(200));
    crew.join_all(scale.workers);
    let mut judge = Judge::new(&crew, scale);
    let changes = async {
        for change in 1..=scale.kills {
            judge.until(change * (scale.events / (scale.kills + 2))).await;
            crew.join();
            crew.leave().await;
        }
        judge.until_all().await;
    };
    tokio::join!(feed(&edge, &spec, scale), changes);
    judge.print("workers joined and left");
    assert_eq!(judge.repeated, 0);
    // A lease that is not given back would end much later.
    assert!(judge.silence < lease / 2, "a key was silent for {:?}", judge.silence);
}

/// Such a member is one whose announcement came late: the others finish its share, and have it again before they have
/// given it back.
#[tokio::test]
async fn a_member_that_comes_and_goes_at_once_stops_no_partition() {
    let scale = Scale::from_environment();
    let spec = scale.spec(LEASE);
    let Some((server, edge)) = start(&spec).await else { return };
    let mut crew = Crew::new(&server, &spec, Duration::from_micros(100));
    crew.join_all(scale.workers);
    let mut judge = Judge::new(&crew, scale);
    let passing = async {
        for visit in 1..=scale.visits() {
            judge.until(visit * (scale.events / (scale.visits() + 1))).await;
            pass_by(&edge.leases(&spec), &mut judge, visit).await;
        }
        judge.until_all().await;
    };
    tokio::join!(feed(&edge, &spec, scale), passing);
    judge.print("members passed by");
    judge.assert_few_repeated();
}

/// Announces a member until the workers have handled some events.
pub(super) async fn pass_by(leases: &impl Leases, judge: &mut Judge, visit: u32) {
    let id = MemberId::new(format!("passing-{visit}"));
    let member = Member { name: id.as_str().to_owned(), id, leaving: false };
    leases.announce(&member).await.unwrap();
    judge.until((judge.distinct + FRAME).min(judge.all())).await;
    leases.withdraw(&member.id).await.unwrap();
}
