//! A database as the server of an edge: the laws of pools, and processes that are killed.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use stage_connect::laws::Scale;
use stage_connect::laws::crashes::client_of_test;
use stage_edge::laws::{PoolServer, crashes};
use stage_postgres::edge::PostgresEdge;
use stage_postgres::{Queue, QueueOptions, Server};

use crate::kit::Postgres;

fn open(server: Server) -> PostgresEdge {
    let options = QueueOptions::new().poll(Duration::from_millis(20));
    PostgresEdge::new(Queue::new(server, options).unwrap())
}

/// A table of the server that the tests share.
struct Database(Arc<Postgres>, String);

impl PoolServer for Database {
    type Edge = PostgresEdge;

    async fn start() -> Option<Self> {
        let server = Postgres::shared()?;
        let table = server.table();
        Some(Self(server, table))
    }

    async fn client(&self) -> PostgresEdge {
        let options = QueueOptions::new().poll(Duration::from_millis(20)).table(&self.1);
        PostgresEdge::new(Queue::new(self.0.server(), options).unwrap())
    }
}

mod pool {
    stage_edge::pool_laws!(super::Database);
}

/// The process that is killed: a second one of this test program.
#[tokio::test]
async fn worker() {
    crashes::work(async || open(Server::new(&std::env::var("WORKER_URL").unwrap()).unwrap())).await;
}

fn worker_of(server: &Postgres) -> Command {
    let mut command = client_of_test("edges::worker");
    command.env("WORKER_URL", server.address());
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_handled_while_workers_are_killed() {
    let Some(server) = Postgres::start() else { return };
    let (edge, log) = (open(server.server()), tempfile::NamedTempFile::new().unwrap());
    let kill_and_restart = async || {
        server.kill();
        server.restart();
    };
    let (scale, worker) = (Scale::from_env(), || worker_of(&server));
    crashes::every_event_is_handled_while_workers_are_killed(
        edge,
        scale,
        log.path(),
        worker,
        kill_and_restart,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_ends_its_process_is_the_only_dead_one() {
    let Some(server) = Postgres::start() else { return };
    let (edge, log) = (open(server.server()), tempfile::NamedTempFile::new().unwrap());
    let worker = || worker_of(&server);
    crashes::an_event_that_ends_its_process_is_the_only_dead_one(edge, log.path(), worker).await;
}
