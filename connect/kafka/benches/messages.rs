//! Messages per second through produce, read and commit: the connector beside the client library by hand.
//!
//! ```text
//! cargo bench -p stage-kafka --bench messages -- [MESSAGES]
//! ```
//!
//! Both sides produce idempotently in batches of the same size and wait until these are stored, read a partition as the
//! one member of a group, and commit the position behind each batch. They alternate. The cluster is that of librdkafka, in
//! the memory of this process, so the figures compare the clients and say nothing of a broker.
//!
//! By hand, a message is looked at where the client has it; the connector hands out a copy with its headers, since a
//! pipeline moves it to other threads.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use rdkafka::ClientConfig;
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{FutureProducer, FutureRecord};
use stage_connect::laws::{Outcome, beside, by_hand, numbers};
use stage_connect::{Disposition, MessageId, Push};
use stage_kafka::{KafkaPull, KafkaPush, KafkaSettle, Outgoing, ProduceOptions, ReadOptions, Server};

const BATCH: usize = 200;
const ROUNDS: usize = 5;
const PAYLOAD: [u8; 100] = [7; 100];
const LONG: Duration = Duration::from_secs(20);
/// The cluster in memory answers a fetch that finds nothing at the end of this wait, even if messages have come since. A
/// real one answers when they come, and a long wait would measure the phase of that clock.
const LONG_POLL: (&str, &str) = ("fetch.wait.max.ms", "5");

struct Plain {
    producer: FutureProducer,
    consumer: StreamConsumer,
}

impl Plain {
    /// Joins the group, which takes some seconds and one message.
    async fn new(brokers: &str) -> Outcome<Self> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", brokers);
        let mut producing = config.clone();
        producing.set("enable.idempotence", "true").set("acks", "all").set("linger.ms", "2");
        let mut reading = config;
        reading.set("group.id", "plain").set("auto.offset.reset", "earliest");
        reading.set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
        reading.set(LONG_POLL.0, LONG_POLL.1);
        let this = Self { producer: producing.create()?, consumer: reading.create()? };
        this.consumer.subscribe(&["plain"])?;
        this.produce(1).await?;
        this.read(1).await?;
        Ok(this)
    }

    async fn produce(&self, messages: usize) -> Outcome<()> {
        let send = |number: usize| async move {
            let id = number.to_string();
            let headers = OwnedHeaders::new().insert(Header { key: "message-id", value: Some(&id) });
            let record = FutureRecord::<[u8], [u8]>::to("plain").payload(&PAYLOAD).headers(headers);
            self.producer.send(record, LONG).await.map_err(|(error, _)| error)
        };
        try_join_all((0..messages).map(send)).await?;
        Ok(())
    }

    async fn read(&self, messages: usize) -> Outcome<()> {
        for left in (0..messages).rev() {
            let message = self.consumer.recv().await?;
            if left == 0 {
                tokio::task::block_in_place(|| self.consumer.commit_message(&message, CommitMode::Sync))?;
            }
        }
        Ok(())
    }

    async fn round(&self, messages: usize) -> Outcome<Duration> {
        let begun = Instant::now();
        for _ in 0..messages / BATCH {
            self.produce(BATCH).await?;
        }
        for _ in 0..messages / BATCH {
            self.read(BATCH).await?;
        }
        Ok(begun.elapsed())
    }
}

struct Ours {
    push: KafkaPush,
    pull: KafkaPull,
    settle: KafkaSettle,
}

impl Ours {
    async fn new(brokers: String) -> Outcome<Self> {
        let server = Server::new(brokers).set(LONG_POLL.0, LONG_POLL.1);
        let mut push = KafkaPush::new(server.clone(), ProduceOptions::to("ours"));
        push.connect().await?;
        let (pull, settle) = by_hand::opened(KafkaPull::new(server, ReadOptions::new("ours", "ours"))).await;
        let mut this = Self { push, pull, settle };
        this.produce(1).await;
        this.read(1).await;
        Ok(this)
    }

    async fn produce(&mut self, messages: usize) {
        let message = |number: usize| (MessageId::new(number.to_string()), Outgoing::new(PAYLOAD.to_vec()));
        let batch: Vec<_> = (0..messages).map(message).collect();
        by_hand::put_all(&mut self.push, &batch).await;
    }

    async fn read(&mut self, messages: usize) {
        let taken = by_hand::take_all(&mut self.pull, messages, LONG).await;
        by_hand::settle_all(&mut self.settle, &taken, Disposition::Accept).await;
    }

    async fn round(&mut self, messages: usize) -> Duration {
        let begun = Instant::now();
        for _ in 0..messages / BATCH {
            self.produce(BATCH).await;
        }
        for _ in 0..messages / BATCH {
            self.read(BATCH).await;
        }
        begun.elapsed()
    }
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let [messages] = numbers([20_000])?;
    let cluster = MockCluster::new(1)?;
    cluster.create_topic("plain", 1, 1)?;
    cluster.create_topic("ours", 1, 1)?;
    let plain = Plain::new(&cluster.bootstrap_servers()).await?;
    let mut ours = Ours::new(cluster.bootstrap_servers()).await?;
    let names = ["the client by hand", "the connector"];
    let by_hand = async || plain.round(messages).await;
    beside(names, messages, ROUNDS, by_hand, async || Ok(ours.round(messages).await)).await
}
