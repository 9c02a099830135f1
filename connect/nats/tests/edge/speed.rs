//! A pipeline across an edge, and frames through an edge by hand, beside the bare client with frames of the same size, with frames of
//! encoded events, and with one event a message; and the work of an edge without events:
//! `cargo test --release -p stage-nats --test edge speed -- --ignored --nocapture --test-threads 1`.
//! `SPEED_ONLY=pipeline`, or `frames`, `events`, `edge` or `single`, leaves out the other contenders, for a profile; `SPEED_FRAME=1000` the
//! other sizes; `SPEED_IN_FLIGHT=1` sets the frames of a partition that the pipeline has in hand, and `SPEED_TOGETHER=4` those that
//! are settled together by hand.

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
    let in_flight = std::env::var("SPEED_IN_FLIGHT").ok().map(|frames| frames.parse().unwrap());
    let change = move |spec: EdgeSpec| {
        let in_flight = in_flight.unwrap_or(spec.frames_in_flight);
        spec.frame_bytes(frame).frames_in_flight(in_flight).setup(true)
    };
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

/// The half of a pipeline that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    Both,
    /// Up to the edge, which keeps all frames.
    Before,
    /// Behind the edge, which has all frames.
    Behind,
}

/// Passes events across an edge and through one step; returns the time.
async fn pipeline(server: &NatsServer, name: &str, events: u32, in_frame: usize, half: Half) -> Duration {
    let edge = NatsEdge::new(server.server());
    let kept = if half == Half::Both { 64 } else { 100_000 };
    let (handled, done) = (Arc::new(AtomicU64::new(0)), Arc::new(tokio::sync::Notify::new()));
    let (count, last) = (Arc::clone(&handled), Arc::clone(&done));
    let begun = Instant::now();
    let pipeline = Pipeline::builder("speed")
        .start("numbers", move || Ok(Numbers { next: 0, end: events, deliveries: None }))
        .acknowledged()
        .across(across(&edge, name, PARTITIONS, frame_bytes(in_frame)).spec(|spec| spec.frames_kept(kept)))
        .step_fn("step", |event: Event| event.number)
        .finish_fn("count", move |number| {
            std::hint::black_box(number);
            if count.fetch_add(1, Ordering::Relaxed) + 1 == u64::from(events) {
                last.notify_one();
            }
        });
    let pipeline = match half {
        Half::Both => pipeline,
        Half::Before => pipeline.only(Parts::before(name)),
        Half::Behind => pipeline.only(Parts::behind(name)),
    };
    let running = pipeline.start().await.unwrap();
    if half == Half::Before {
        running.join().await.unwrap();
        return begun.elapsed();
    }
    done.notified().await;
    let took = begun.elapsed();
    running.drain(Duration::from_secs(10)).await.unwrap();
    took
}

/// Stores and accepts `frames` frames per partition through an edge; returns the time.
async fn edge(server: &NatsServer, name: &str, frames: u32, size: usize) -> Duration {
    let edge = NatsEdge::new(server.server());
    let together =
        std::env::var("SPEED_TOGETHER").map_or(NonZeroUsize::MIN, |frames| frames.parse().unwrap());
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
                let frames = inlet.pull(together, Duration::from_secs(5)).await.unwrap();
                let settled: Vec<_> =
                    frames.into_iter().map(|frame| (frame.receipt, Disposition::Accept)).collect();
                settle.settle(&settled).await.unwrap();
                accepted += u32::try_from(settled.len()).unwrap();
            }
        });
    }
    tasks.join_all().await;
    begun.elapsed()
}

/// The payloads of the bare client.
trait Payload: Send + 'static {
    /// Returns the payload of a message of a partition.
    fn write(&mut self, partition: u32, number: u32) -> Bytes;
    fn read(&mut self, payload: Bytes);
}

/// The same bytes in each message, which the receiver does not look at.
struct Opaque(Bytes);

fn opaque(size: usize) -> impl Fn() -> Box<dyn Payload> {
    move || Box::new(Opaque(vec![b'x'; size].into()))
}

impl Payload for Opaque {
    fn write(&mut self, _: u32, _: u32) -> Bytes {
        self.0.clone()
    }

    fn read(&mut self, payload: Bytes) {
        std::hint::black_box(payload);
    }
}

/// The events of a frame as a pipeline has them: made, encoded, decoded, and handled one by one.
struct Encoded {
    events: u32,
}

impl Payload for Encoded {
    fn write(&mut self, partition: u32, number: u32) -> Bytes {
        let mut payload = Vec::with_capacity(self.events as usize * EVENT);
        for place in 0..self.events {
            // The events of all partitions have numbers of the same length as those of a pipeline.
            let event = Event::new((number * self.events + place) * PARTITIONS + partition);
            payload = postcard::to_extend(&event, payload).unwrap();
        }
        payload.into()
    }

    fn read(&mut self, payload: Bytes) {
        let mut rest = &payload[..];
        for _ in 0..self.events {
            let (event, behind) = postcard::take_from_bytes::<Event>(rest).unwrap();
            rest = behind;
            std::hint::black_box(event);
        }
        assert!(rest.is_empty());
    }
}

