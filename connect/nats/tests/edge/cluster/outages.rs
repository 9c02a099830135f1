//! A server that is killed, stopped and restarted under load.

use std::time::Duration;

use tokio::time::sleep;

use super::Scale;
use super::crew::{Crew, signal};
use super::feed::feed;
use super::judge::Judge;
use crate::{LEASE, start};

#[tokio::test]
async fn nothing_is_lost_and_order_is_kept_while_the_server_is_killed_and_stopped() {
    let scale = Scale::from_environment();
    let Some((mut server, edge)) = start(&scale.spec(LEASE)).await else { return };
    let mut crew = Crew::new(&server, Duration::from_micros(100), LEASE);
    (0..scale.workers).for_each(|_| drop(crew.join()));
    let mut judge = Judge::new(&crew.log(), scale);
    let spec = scale.spec(LEASE);
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
