//! A pipeline across an edge, and frames through an edge by hand, beside the bare client with the same frames and with one event
//! a message; and the work of an edge without events:
//! `cargo test --release -p stage-nats --test edge speed -- --ignored --nocapture --test-threads 1`.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use async_nats::jetstream::stream::{Config, RetentionPolicy};
use async_nats::jetstream::{AckKind, consumer::pull};
use bytes::Bytes;
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use stage_connect::{Disposition, MessageId, Pull, Push, PutError, Settle};
use stage_core::ack::{AckOptions, Acknowledger, Deliveries, Delivery, RejectedDelivery};
use stage_core::pipeline::Parts;
use stage_core::{BoxError, Context, Demand, Emitter, Init, Pipeline, Producer, StageResult};
use stage_edge::{Across, Edge, EdgeSpec, EdgeView, Epoch, Partition};
use stage_nats::edge::NatsEdge;
use tokio::task::JoinSet;

use crate::support::NatsServer;

const PARTITIONS: u32 = 4;
const EVENT: usize = 100;
const PAIRS: usize = 3;
/// The events of a frame, and the frames of each partition.
const SIZES: [(usize, u32); 2] = [(100, 6000), (1000, 1500)];
/// The bytes of a frame before its events, and before each event.
const BEFORE: (usize, usize) = (56, 12);

/// An event of `EVENT` bytes.
#[derive(Serialize, Deserialize)]
struct Event {
    number: u32,
    text: String,
}

impl Event {
    fn new(number: u32) -> Self {
        // The number has 1 to 5 bytes, the length of the text 1.
        let before = postcard_length(number) + 1;
        Self { number, text: "x".repeat(EVENT - before) }
    }
}

/// The bytes of a number in the postcard format.
fn postcard_length(number: u32) -> usize {
    (32 - number.leading_zeros() as usize).div_ceil(7).max(1)
}

/// Emits events up to a number.
struct Numbers {
    next: u32,
    end: u32,
    deliveries: Option<Deliveries<()>>,
}

struct Ignore;

impl Acknowledger for Ignore {
    type Receipt = ();

    async fn settle(&mut self, _: &[()], rejected: &[RejectedDelivery<()>]) -> Result<(), BoxError> {
        assert!(rejected.is_empty(), "an event failed");
        Ok(())
    }
}

impl Producer for Numbers {
    type Event = Delivery<Event>;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.deliveries = Some(cx.acknowledge_by(Ignore, AckOptions::new()));
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, Delivery<Event>>) -> StageResult {
        let Some(deliveries) = &self.deliveries else { return Ok(()) };
        let wanted = u32::try_from(demand.get()).unwrap_or(u32::MAX).min(self.end - self.next);
        out.extend(
            deliveries.deliver((self.next..self.next + wanted).map(|number| (Event::new(number), ()))),
        );
        self.next += wanted;
        if self.next == self.end {
            out.finish();
        }
        Ok(())
    }
}

fn across(edge: &NatsEdge, name: &str, partitions: u32, frame: usize) -> Across<NatsEdge, Event> {
    let change = move |spec: EdgeSpec| spec.frame_bytes(frame).setup(true);
    Across::new(edge.clone(), name)
        .by(|event: &Event| event.number % 1024)
        .app("speed")
        .partitions(partitions)
        .spec(change)
}

/// The size of a frame of events.
const fn frame_bytes(events: usize) -> usize {
    BEFORE.0 + events * (BEFORE.1 + EVENT)
}

/// Passes events across an edge and through one step; returns the time.
async fn pipeline(server: &NatsServer, name: &str, events: u32, in_frame: usize) -> Duration {
    let edge = NatsEdge::new(server.server());
    let (handled, done) = (Arc::new(AtomicU64::new(0)), Arc::new(tokio::sync::Notify::new()));
    let (count, last) = (Arc::clone(&handled), Arc::clone(&done));
    let begun = Instant::now();
    let pipeline = Pipeline::builder("speed")
        .start("numbers", move || Ok(Numbers { next: 0, end: events, deliveries: None }))
        .acknowledged()
        .across(across(&edge, name, PARTITIONS, frame_bytes(in_frame)))
        .step_fn("step", |event: Event| event.number)
        .finish_fn("count", move |number| {
            std::hint::black_box(number);
            if count.fetch_add(1, Ordering::Relaxed) + 1 == u64::from(events) {
                last.notify_one();
            }
        });
    let running = pipeline.start().await.unwrap();
    done.notified().await;
    let took = begun.elapsed();
    running.drain(Duration::from_secs(10)).await.unwrap();
    took
}