/// Stores and acknowledges `messages` messages per subject with the bare client, `window` in flight; returns the time.
async fn bare(
    server: &NatsServer,
    name: &str,
    messages: u32,
    window: i64,
    payload: impl Fn() -> Box<dyn Payload>,
) -> Duration {
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
        let [mut written, mut read] = [payload(), payload()];
        tasks.spawn(async move {
            let mut waiting = std::collections::VecDeque::new();
            for number in 0..messages {
                let mut headers = HeaderMap::new();
                headers.insert("Nats-Msg-Id", format!("{partition}-{number}").as_str());
                let payload = written.write(partition, number);
                let sent = context.publish_with_headers(subject.clone(), headers, payload);
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
                let message = incoming.next().await.unwrap().unwrap();
                read.read(message.payload.clone());
                message.ack_with(AckKind::Ack).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    begun.elapsed()
}

/// What a contender has used.
struct Used {
    events: u32,
    time: Duration,
    /// The processor time of this process, and of the server.
    here: Duration,
    there: Duration,
}

impl Used {
    /// Runs a contender for `events` events, unless the variable names another one.
    async fn by(
        server: &NatsServer,
        name: &str,
        events: u32,
        contender: impl Future<Output = Duration>,
    ) -> Option<Self> {
        if std::env::var("SPEED_ONLY").is_ok_and(|only| !only.split(',').any(|only| only == name)) {
            return None;
        }
        let (here, there) = (processor_time("self"), processor_time(&server.id().to_string()));
        let time = contender.await;
        let here = processor_time("self").saturating_sub(here);
        let there = processor_time(&server.id().to_string()).saturating_sub(there);
        let used = Self { events, time, here, there };
        let each = |time: Duration| 1e9 * time.as_secs_f64() / f64::from(events);
        println!(
            "  {name}: {:.0} events per second; of an event {:.0} ns, processor time here {:.0} ns, at the server {:.0} ns",
            used.speed(),
            each(time),
            each(used.here),
            each(used.there)
        );
        Some(used)
    }

    /// Events per second.
    fn speed(&self) -> f64 {
        f64::from(self.events) / self.time.as_secs_f64()
    }
}

/// Returns the number of frames that an edge has stored.
async fn stored(server: &NatsServer, name: &str) -> u32 {
    let context = async_nats::jetstream::new(server.client().await);
    let stream = context.get_stream(format!("EDGE_speed_{name}")).await.unwrap();
    u32::try_from(stream.cached_info().state.last_sequence).unwrap()
}

/// Prints events per second. The contenders take turns.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn speed_beside_the_bare_client() {
    let Some(server) = NatsServer::start(&[]).await else { return };
    let singles = 15_000;
    let only = std::env::var("SPEED_FRAME").ok().map(|size| size.parse::<usize>().unwrap());
    for (in_frame, frames) in SIZES.into_iter().filter(|(size, _)| only.is_none_or(|only| only == *size)) {
        let size = frame_bytes(in_frame);
        let events = PARTITIONS * frames * u32::try_from(in_frame).unwrap();
        for round in 0..PAIRS {
            let [of_pipeline, of_halves, of_frames, of_events, of_edge, of_single] =
                ["pipeline", "halves", "frames", "events", "edge", "single"]
                    .map(|kind| format!("{kind}{in_frame}-{round}"));
            println!("{in_frame} events a frame:");
            let through = pipeline(&server, &of_pipeline, events, in_frame, Half::Both);
            let ours = Used::by(&server, "pipeline", events, through).await;
            if ours.is_some() {
                let stored = stored(&server, &of_pipeline).await;
                println!("  {stored} frames of {:.0} events", f64::from(events) / f64::from(stored));
            }
            let through = pipeline(&server, &of_halves, events, in_frame, Half::Before);
            Used::by(&server, "before", events, through).await;
            let through = pipeline(&server, &of_halves, events, in_frame, Half::Behind);
            Used::by(&server, "behind", events, through).await;
            let through = bare(&server, &of_frames, frames, 32, opaque(size));
            let batched = Used::by(&server, "frames", events, through).await;
            let encoded =
                || Box::new(Encoded { events: u32::try_from(in_frame).unwrap() }) as Box<dyn Payload>;
            let through = bare(&server, &of_events, frames, 32, encoded);
            let same_work = Used::by(&server, "events", events, through).await;
            let through = Box::pin(edge(&server, &of_edge, frames, size));
            let by_hand = Used::by(&server, "edge", events, through).await;
            let through = bare(&server, &of_single, singles, 1000, opaque(EVENT));
            let single = Used::by(&server, "single", PARTITIONS * singles, through).await;
            let (Some(ours), Some(batched), Some(same_work), Some(by_hand), Some(single)) =
                (ours, batched, same_work, by_hand, single)
            else {
                continue;
            };
            println!(
                "  pipeline beside the bare client with frames {:.2}, with frames of encoded events {:.2}, frames through the \
                 edge by hand {:.2}; pipeline beside one event a message {:.1}",
                ours.speed() / batched.speed(),
                ours.speed() / same_work.speed(),
                by_hand.speed() / batched.speed(),
                ours.speed() / single.speed()
            );
        }
    }
}

/// The time that a process has spent on a processor.
fn processor_time(process: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
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
    let before = processor_time("self");
    tokio::time::sleep(LONG).await;
    let used = processor_time("self").saturating_sub(before);
    println!("64 idle partitions: {:.2} % of a core", 100.0 * used.as_secs_f64() / LONG.as_secs_f64());
    running.drain(Duration::from_secs(10)).await.unwrap();
}
