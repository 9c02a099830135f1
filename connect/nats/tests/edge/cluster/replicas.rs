//! A cluster of three servers: streams with three replicas outlive the server that leads them.

use std::time::Duration;

use stage_edge::{Edge, EdgeSpec, Opened};
use stage_nats::Server;
use stage_nats::edge::NatsEdge;
use tokio::time::{sleep, timeout};

use super::crew::{Crew, Kind};
use super::judge::Judge;
use super::pipeline::send;
use super::{PAUSE, SILENCE, Scale};
use crate::LEASE;
use crate::inlets::come_in_order;
use crate::support::NatsServer;

/// Returns the place of the server that leads the stream of the frames.
async fn leader(servers: &[NatsServer]) -> usize {
    let context = async_nats::jetstream::new(servers[0].client().await);
    let stream = context.get_stream("EDGE_shop_orders").await.unwrap();
    let leader = stream.cached_info().cluster.as_ref().and_then(|cluster| cluster.leader.clone()).unwrap();
    (0..servers.len()).find(|number| NatsServer::name(*number) == leader).unwrap()
}

/// Opens an edge as soon as it can be: servers elect a leader first, and a link may lose an answer.
pub(super) async fn open(edge: &NatsEdge, spec: &EdgeSpec) -> Opened {
    let opened = async {
        loop {
            match edge.open(spec).await {
                Ok(opened) => return opened,
                Err(error) => println!("{error}"),
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(SILENCE, opened).await.unwrap()
}

/// Servers from 2.11.2 to 2.11.4 report the end of a request before the frames. With 2.11.4 they come in order, but some
/// runs stall: that version may refuse a frame permanently, with the code 10158, once its partition has been full.
///
/// `cargo test -p stage-nats --all-features --test edge replicas -- --ignored`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs three servers, and finds what it looks for with some versions only"]
async fn frames_in_flight_come_in_order_from_a_cluster() {
    let spec = crate::spec().frames_kept(16).frames_in_flight(16);
    let Some(servers) = NatsServer::cluster().await else { return };
    let urls: Vec<_> = servers.iter().map(NatsServer::url).collect();
    let edge = NatsEdge::new(Server::new(&urls.join(",")).unwrap()).replicas(3);
    open(&edge, &spec).await;
    come_in_order(&edge, &spec).await;
}

/// `cargo test -p stage-nats --all-features --test edge replicas -- --ignored --nocapture`
#[tokio::test]
#[ignore = "takes half a minute: three servers elect leaders twice"]
async fn nothing_is_lost_when_the_server_is_killed_that_leads_the_frames() {
    let scale = Scale::from_environment().quarter();
    let Some(mut servers) = NatsServer::cluster().await else { return };
    let urls: Vec<_> = servers.iter().map(NatsServer::url).collect();
    let url = urls.join(",");
    let edge = NatsEdge::new(Server::new(&url).unwrap()).replicas(3);
    let spec = scale.spec(LEASE).frame_bytes(400).attempts(3);
    let opened = open(&edge, &spec).await;
    assert_eq!((opened.durability.as_str(), opened.warnings.len()), ("3 replicas", 0));
    let crew = Crew::new(&servers[0], &spec, Duration::from_micros(100)).in_cluster(url, 3);
    let mut crew = crew.running(Kind::Pipeline);
    crew.join_all(scale.workers);
    let mut judge = Judge::new(&crew, scale);
    let (sender, queue) = send(&edge, &spec, scale).await;
    judge.until(judge.all() / 3).await;
    let leader = leader(&servers).await;
    servers[leader].kill();
    judge.is_back();
    judge.until_all().await;
    judge.print("the leader of three servers killed");
    timeout(SILENCE, queue.until(|counts| counts.all() == 0)).await.unwrap();
    let is_empty = async || edge.lag(&spec).await.is_ok_and(|lags| lags.iter().all(|lag| lag.frames == 0));
    timeout(SILENCE, async {
        while !is_empty().await {
            sleep(PAUSE).await;
        }
    })
    .await
    .unwrap();
    sender.drain(SILENCE).await.unwrap();
}
