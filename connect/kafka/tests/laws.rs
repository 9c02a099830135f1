//! The laws of connectors, against librdkafka's cluster in memory, which speaks the protocol over the loopback device.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use stage_connect::laws::{Counts, LawServer};
use stage_connect::{Acks, ConnectError, Pull, Pulled};
use stage_kafka::{KafkaMessage, KafkaPull, KafkaSettle, ReadOptions, Receipt, Server};

const WITHIN: Duration = Duration::from_secs(20);

/// A cluster on a thread of its own, since it may not be moved to another one.
struct Cluster {
    servers: String,
    is_up: mpsc::Sender<(bool, mpsc::Sender<()>)>,
}

impl Cluster {
    fn start() -> Self {
        let (is_up, changes) = mpsc::channel::<(bool, mpsc::Sender<()>)>();
        let (started, servers) = mpsc::channel();
        thread::spawn(move || {
            let cluster = MockCluster::new(1).unwrap();
            cluster.create_topic("orders", 1, 1).unwrap();
            cluster.create_topic("orders.dead", 1, 1).unwrap();
            started.send(cluster.bootstrap_servers()).unwrap();
            for (is_up, done) in changes {
                if is_up {
                    cluster.broker_up(1).unwrap();
                } else {
                    cluster.broker_down(1).unwrap();
                }
                done.send(()).unwrap();
            }
        });
        Self { servers: servers.recv().unwrap(), is_up }
    }

    fn set_up(&self, is_up: bool) {
        let (done, changed) = mpsc::channel();
        self.is_up.send((is_up, done)).unwrap();
        changed.recv().unwrap();
    }
}

struct Kafka {
    cluster: Cluster,
    published: i64,
    /// The offset behind the last message that a client has received.
    delivered: Arc<AtomicI64>,
    watcher: BaseConsumer,
}

/// Counts deliveries, which a broker does not know.
struct Counted {
    pull: KafkaPull,
    delivered: Arc<AtomicI64>,
}

impl Pull for Counted {
    type Message = KafkaMessage;
    type Receipt = Receipt;
    type Settle = KafkaSettle;

    const ACKS: Acks = KafkaPull::ACKS;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.pull.connect().await
    }

    fn settle_half(&mut self) -> KafkaSettle {
        self.pull.settle_half()
    }

    async fn pull(
        &mut self,
        at_most: NonZeroUsize,
        wait: Duration,
    ) -> Result<Vec<Pulled<KafkaMessage, Receipt>>, ConnectError> {
        let pulled = self.pull.pull(at_most, wait).await?;
        for pulled in &pulled {
            self.delivered.fetch_max(pulled.message.offset + 1, Ordering::Relaxed);
        }
        Ok(pulled)
    }

    fn describe(&self) -> String {
        self.pull.describe()
    }
}

impl Kafka {
    fn count(&self, topic: &str) -> i64 {
        let (_, high) = self.watcher.fetch_watermarks(topic, 0, WITHIN).unwrap_or((0, 0));
        high
    }
}

impl LawServer for Kafka {
    type Pull = Counted;

    async fn start() -> Option<Self> {
        let cluster = Cluster::start();
        let watcher = ClientConfig::new()
            .set("bootstrap.servers", &cluster.servers)
            .set("group.id", "g")
            .create()
            .unwrap();
        Some(Self { cluster, published: 0, delivered: Arc::default(), watcher })
    }

    fn clients(&self) -> impl Fn() -> Counted + Send + 'static {
        let server = Server::new(&*self.cluster.servers)
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "500")
            .set("reconnect.backoff.max.ms", "200");
        let delivered = Arc::clone(&self.delivered);
        move || {
            let options = ReadOptions::new("orders", "g").settle_within(Duration::from_secs(2));
            Counted { pull: KafkaPull::new(server.clone(), options), delivered: Arc::clone(&delivered) }
        }
    }

    fn number(message: &KafkaMessage) -> u64 {
        std::str::from_utf8(&message.payload).unwrap().parse().unwrap()
    }

    async fn publish(&mut self, numbers: Range<u64>) {
        let producer: FutureProducer =
            ClientConfig::new().set("bootstrap.servers", &self.cluster.servers).create().unwrap();
        for number in numbers {
            let payload = number.to_string();
            let record = FutureRecord::<(), str>::to("orders").partition(0).payload(&payload);
            producer.send(record, WITHIN).await.unwrap();
            self.published += 1;
        }
    }

    async fn counts(&mut self) -> Counts {
        let mut list = TopicPartitionList::new();
        list.add_partition("orders", 0);
        let committed = self.watcher.committed_offsets(list, WITHIN).unwrap();
        let committed = match committed.elements()[0].offset() {
            Offset::Offset(offset) => offset,
            _ => 0,
        };
        let delivered = self.delivered.load(Ordering::Relaxed).max(committed);
        let number = |number: i64| u64::try_from(number).unwrap();
        Counts {
            ready: number(self.published - delivered),
            in_flight: number(delivered - committed),
            dead: number(self.count("orders.dead")),
        }
    }

    async fn stop(&mut self) {
        self.cluster.set_up(false);
    }

    async fn restart(&mut self) {
        self.cluster.set_up(true);
    }
}

stage_connect::laws!(Kafka);
