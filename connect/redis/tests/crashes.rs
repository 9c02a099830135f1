//! Killed clients and a killed server: every entry is handled, and every message is stored once.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::time::Duration;

use stage_connect::laws::Scale;
use stage_connect::laws::crashes::{Worker, client_of_test, every_message_is_handled_through_crashes};
use stage_connect::{PullOptions, PushOptions, sink, source};
use stage_core::{Backoff, Pipeline, Running, StepOptions};
use stage_redis::{Append, Fields, ReadOptions, RedisPull, RedisPush, Server};
use support::RedisServer;

const PAUSE: Duration = Duration::from_millis(20);

fn options() -> ReadOptions {
    ReadOptions::new("orders", "g").lease(Duration::from_secs(4)).claim_every(Duration::from_millis(50))
}

/// Returns the number in an order.
fn number(payload: &[u8]) -> u32 {
    std::str::from_utf8(payload).unwrap().parse().unwrap()
}

/// Handles orders until the pipeline is stopped.
async fn consume(server: Server, mut handle: impl FnMut(u32) + Clone + Send + 'static) -> Running {
    let quick = PullOptions::new().reconnect(Backoff::new(PAUSE, 10 * PAUSE));
    let pipeline = Pipeline::builder("consume")
        .start("orders", move || Ok(source::pulled(RedisPull::new(server.clone(), options()), quick)))
        .acknowledged()
        .finish_fn(StepOptions::named("handle").max_demand(20), move |order| {
            handle(number(order.fields.get("payload").unwrap()));
        });
    pipeline.start().await.unwrap()
}

async fn produce(server: Server, numbers: std::ops::Range<u32>) -> Running {
    let pipeline = Pipeline::builder("produce")
        .start_fn("numbers", move || Ok(numbers.clone().map(|number| Fields::payload(number.to_string()))))
        .finish("orders", move || {
            let options = PushOptions::new()
                .reconnect(Backoff::new(PAUSE, 10 * PAUSE))
                .at_most(16)
                .id(|order: &Fields| format!("order-{}", number(order.get("payload").unwrap())));
            Ok(sink::pushed_plain(RedisPush::new(server.clone(), Append::to("orders")), options))
        });
    pipeline.start().await.unwrap()
}

/// The client that is killed: a second process of this test program.
#[tokio::test]
async fn worker() {
    let Some(worker) = Worker::from_env() else { return };
    let server = Server::new(&std::env::var("WORKER_URL").unwrap()).unwrap();
    consume(server, move |number| worker.handled(number)).await.join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_is_stored_once_and_handled_while_clients_and_the_server_are_killed() {
    let Some(mut server) = RedisServer::start(&[]).await else { return };
    let scale = Scale::from_env();
    let producer = produce(server.server(), 0..scale.messages).await;
    let log = tempfile::NamedTempFile::new().unwrap();
    let url = server.url();
    let client = || {
        let mut command = client_of_test("worker");
        command.env("WORKER_URL", &url);
        command
    };
    let kill_and_restart = async || server.kill_and_restart().await;
    let report = every_message_is_handled_through_crashes(scale, log.path(), client, kill_and_restart).await;
    report.expect_explained(1_000, 0);
    producer.join().await.unwrap();
    let mut link = server.link().await.unwrap();
    let length: u32 = redis::cmd("XLEN").arg("orders").query_async(&mut link).await.unwrap();
    assert_eq!(length, scale.messages, "each message is stored once");
}
