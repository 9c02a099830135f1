//! JetStream as the server of an edge: its objects one by one, the laws of connectors, and clusters of worker processes
//! that are killed, stopped and cut off.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cluster;
mod dead;
mod fsync;
mod handover;
mod inlets;
mod laws;
mod leases;
mod objects;
mod outlets;
mod rights;
mod speed;
#[path = "../support/mod.rs"]
mod support;
mod tls;

use std::time::Duration;

use stage_edge::{Edge, EdgeSpec};
use stage_nats::edge::NatsEdge;
use support::NatsServer;

/// Long enough for a busy machine: a test that waits this long has failed.
const LONG: Duration = Duration::from_secs(20);
/// The least lease.
const LEASE: Duration = Duration::from_secs(2);

/// An edge of four partitions.
fn spec() -> EdgeSpec {
    EdgeSpec::new("shop", "orders").partitions(4).lease(LEASE).setup(true)
}

/// Starts a server with the objects of an edge.
async fn start(spec: &EdgeSpec) -> Option<(NatsServer, NatsEdge)> {
    opened(NatsServer::start(&[]).await, spec).await
}

/// Creates the objects of an edge on a server.
async fn opened(server: Option<NatsServer>, spec: &EdgeSpec) -> Option<(NatsServer, NatsEdge)> {
    let server = server?;
    let edge = NatsEdge::new(server.server());
    edge.open(spec).await.unwrap();
    Some((server, edge))
}
