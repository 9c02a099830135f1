//! The numbers reach a `StatsD` server. Recorder and server are those of the test: a recorder that sends each value
//! as one datagram, and a receiver that reads the lines of the protocol.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use stage_core::watch::Board;
use stage_core::{Pipeline, Running, timed};
use stage_metrics::publish;
use tracing_subscriber::layer::SubscriberExt;

/// Sends values as `StatsD` does, with labels as the tags of `DogStatsD`.
struct StatsD(Arc<UdpSocket>);

struct Line {
    socket: Arc<UdpSocket>,
    name: String,
    tags: String,
}

impl Line {
    fn of(key: &Key, socket: &Arc<UdpSocket>) -> Arc<Self> {
        let tags: Vec<_> = key.labels().map(|label| format!("{}:{}", label.key(), label.value())).collect();
        Arc::new(Self { socket: Arc::clone(socket), name: key.name().to_owned(), tags: tags.join(",") })
    }

    fn send(&self, value: &str, kind: &str) {
        let line = format!("{}:{value}|{kind}|#{}", self.name, self.tags);
        self.socket.send(line.as_bytes()).unwrap();
    }
}

impl CounterFn for Line {
    fn increment(&self, _: u64) {
        panic!("the bridge knows absolute values only");
    }

    fn absolute(&self, value: u64) {
        self.send(&value.to_string(), "c");
    }
}

impl GaugeFn for Line {
    fn increment(&self, _: f64) {
        panic!("the bridge knows absolute values only");
    }

    fn decrement(&self, _: f64) {
        panic!("the bridge knows absolute values only");
    }

    fn set(&self, value: f64) {
        self.send(&value.to_string(), "g");
    }
}

impl Recorder for StatsD {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Line::of(key, &self.0))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Line::of(key, &self.0))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// Publishes, and returns what the server received: the value and kind by name and tags.
fn received(board: &Board) -> BTreeMap<String, (f64, String)> {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server.local_addr().unwrap()).unwrap();
    metrics::with_local_recorder(&StatsD(Arc::new(socket)), || publish(board));
    let mut values = BTreeMap::new();
    let mut datagram = [0; 2_048];
    // Everything was sent before: on loopback, it is there.
    while let Ok(length) = server.recv(&mut datagram) {
        let line = std::str::from_utf8(&datagram[..length]).unwrap();
        let (name, rest) = line.split_once(':').unwrap();
        let [value, kind, tags] = rest.splitn(3, '|').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let value = (value.parse().unwrap(), kind.to_owned());
        assert!(values.insert(format!("{name} {tags}"), value).is_none(), "twice: {line}");
    }
    values
}

async fn finished() -> (Running, Board) {
    let running = Pipeline::builder("count")
        .start_fn("numbers", || Ok(0..100_u32))
        .finish_fn("sink", |_| ())
        .start()
        .await
        .unwrap();
    let board = Board::new();
    board.add("a \"name\"", &running).unwrap();
    running.join().await.unwrap();
    (running, board)
}

#[tokio::test(start_paused = true)]
async fn counters_and_gauges_of_a_pipeline_reach_statsd() {
    let (_running, board) = finished().await;
    let values = received(&board);
    let value = |name: &str| values.get(name).unwrap_or_else(|| panic!("{name}: {values:#?}")).clone();
    let sink = "#pipeline:a \"name\",step:sink";
    assert_eq!(value(&format!("stage_events_in_total {sink}")), (100.0, "c".into()));
    assert_eq!(value(&format!("stage_copies {sink}")), (1.0, "g".into()));
    assert_eq!(value("stage_up #pipeline:a \"name\""), (0.0, "g".into()));
    // Seconds are not whole numbers.
    assert_eq!(value(&format!("stage_state_seconds_total {sink},state:working")).1, "g");
    assert_eq!(received(&board), values, "values are absolute");
}

#[timed(name = "checksum")]
fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}

#[tokio::test(start_paused = true)]
async fn the_histograms_of_timed_functions_reach_statsd() {
    let subscriber = tracing_subscriber::registry().with(tracing_subscriber::filter::LevelFilter::TRACE);
    tracing::subscriber::with_default(subscriber, || {
        (0..3).for_each(|_| assert_eq!(checksum(b"abc"), 96));
    });
    let values = received(&Board::new());
    let count =
        values.iter().find(|(name, _)| name.starts_with("stage_timed_function_seconds_count #function:"));
    assert_eq!(count.map(|(_, value)| value.clone()), Some((3.0, "c".into())), "{values:#?}");
    assert!(values.keys().any(|name| name.ends_with("le:+Inf")), "{values:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_bridge_publishes_until_it_is_dropped() {
    let (_running, board) = finished().await;
    let bridge = stage_metrics::MetricsBridge::spawn(board, Duration::ZERO);
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(bridge);
}
