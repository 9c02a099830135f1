//! Partitions, rebalances and producing, against librdkafka's cluster in memory.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use stage_connect::laws::by_hand::{opened, put_all, take, take_all};
use stage_connect::{ConnectError, Disposition, ErrorKind, MessageId, Pull, Pulled, Push, PutError, Settle};
use stage_kafka::{
    KafkaMessage, KafkaPull, KafkaPush, KafkaSettle, Outgoing, ProduceOptions, ReadOptions, Receipt, Server,
};
use tracing::Level;

/// Long enough for a busy machine: a test that waits this long has failed.
const LONG: Duration = Duration::from_secs(40);
const SHORT: Duration = Duration::from_millis(300);

type Cluster = MockCluster<'static, DefaultProducerContext>;
type Delivery = Pulled<KafkaMessage, Receipt>;

fn cluster(partitions: i32) -> (Cluster, Server) {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("orders", partitions, 1).unwrap();
    let server = Server::new(cluster.bootstrap_servers())
        .set("session.timeout.ms", "6000")
        .set("heartbeat.interval.ms", "300");
    (cluster, server)
}

async fn reader(server: &Server, options: ReadOptions) -> (KafkaPull, KafkaSettle) {
    opened(KafkaPull::new(server.clone(), options)).await
}

fn options() -> ReadOptions {
    ReadOptions::new("orders", "g")
}

fn messages(numbers: std::ops::Range<u32>) -> Vec<(MessageId, Outgoing)> {
    let message = |number: u32| {
        let message = Outgoing::new(number.to_string()).key(format!("key-{}", number % 7));
        (MessageId::new(format!("message-{number}")), message)
    };
    numbers.map(message).collect()
}

async fn produce(server: &Server, numbers: std::ops::Range<u32>) {
    let mut push = KafkaPush::new(server.clone(), ProduceOptions::to("orders"));
    push.connect().await.unwrap();
    put_all(&mut push, &messages(numbers)).await;
}

