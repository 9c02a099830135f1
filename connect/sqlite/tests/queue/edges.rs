//! A file as the server of an edge: the laws of pools, and processes that are killed.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use stage_connect::laws::Scale;
use stage_connect::laws::crashes::client_of_test;
use stage_edge::laws::{PoolServer, crashes};
use stage_sqlite::edge::SqliteEdge;
use stage_sqlite::{Queue, QueueOptions, Synchronous};
use tempfile::TempDir;

async fn open(path: &Path) -> SqliteEdge {
    let options = QueueOptions::new().poll(Duration::from_millis(10)).synchronous(Synchronous::Normal);
    SqliteEdge::new(Queue::open(path, options).await.unwrap()).await.unwrap()
}

struct File(TempDir);

impl PoolServer for File {
    type Edge = SqliteEdge;

    async fn start() -> Option<Self> {
        Some(Self(tempfile::tempdir().unwrap()))
    }

    async fn client(&self) -> SqliteEdge {
        open(&self.0.path().join("shop.db")).await
    }
}

mod pool {
    stage_edge::pool_laws!(super::File);
}

/// The process that is killed: a second one of this test program.
#[tokio::test]
async fn worker() {
    crashes::work(async || open(std::env::var_os("WORKER_FILE").unwrap().as_ref()).await).await;
}

fn worker_of(file: &Path) -> Command {
    let mut command = client_of_test("edges::worker");
    command.env("WORKER_FILE", file);
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_handled_while_workers_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.db");
    let (edge, log) = (open(&file).await, tempfile::NamedTempFile::new().unwrap());
    let (scale, worker) = (Scale::from_env().without_server_kills(), || worker_of(&file));
    crashes::every_event_is_handled_while_workers_are_killed(edge, scale, log.path(), worker, async || {})
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_ends_its_process_is_the_only_dead_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.db");
    let (edge, log) = (open(&file).await, tempfile::NamedTempFile::new().unwrap());
    let worker = || worker_of(&file);
    crashes::an_event_that_ends_its_process_is_the_only_dead_one(edge, log.path(), worker).await;
}