/// Stores and accepts `frames` frames per partition through an edge; returns the time.
async fn edge(server: &NatsServer, name: &str, frames: u32, size: usize) -> Duration {
    let edge = NatsEdge::new(server.server());
    let spec = EdgeSpec::new("speed", name).partitions(PARTITIONS).setup(true);
    edge.open(&spec).await.unwrap();
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for partition in (0..PARTITIONS).map(Partition) {
        let mut outlet = edge.outlet(&spec, partition);
        tasks.spawn(async move {
            let frame = Bytes::from(vec![b'x'; size]);
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

/// Prints events per second. The contenders take turns.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn speed_beside_the_bare_client() {
    let Some(server) = NatsServer::start(&[]).await else { return };
    let singles = 15_000;
    for (in_frame, frames) in SIZES {
        let size = frame_bytes(in_frame);
        let events = PARTITIONS * frames * u32::try_from(in_frame).unwrap();
        for round in 0..PAIRS {
            let name = |kind: &str| format!("{kind}{in_frame}-{round}");
            let ours = events_a_second(events, pipeline(&server, &name("pipeline"), events, in_frame).await);
            let batched = events_a_second(events, bare(&server, &name("frames"), frames, size, 32).await);
            let by_hand = events_a_second(events, edge(&server, &name("edge"), frames, size).await);
            let single = bare(&server, &name("single"), singles, EVENT, 1000).await;
            let single = events_a_second(PARTITIONS * singles, single);
            println!(
                "{in_frame} events a frame: pipeline {ours:.0} ev/s; bare client with frames {batched:.0} ev/s, ratio \
                 {:.2}; frames through the edge by hand {by_hand:.0} ev/s, ratio {:.2}; bare client with one event a \
                 message {single:.0} ev/s, ratio {:.1}",
                ours / batched,
                by_hand / batched,
                ours / single
            );
        }
    }
}

/// The time that this process has spent on a processor.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let behind_name = stat.rsplit(')').next().unwrap();
    let mut numbers = behind_name.split_whitespace().skip(11).map(|number| number.parse::<u64>().unwrap());
    // A tick has 10 ms on Linux, whatever the kernel's clock.
    Duration::from_millis(10 * (numbers.next().unwrap() + numbers.next().unwrap()))
}

/// Prints the share of a core that an edge of 64 partitions without events takes from a process that owns all of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn an_edge_without_events_leaves_the_processor_alone() {
    const LONG: Duration = Duration::from_secs(30);
    let Some(server) = NatsServer::start(&[]).await else { return };
    let edge = NatsEdge::new(server.server());
    let across = across(&edge, "idle", 64, frame_bytes(100));
    let spec = across.properties().clone();
    let pipeline = Pipeline::builder("idle")
        .start("numbers", || Ok(Numbers { next: 0, end: 0, deliveries: None }))
        .acknowledged()
        .across(across)
        .finish_fn("drop", |event: Event| drop(event));
    edge.open(&spec).await.unwrap();
    let running = pipeline.only(Parts::behind("idle")).start().await.unwrap();
    let owned = async || {
        let members = EdgeView::of(&edge, &spec).await.unwrap().members;
        members.iter().map(|(_, load)| *load).sum::<usize>()
    };
    while owned().await < 64 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let before = processor_time();
    tokio::time::sleep(LONG).await;
    let used = processor_time().saturating_sub(before);
    println!("64 idle partitions: {:.2} % of a core", 100.0 * used.as_secs_f64() / LONG.as_secs_f64());
    running.drain(Duration::from_secs(10)).await.unwrap();
}