async fn accept(settle: &mut KafkaSettle, pulled: &[Delivery]) {
    let list: Vec<_> = pulled.iter().map(|pulled| (pulled.receipt.clone(), Disposition::Accept)).collect();
    let begun = Instant::now();
    // As the collector does: while the group is rebalanced, nothing can be committed.
    while let Err(error) = settle.settle(&list).await {
        assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
        assert!(begun.elapsed() < LONG, "{error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn number(pulled: &Delivery) -> u32 {
    std::str::from_utf8(&pulled.message.payload).unwrap().parse().unwrap()
}

#[tokio::test]
async fn messages_that_were_not_accepted_go_to_the_next_member() {
    let (_cluster, server) = cluster(1);
    produce(&server, 0..6).await;
    let (mut pull, mut settle) = reader(&server, options()).await;
    let pulled = take_all(&mut pull, 4, LONG).await;
    assert_eq!(pulled[0].message.key.as_deref(), Some(&b"key-0"[..]));
    assert_eq!(pulled[0].message.headers, [("message-id".to_owned(), "message-0".into())]);
    // The second message is open, so the position stays in front of it.
    let others: Vec<_> = pulled.iter().filter(|pulled| number(pulled) != 1).cloned().collect();
    accept(&mut settle, &others).await;
    drop((pull, settle));
    let (mut pull, _settle) = reader(&server, options()).await;
    let again: Vec<_> = take_all(&mut pull, 5, LONG).await.iter().map(number).collect();
    assert_eq!(again, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_failed_message_comes_again_and_the_others_go_on() {
    let (_cluster, server) = cluster(1);
    produce(&server, 0..3).await;
    let (mut pull, mut settle) = reader(&server, options()).await;
    let pulled = take_all(&mut pull, 1, LONG).await;
    let begun = Instant::now();
    let retry = Disposition::Retry { after: Duration::from_millis(300) };
    settle.settle(&[(pulled[0].receipt.clone(), retry)]).await.unwrap();
    let rest = take_all(&mut pull, 2, LONG).await;
    accept(&mut settle, &rest).await;
    let again = take_all(&mut pull, 1, LONG).await;
    assert_eq!((number(&again[0]), again[0].attempt), (0, 2));
    assert!(begun.elapsed() >= Duration::from_millis(300));
    settle.settle(&[(again[0].receipt.clone(), Disposition::Release)]).await.unwrap();
    let again = take_all(&mut pull, 1, LONG).await;
    assert_eq!((number(&again[0]), again[0].attempt), (0, 2));
    accept(&mut settle, &again).await;
    settle.finish().await.unwrap();
    drop((pull, settle));
    let (mut pull, _settle) = reader(&server, options()).await;
    assert!(take(&mut pull, 1, Duration::from_secs(3)).await.is_empty());
}

#[tokio::test]
async fn a_dead_message_goes_to_a_topic_of_its_own() {
    let (cluster, server) = cluster(1);
    cluster.create_topic("orders.dead", 1, 1).unwrap();
    produce(&server, 0..1).await;
    let (mut pull, mut settle) = reader(&server, options()).await;
    let pulled = take_all(&mut pull, 1, LONG).await;
    let dead = Disposition::Dead { cause: "no such customer".to_owned() };
    settle.settle(&[(pulled[0].receipt.clone(), dead.clone())]).await.unwrap();
    settle.settle(&[(pulled[0].receipt.clone(), dead)]).await.unwrap();
    let (mut pull, _settle) = reader(&server, ReadOptions::new("orders.dead", "undertaker")).await;
    let letters = take_all(&mut pull, 1, LONG).await;
    let header = |name: &str| {
        let found = letters[0].message.headers.iter().find(|(header, _)| header == name);
        found.unwrap().1.clone()
    };
    assert_eq!(header("stage-cause"), "no such customer");
    assert_eq!((header("stage-offset"), header("message-id")), ("0".into(), "message-0".into()));
    assert!(take(&mut pull, 1, SHORT).await.is_empty());
}

/// Runs a test of a rebalance with clusters of their own, until one accepts the last commit of a member.
///
/// The cluster in memory may begin the next rebalance before every member has its partitions. It then refuses commits
/// until it has left out the members that wait for them: those give their partitions back with a warning, and the next
/// member repeats messages. The outcome of a rebalance with such a warning is not looked at.
async fn until_accepted(rebalance: impl AsyncFn(&Cluster, Server) -> Vec<u32>) {
    for _ in 0..8 {
        let (cluster, server) = cluster(4);
        let (name, refused) = (server.name(), warnings());
        let repeated = rebalance(&cluster, server).await;
        let is_refused = |line: &str| line.contains(&name) && line.contains("given back before its position");
        if !refused.lock().unwrap().lines().any(is_refused) {
            assert!(repeated.is_empty(), "{repeated:?} were repeated although they were settled");
            return;
        }
    }
    panic!("no cluster accepted the last commit of a member");
}

/// Returns the warnings of this process.
fn warnings() -> Arc<Mutex<String>> {
    struct Lines(Arc<Mutex<String>>);
    impl Write for Lines {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push_str(&String::from_utf8_lossy(line));
            Ok(line.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    static WARNINGS: LazyLock<Arc<Mutex<String>>> = LazyLock::new(|| {
        let lines = Arc::default();
        let writer = Arc::clone(&lines);
        let log = tracing_subscriber::fmt().with_max_level(Level::WARN).with_ansi(false);
        log.with_writer(move || Lines(Arc::clone(&writer))).init();
        lines
    });
    Arc::clone(&WARNINGS)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebalance_waits_for_messages_in_hand_and_repeats_none_of_them() {
    until_accepted(async |_, server| {
        produce(&server, 0..200).await;
        let (mut first, mut first_settle) = reader(&server, options().settle_within(LONG)).await;
        let held = take_all(&mut first, 20, LONG).await;
        let mut seen: Vec<u32> = held.iter().map(number).collect();
        let (mut second, mut second_settle) = reader(&server, options()).await;
        // The first member cannot give a partition back before these are settled.
        accept(&mut first_settle, &held).await;
        let begun = Instant::now();
        let mut of_second = 0;
        while seen.iter().collect::<BTreeSet<_>>().len() < 200 || of_second == 0 {
            let handled = seen.len();
            assert!(begun.elapsed() < 2 * LONG, "{handled} of 200 handled, {of_second} by the second");
            let pulled = take(&mut first, 1, SHORT / 3).await;
            accept(&mut first_settle, &pulled).await;
            seen.extend(pulled.iter().map(number));
            let pulled = take(&mut second, 20, SHORT / 3).await;
            accept(&mut second_settle, &pulled).await;
            of_second += pulled.len();
            seen.extend(pulled.iter().map(number));
            if seen.len() >= 200 && of_second == 0 {
                produce(&server, 200..240).await;
            }
        }
        seen.sort_unstable();
        seen.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_is_given_back_only_when_its_position_is_committed() {
    until_accepted(async |cluster, server| {
        produce(&server, 0..40).await;
        let (mut first, mut first_settle) = reader(&server, options().settle_within(LONG)).await;
        let held = take_all(&mut first, 40, LONG).await;
        // The answers of a group whose members have not all taken up their partitions: the first goes to the call here,
        // the others to the member as it gives partitions back.
        let busy = RDKafkaRespErr::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS;
        let slow = RDKafkaRespErr::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT;
        cluster.request_errors(RDKafkaApiKey::OffsetCommit, &[busy, busy, slow, busy]);
        let settled: Vec<_> = held.iter().map(|held| (held.receipt.clone(), Disposition::Accept)).collect();
        assert_eq!(first_settle.settle(&settled).await.unwrap_err().kind(), ErrorKind::Gone);
        let (mut second, _second_settle) = reader(&server, options()).await;
        produce(&server, 40..240).await;
        let of_second = take_all(&mut second, 20, LONG).await;
        of_second.iter().map(number).filter(|number| *number < 40).collect()
    })
    .await;
}

#[tokio::test]
async fn a_partition_is_held_back_behind_an_old_open_message() {
    let (_cluster, server) = cluster(1);
    produce(&server, 0..50).await;
    let (mut pull, mut settle) = reader(&server, options().ahead(10)).await;
    let first = take_all(&mut pull, 1, LONG).await;
    let mut seen = 1;
    loop {
        let pulled = take(&mut pull, 1, Duration::from_secs(2)).await;
        if pulled.is_empty() {
            break;
        }
        seen += pulled.len();
        accept(&mut settle, &pulled).await;
    }
    assert!((10..=12).contains(&seen), "{seen} messages were handled ahead of an open one");
    accept(&mut settle, &first).await;
    let rest = take_all(&mut pull, 1, LONG).await;
    assert_eq!(rest.len(), 1);
}

#[tokio::test]
async fn a_message_that_no_broker_takes_is_refused() {
    let (cluster, server) = cluster(1);
    let mut push = KafkaPush::new(server, ProduceOptions::to("orders"));
    push.connect().await.unwrap();
    let error = RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    cluster.request_errors(RDKafkaApiKey::Produce, &[error]);
    let refused = push.put(&messages(0..1)).await.unwrap_err();
    assert!(matches!(&refused, PutError::Refused { index: 0, cause } if cause.contains("size")), "{refused}");
    assert_eq!(push.put(&messages(1..3)).await.unwrap(), 2);
}

fn assert_fatal(error: &ConnectError, part: &str) {
    let line = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Fatal, "{line}");
    assert!(line.contains(part) && !line.contains("hunter2") && line.lines().count() == 1, "{line}");
}

#[tokio::test]
async fn errors_name_the_cluster_and_the_remedy_and_no_secret() {
    let (_cluster, server) = cluster(1);
    let wrong = server.clone().set("sasl.password", "hunter2").set("security.protocol", "hunter2");
    let error = KafkaPull::new(wrong.clone(), options()).connect().await.unwrap_err();
    assert_fatal(&error, "the setting `security.protocol` is wrong");
    let error = KafkaPush::new(wrong, ProduceOptions::to("orders")).connect().await.unwrap_err();
    assert_fatal(&error, "the setting `security.protocol` is wrong");
    let nobody = Server::new("127.0.0.1:1");
    let error = KafkaPull::new(nobody, options()).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone);
    assert!(error.to_string().starts_with("kafka://127.0.0.1:1 topic `orders` group `g`: "), "{error}");
}

#[tokio::test]
async fn the_trace_of_a_message_arrives() {
    let (_cluster, server) = cluster(1);
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut message = Outgoing::new("1").header("traceparent", "old");
    KafkaPush::set_header(&mut message, "traceparent", trace);
    let mut push = KafkaPush::new(server.clone(), ProduceOptions::to("orders"));
    push.connect().await.unwrap();
    put_all(&mut push, &[(MessageId::new("one"), message)]).await;
    let (mut pull, _settle) = reader(&server, options()).await;
    let pulled = take_all(&mut pull, 1, LONG).await;
    assert_eq!(KafkaPull::header(&pulled[0].message, "traceparent").as_deref(), Some(trace));
    assert_eq!(KafkaPull::header(&pulled[0].message, "tracestate"), None);
}
