//! A server that is killed, stopped and restarted under load.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::crew::{Crew, Kind, signal};
use super::feed::feed;
use super::judge::Judge;
use super::pipeline::send;
use super::{SILENCE, Scale};
use crate::{LEASE, start};

#[tokio::test]
async fn nothing_is_lost_and_order_is_kept_while_the_server_is_killed_and_stopped() {
    let scale = Scale::from_environment();
    let spec = scale.spec(LEASE);
    let Some((mut server, edge)) = start(&spec).await else { return };
    let mut crew = Crew::new(&server, &spec, Duration::from_micros(100));
    crew.join_all(scale.workers);
    let mut judge = Judge::new(&crew, scale);
    let outages = async {
        for outage in 1..=scale.kills.max(2) {
            judge.until(outage * (scale.events / (scale.kills.max(2) + 1))).await;
            if outage % 2 == 0 {
                signal(server.id(), "STOP");
                sleep(Duration::from_secs(3)).await;
                signal(server.id(), "CONT");
            } else {
                server.kill_and_restart().await;
            }
        }
        judge.until_all().await;
    };
    tokio::join!(feed(&edge, &spec, scale), outages);
    judge.print("server killed and stopped");
    assert!(judge.repeated < judge.all() / 2, "{} repeated", judge.repeated);
}

/// `EDGE_OUTAGES` sets their number.
#[tokio::test]
async fn pipelines_go_on_when_a_server_that_was_ended_killed_or_stopped_is_back() {
    let scale = Scale::from_environment().quarter();
    let outages = std::env::var("EDGE_OUTAGES").map_or(3, |text| text.parse().expect("a number"));
    let spec = scale.spec(LEASE).frame_bytes(400).attempts(3);
    let Some((mut server, edge)) = start(&spec).await else { return };
    let mut crew = Crew::new(&server, &spec, Duration::from_micros(100)).running(Kind::Pipeline);
    crew.join_all(scale.workers);
    let mut judge = Judge::new(&crew, scale);
    let (sender, queue) = send(&edge, &spec, scale).await;
    for outage in 1..=outages {
        judge.until(outage * (judge.all() / (outages + 1))).await;
        match outage % 3 {
            1 => server.terminate_and_restart().await,
            2 => server.kill_and_restart().await,
            _ => {
                signal(server.id(), "STOP");
                sleep(Duration::from_secs(8)).await;
                signal(server.id(), "CONT");
            }
        }
        judge.is_back();
    }
    judge.until_all().await;
    judge.print("server ended, killed and stopped");
    timeout(SILENCE, queue.until(|counts| counts.all() == 0)).await.unwrap();
    sender.drain(SILENCE).await.unwrap();
}
