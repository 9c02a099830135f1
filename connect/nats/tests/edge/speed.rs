//! Frames through an edge beside the bare client, and beside one event a message:
//! `cargo test --release -p stage-nats --test edge speed -- --ignored --nocapture`.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use async_nats::jetstream::stream::{Config, RetentionPolicy};
use async_nats::jetstream::{AckKind, consumer::pull};
use bytes::Bytes;
use futures_util::StreamExt;
use stage_connect::{Disposition, MessageId, Pull, Push, PutError, Settle};
use stage_edge::{Edge, EdgeSpec, Epoch, Partition};
use stage_nats::edge::NatsEdge;
use tokio::task::JoinSet;

use crate::support::NatsServer;

const PARTITIONS: u32 = 4;
const EVENT: usize = 100;
const IN_FRAME: usize = 1000;
const PAIRS: usize = 3;

/// Stores and accepts `frames` frames per partition through an edge; returns the time.
async fn edge(server: &NatsServer, round: usize, frames: u32) -> Duration {
    let edge = NatsEdge::new(server.server());
    let spec = EdgeSpec::new("speed", format!("edge{round}")).partitions(PARTITIONS).setup(true);
    edge.open(&spec).await.unwrap();
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for partition in (0..PARTITIONS).map(Partition) {
        let mut outlet = edge.outlet(&spec, partition);
        tasks.spawn(async move {
            let frame = Bytes::from(vec![b'x'; IN_FRAME * EVENT]);
            outlet.connect().await.unwrap();
            for number in 0..frames {
                let message = [(MessageId::new(format!("{partition}-{number}")), frame.clone())];
                while let Err(full) = outlet.put(&message).await {
                    let PutError::Full { after } = full else { panic!("{full}") };
                    tokio::time::sleep(after).await;
                }
            }
        });
        let mut inlet = edge.inlet(&spec, partition, Epoch(1));
        tasks.spawn(async move {
            let mut settle = inlet.settle_half();
            inlet.connect().await.unwrap();
            let mut accepted = 0;
            while accepted < frames {
                for frame in inlet.pull(NonZeroUsize::MIN, Duration::from_secs(5)).await.unwrap() {
                    settle.settle(&[(frame.receipt, Disposition::Accept)]).await.unwrap();
                    accepted += 1;
                }
            }
        });
    }
    tasks.join_all().await;
    begun.elapsed()
}

/// Stores and acknowledges `messages` messages per subject with the bare client, `window` in flight; returns the time.
async fn bare(server: &NatsServer, name: &str, messages: u32, size: usize, window: i64) -> Duration {
    let context = async_nats::jetstream::new(server.client().await);
    let config = Config {
        name: name.to_owned(),
        subjects: vec![format!("{name}.*")],
        retention: RetentionPolicy::WorkQueue,
        ..Config::default()
    };
    let stream = context.create_stream(config).await.unwrap();
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for partition in 0..PARTITIONS {
        let (context, subject) = (context.clone(), format!("{name}.{partition}"));
        let consumer = pull::Config {
            durable_name: Some(format!("c{partition}")),
            filter_subject: subject.clone(),
            max_ack_pending: window,
            ..pull::Config::default()
        };
        let consumer = stream.create_consumer(consumer).await.unwrap();
        tasks.spawn(async move {
            let payload = Bytes::from(vec![b'x'; size]);
            let mut waiting = std::collections::VecDeque::new();
            for number in 0..messages {
                let mut headers = HeaderMap::new();
                headers.insert("Nats-Msg-Id", format!("{partition}-{number}").as_str());
                let sent = context.publish_with_headers(subject.clone(), headers, payload.clone());
                waiting.push_back(sent.await.unwrap());
                if waiting.len() == usize::try_from(window).unwrap() {
                    waiting.pop_front().unwrap().await.unwrap();
                }
            }
            for sent in waiting {
                sent.await.unwrap();
            }
        });
        tasks.spawn(async move {
            let mut incoming = consumer.messages().await.unwrap();
            for _ in 0..messages {
                incoming.next().await.unwrap().unwrap().ack_with(AckKind::Ack).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    begun.elapsed()
}

fn events_a_second(events: u32, took: Duration) -> f64 {
    f64::from(events) / took.as_secs_f64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn speed_beside_the_bare_client() {
    let Some(server) = NatsServer::start(&[]).await else { return };
    let (frames, singles) = (1500, 15_000);
    for round in 0..PAIRS {
        let events = PARTITIONS * frames * u32::try_from(IN_FRAME).unwrap();
        let ours = events_a_second(events, edge(&server, round, frames).await);
        let name = format!("frames{round}");
        let batched = events_a_second(events, bare(&server, &name, frames, IN_FRAME * EVENT, 32).await);
        let name = format!("single{round}");
        let single = events_a_second(PARTITIONS * singles, bare(&server, &name, singles, EVENT, 1000).await);
        println!(
            "edge {ours:.0} ev/s; bare client with frames {batched:.0} ev/s, ratio {:.2}; with one event a message \
             {single:.0} ev/s, ratio {:.1}",
            ours / batched,
            ours / single
        );
    }
}
