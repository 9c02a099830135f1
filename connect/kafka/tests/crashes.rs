//! Killed members of a group: every message is handled.
//!
//! The cluster lives in the memory of this program and loses its messages with it, so no test kills a broker.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use rdkafka::mocking::MockCluster;
use stage_connect::laws::Scale;
use stage_connect::laws::by_hand::put_all;
use stage_connect::laws::crashes::{Worker, client_of_test, every_message_is_handled_through_crashes};
use stage_connect::{MessageId, PullOptions, Push, source};
use stage_core::{Pipeline, StepOptions};
use stage_kafka::{KafkaMessage, KafkaPull, KafkaPush, Outgoing, ProduceOptions, ReadOptions, Server};

const PARTITIONS: u16 = 4;
/// The messages of a partition that a killed member repeats, at most.
const AHEAD: u16 = 500;

/// The client that is killed: a second process of this test program.
#[tokio::test]
async fn worker() {
    let Some(worker) = Worker::from_env() else { return };
    let server = Server::new(std::env::var("WORKER_SERVERS").unwrap())
        .set("session.timeout.ms", "3000")
        .set("heartbeat.interval.ms", "300");
    let options = ReadOptions::new("orders", "g").settle_within(Duration::from_secs(2)).ahead(AHEAD.into());
    let pipeline = Pipeline::builder("consume")
        .start("orders", move || {
            Ok(source::pulled(KafkaPull::new(server.clone(), options.clone()), PullOptions::new()))
        })
        .acknowledged()
        .finish_fn(StepOptions::named("handle").max_demand(100), move |order: KafkaMessage| {
            worker.handled(std::str::from_utf8(&order.payload).unwrap().parse().unwrap());
        });
    pipeline.start().await.unwrap().join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_is_handled_while_members_are_killed() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("orders", PARTITIONS.into(), 1).unwrap();
    let servers = cluster.bootstrap_servers();
    let scale = Scale::from_env().without_server_kills();
    let mut push = KafkaPush::new(Server::new(&*servers), ProduceOptions::to("orders"));
    push.connect().await.unwrap();
    let message = |number: u32| (MessageId::new(number.to_string()), Outgoing::new(number.to_string()));
    let messages: Vec<_> = (0..scale.messages).map(message).collect();
    put_all(&mut push, &messages).await;
    let log = tempfile::NamedTempFile::new().unwrap();
    let client = || {
        let mut command = client_of_test("worker");
        command.env("WORKER_SERVERS", &servers);
        command
    };
    let report = every_message_is_handled_through_crashes(scale, log.path(), client, async || {}).await;
    report.expect_explained(usize::from(PARTITIONS * AHEAD), 0);
}
