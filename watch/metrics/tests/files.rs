//! The Grafana board and the alert rules use metrics and labels that are emitted.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use stage_core::ack::{AckOptions, Acknowledger, Deliveries, Delivery, RejectedDelivery};
use stage_core::watch::{Board, EventTime, Group, JobCounts, openmetrics};
use stage_core::{BoxError, Context, Demand, Emitter, Init, Pipeline, Producer, StageResult, timed};
use tracing_subscriber::layer::SubscriberExt;

const GRAFANA: &str = include_str!("../grafana.json");
const ALERTS: &str = include_str!("../alerts.yml");

/// Returns the names in a text that look like those of metrics.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    words.filter(|word| word.starts_with("stage_") || word.starts_with("flow_")).collect()
}

#[timed(name = "checksum")]
fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}

/// Accepts every verdict.
struct Accept;

impl Acknowledger for Accept {
    type Receipt = u64;

    async fn settle(&mut self, _: &[u64], _: &[RejectedDelivery<u64>]) -> Result<(), BoxError> {
        Ok(())
    }
}

/// Delivers the numbers below ten, once.
#[derive(Default)]
struct Numbers(Option<Deliveries<u64>>);

impl Producer for Numbers {
    type Event = Delivery<u64>;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.0 = Some(cx.acknowledge_by(Accept, AckOptions::new()));
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, Delivery<u64>>) -> StageResult {
        out.extend(self.0.iter().flat_map(|numbers| numbers.deliver((0..10).map(|number| (number, number)))));
        out.finish();
        Ok(())
    }
}

/// Returns the labels of all metrics that exist, by name.
async fn emitted() -> BTreeMap<String, BTreeSet<String>> {
    let subscriber = tracing_subscriber::registry().with(tracing_subscriber::filter::LevelFilter::TRACE);
    tracing::subscriber::with_default(subscriber, || assert_eq!(checksum(b"abc"), 96));
    let running = Pipeline::builder("acknowledged")
        .start("numbers", || Ok(Numbers::default()))
        .acknowledged()
        .step_fn("double", |number| number * 2)
        .finish_fn("sink", |_| ())
        .start()
        .await
        .unwrap();
    let mut time = EventTime::new("count", 0);
    time.lag = Some(Duration::from_secs(1));
    let flow = Group::named("flow").event_times(move || vec![time.clone()]).watch();
    running.steering().measure("numbers").unwrap();
    running.steering().measure("sink").unwrap();
    let board = Board::new();
    board.add_queue("uploads", JobCounts::default).unwrap();
    board.add("acknowledged", &running).unwrap();
    board.add("flow", &flow).unwrap();
    running.join().await.unwrap();
    let mut text = String::new();
    openmetrics(&board, &mut text);
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, labels) = line.split_once('{').unwrap();
        let labels = labels.split("=\"").filter_map(|part| part.rsplit(['{', ',']).next());
        all.entry(name.to_owned()).or_default().extend(labels.map(str::to_owned));
    }
    all
}

#[tokio::test(start_paused = true)]
async fn board_and_alerts_name_metrics_that_are_emitted() {
    let emitted = emitted().await;
    for (file, text) in [("grafana.json", GRAFANA), ("alerts.yml", ALERTS)] {
        let used = names(text);
        assert!(used.len() > 4, "{file}: {used:?}");
        let unknown: Vec<_> = used.iter().filter(|name| !emitted.contains_key(**name)).collect();
        assert!(
            unknown.is_empty(),
            "{file} names {unknown:?}, which no pipeline emits: {:#?}",
            emitted.keys()
        );
    }
    // The labels by which the expressions select and group.
    for (name, label) in [
        ("stage_state_seconds_total", "state"),
        ("stage_events_discarded_total", "reason"),
        ("stage_event_failures_total", "outcome"),
        ("stage_link_window", "bound"),
        ("stage_link_handled_total", "to"),
        ("stage_deliveries_total", "verdict"),
        ("stage_timed_function_seconds_count", "function"),
        ("stage_link_wait_seconds_bucket", "le"),
        ("stage_delivery_seconds_bucket", "step"),
        ("stage_queue_jobs", "queue"),
        ("flow_watermark_lag_seconds", "partition"),
    ] {
        assert!(emitted[name].contains(label), "{name} has no label {label}: {:?}", emitted[name]);
    }
}

#[test]
fn the_board_is_complete() {
    let board: Value = serde_json::from_str(GRAFANA).unwrap();
    let panels = board["panels"].as_array().unwrap();
    assert!(panels.len() > 10);
    for panel in panels {
        assert!(panel["title"].as_str().is_some_and(|title| !title.is_empty()));
        for target in panel["targets"].as_array().unwrap() {
            assert!(!names(target["expr"].as_str().unwrap()).is_empty(), "{target}");
        }
    }
}

#[test]
fn each_alert_has_an_expression_and_a_summary() {
    let count = |word: &str| ALERTS.lines().filter(|line| line.trim_start().starts_with(word)).count();
    assert_eq!((count("- alert: "), count("expr: "), count("summary: ")), (7, 7, 7));
}
