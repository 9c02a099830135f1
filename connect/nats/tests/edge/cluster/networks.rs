//! Links that are cut, and links that lose packets.

use std::time::Duration;

use stage_edge::EdgeSpec;
use stage_nats::edge::NatsEdge;
use tokio::time::{sleep, timeout};

use super::crew::{Crew, Kind};
use super::judge::Judge;
use super::network::Network;
use super::pipeline::send;
use super::replicas::open;
use super::{PAUSE, SILENCE, Scale};
use crate::support::NatsServer;
use crate::{LEASE, opened};

/// The time for which a link is cut.
const CUT: Duration = Duration::from_secs(8);

/// A server at the other end of a network's link.
async fn server_behind(network: &Network, spec: &EdgeSpec) -> Option<(NatsServer, NatsEdge)> {
    let server = NatsServer::start_by(|program| network.command(program), network.there(), &[]).await?;
    let edge = NatsEdge::new(server.server());
    open(&edge, spec).await;
    Some((server, edge))
}

/// Sends over a network, and handles behind it; calls `fault` when a part of the events is handled.
async fn cross(what: &str, network: &Network, fault: impl AsyncFnOnce(&mut Judge)) {
    let scale = Scale::from_environment().quarter();
    let spec = scale.spec(LEASE).frame_bytes(400).attempts(3);
    let Some((server, edge)) = server_behind(network, &spec).await else { return };
    let mut crew = Crew::new(&server, &spec, Duration::from_micros(100)).running(Kind::Pipeline);
    crew.join_all(scale.workers);
    let mut judge = Judge::new(&crew, scale);
    let (sender, queue) = send(&edge, &spec, scale).await;
    judge.until(judge.all() / 3).await;
    fault(&mut judge).await;
    judge.until_all().await;
    judge.print(what);
    timeout(SILENCE, queue.until(|counts| counts.all() == 0)).await.unwrap();
    sender.drain(SILENCE).await.unwrap();
}

#[tokio::test]
async fn pipelines_go_on_when_a_link_that_was_cut_is_back() {
    let Some(network) = Network::create() else { return };
    let cut = async |judge: &mut Judge| {
        network.cut();
        sleep(CUT).await;
        network.mend();
        judge.is_back();
    };
    cross("link cut", &network, cut).await;
}

#[tokio::test]
async fn pipelines_lose_nothing_over_a_link_that_loses_packets() {
    let Some(network) = Network::create() else { return };
    if !network.lose(5) {
        return;
    }
    cross("5 % of the packets lost", &network, async |_| {}).await;
}

/// A frame that the steps have in hand at the end of the lease is handled to its end.
#[tokio::test]
async fn a_worker_that_is_cut_off_hands_out_no_frame_after_its_lease() {
    let Some(network) = Network::create() else { return };
    let scale = Scale { events: 768, keys: 64, partitions: 16, ..Scale::from_environment() };
    let spec = scale.spec(LEASE).frame_bytes(400).attempts(3);
    let server = NatsServer::start_by(std::process::Command::new, network.here(), &[]).await;
    let Some((server, edge)) = opened(server, &spec).await else { return };
    // A frame takes about half a second, and one of each partition is at the worker.
    let mut crew = Crew::new(&server, &spec, Duration::from_millis(20)).running(Kind::Pipeline);
    let cut_off = crew.join_behind(&network);
    let mut judge = Judge::new(&crew, scale);
    let (sender, queue) = send(&edge, &spec, scale).await;
    judge.until(judge.all() / 8).await;
    network.cut();
    let other = crew.join();
    sleep(CUT / 2).await;
    let at_lease = judge.handled_by(&cut_off);
    sleep(CUT / 2).await;
    assert_eq!(judge.handled_by(&cut_off), at_lease, "events after the end of the lease");
    while judge.handled_by(&other) == 0 {
        sleep(PAUSE).await;
    }
    network.mend();
    judge.until_all().await;
    judge.print("worker cut off");
    timeout(SILENCE, queue.until(|counts| counts.all() == 0)).await.unwrap();
    sender.drain(SILENCE).await.unwrap();
}
