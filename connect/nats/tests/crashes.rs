//! Killed clients and killed servers: every message is handled, and every message is stored once.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use stage_connect::laws::crashes;
use stage_connect::{PullOptions, PushOptions, sink, source};
use stage_core::{Backoff, Pipeline, Running, StepOptions};
use stage_nats::{NatsPull, NatsPush, Outgoing, PublishOptions, ReadOptions, Server};
use support::NatsServer;

const MESSAGES: u32 = 2000;
/// The time limit of a test.
const DEADLINE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(20);

fn options() -> ReadOptions {
    ReadOptions::new("ORDERS", "g").lease(Duration::from_millis(700))
}

async fn start() -> Option<NatsServer> {
    let server = NatsServer::start(&[]).await?;
    server.server().create_stream("ORDERS", &["orders"]).await.unwrap();
    Some(server)
}

/// Returns the number in an order.
fn number(payload: &[u8]) -> u32 {
    std::str::from_utf8(payload).unwrap().parse().unwrap()
}

/// Handles orders until the pipeline is stopped.
async fn consume(server: Server, mut handle: impl FnMut(u32) + Clone + Send + 'static) -> Running {
    let quick = PullOptions::new().reconnect(Backoff::new(PAUSE, 10 * PAUSE));
    let pipeline = Pipeline::builder("consume")
        .start("orders", move || Ok(source::pulled(NatsPull::new(server.clone(), options()), quick)))
        .acknowledged()
        .finish_fn(StepOptions::named("handle").max_demand(20), move |order| handle(number(&order.payload)));
    pipeline.start().await.unwrap()
}

async fn produce(server: Server, numbers: std::ops::Range<u32>) -> Running {
    let pipeline = Pipeline::builder("produce")
        .start_fn("numbers", move || Ok(numbers.clone().map(|number| Outgoing::new(number.to_string()))))
        .finish("orders", move || {
            let options = PushOptions::new()
                .reconnect(Backoff::new(PAUSE, 10 * PAUSE))
                .at_most(16)
                .id(|order: &Outgoing| format!("order-{}", number(&order.payload)));
            Ok(sink::pushed_plain(NatsPush::new(server.clone(), PublishOptions::to("orders")), options))
        });
    pipeline.start().await.unwrap()
}

/// The client that is killed: a second process of this test program.
#[tokio::test]
async fn worker() {
    let (Ok(url), Ok(log)) = (std::env::var("WORKER_URL"), std::env::var("WORKER_LOG")) else { return };
    let log = Arc::new(OpenOptions::new().append(true).open(log).unwrap());
    let running = consume(Server::new(&url).unwrap(), move |number| {
        (&*log).write_all(format!("{number}\n").as_bytes()).unwrap();
    });
    running.await.join().await.unwrap();
}

fn worker_command(url: &str, log: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["worker", "--exact"]).env("WORKER_URL", url).env("WORKER_LOG", log);
    command.stdout(Stdio::null());
    command
}

#[tokio::test]
async fn every_message_is_handled_while_clients_are_killed() {
    let Some(server) = start().await else { return };
    produce(server.server(), 0..MESSAGES).await.join().await.unwrap();
    let log = tempfile::NamedTempFile::new().unwrap();
    let client = || worker_command(&server.url(), log.path());
    crashes::every_message_is_handled_while_clients_are_killed(MESSAGES, log.path(), client).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_is_stored_once_and_handled_while_the_server_is_killed() {
    let Some(mut server) = start().await else { return };
    let producer = produce(server.server(), 0..MESSAGES).await;
    let (handled, seen) = tokio::sync::mpsc::unbounded_channel();
    let consumer = consume(server.server(), move |number| handled.send(number).unwrap()).await;
    let kill_and_restart = async || server.kill_and_restart().await;
    crashes::every_message_is_handled_while_the_server_is_killed(MESSAGES, seen, kill_and_restart).await;
    producer.join().await.unwrap();
    consumer.drain(DEADLINE).await.unwrap();
    let context = async_nats::jetstream::new(server.client().await);
    let stream = context.get_stream("ORDERS").await.unwrap();
    assert_eq!(stream.cached_info().state.messages, u64::from(MESSAGES));
}
