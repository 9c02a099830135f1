//! Killed clients and a killed server: every message is handled.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::time::Duration;

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use stage_connect::laws::Scale;
use stage_connect::laws::crashes::{Worker, client_of_test, every_message_is_handled_through_crashes};
use stage_connect::{PullOptions, PushOptions, sink, source};
use stage_core::{Backoff, Pipeline, Running, StepOptions};
use stage_rabbitmq::{Outgoing, PublishOptions, RabbitMessage, RabbitPull, RabbitPush, ReadOptions, Server};
use support::RabbitServer;

const QUEUE: &str = "orders";
/// The server writes acknowledgements to the disk now and then: a kill forgets the last ones.
const UNRECORDED: usize = 10_000;
const PAUSE: Duration = Duration::from_millis(20);
/// The messages of one call of the sink. Those of a call that the server did not answer are stored again.
const BATCH: usize = 16;

/// Returns the number in an order.
fn number(payload: &[u8]) -> u32 {
    std::str::from_utf8(payload).unwrap().parse().unwrap()
}

/// Handles orders until the pipeline is stopped.
async fn consume(server: Server, mut handle: impl FnMut(u32) + Clone + Send + 'static) -> Running {
    let quick = PullOptions::new().reconnect(Backoff::new(PAUSE, 10 * PAUSE));
    let pipeline = Pipeline::builder("consume")
        .start("orders", move || {
            Ok(source::pulled(RabbitPull::new(server.clone(), ReadOptions::new(QUEUE)), quick))
        })
        .acknowledged()
        .finish_fn(StepOptions::named("handle").max_demand(100), move |order: RabbitMessage| {
            handle(number(&order.payload));
        });
    pipeline.start().await.unwrap()
}

async fn produce(server: Server, numbers: std::ops::Range<u32>) -> Running {
    let pipeline = Pipeline::builder("produce")
        .start_fn("numbers", move || Ok(numbers.clone().map(|number| Outgoing::new(number.to_string()))))
        .finish("orders", move || {
            let options = PushOptions::new()
                .reconnect(Backoff::new(PAUSE, 10 * PAUSE))
                .at_most(BATCH)
                .id(|order: &Outgoing| format!("order-{}", number(&order.payload)));
            Ok(sink::pushed_plain(RabbitPush::new(server.clone(), PublishOptions::to_queue(QUEUE)), options))
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
async fn every_message_is_handled_while_clients_and_the_server_are_killed() {
    let Some(mut server) = RabbitServer::alone() else { return };
    let (connection, channel) = server.channel().await;
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(QUEUE.into(), durable, FieldTable::default()).await.unwrap();
    drop((channel, connection));
    let scale = Scale::from_env();
    let producer = produce(server.server(), 0..scale.messages).await;
    let log = tempfile::NamedTempFile::new().unwrap();
    let url = server.url();
    let client = || {
        let mut command = client_of_test("worker");
        command.env("WORKER_URL", &url);
        command
    };
    let kill_and_restart = async || server.kill_and_restart();
    let report = every_message_is_handled_through_crashes(scale, log.path(), client, kill_and_restart).await;
    report.expect_explained(UNRECORDED, BATCH * scale.server_kills as usize);
    producer.join().await.unwrap();
}
