//! The pipelines of a run: one that sends events over an edge, and one that each worker runs.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stage_connect::memory::MemoryServer;
use stage_connect::{PullOptions, source};
use stage_core::ack::Delivery;
use stage_core::{Backoff, Consumer, Context, Events, Pipeline, Running, StageResult, StepOptions};
use stage_edge::{EdgeSink, EdgeSource, EdgeSpec, Format, SchemaId, SourceOptions};
use stage_nats::edge::NatsEdge;
use tokio::time::sleep;

use super::log::Log;
use super::{PAUSE, Scale, feed};

/// The `number`th event of a key, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Event {
    pub(super) key: u32,
    pub(super) number: u32,
}

impl Event {
    /// Reads `key number`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (key, number) = text.split_once(' ')?;
        Some(Self { key: key.parse().ok()?, number: number.parse().ok()? })
    }
}

pub(super) fn format() -> Format<Event> {
    Format::postcard(SchemaId::new("Event", 1))
}

/// Returns the sink of an edge of events by key.
pub(super) fn sink(edge: &NatsEdge, spec: &EdgeSpec) -> EdgeSink<NatsEdge, Event> {
    let key = |event: &Event, into: &mut Vec<u8>| {
        into.extend(event.key.to_le_bytes());
        Ok(())
    };
    EdgeSink::by(edge.clone(), spec.clone(), format(), key)
}

/// Starts a pipeline that sends all events; the queue is empty once they are stored.
pub(super) async fn send(edge: &NatsEdge, spec: &EdgeSpec, scale: Scale) -> (Running, MemoryServer<Event>) {
    let queue = MemoryServer::new().with_lease(Duration::from_secs(3600));
    let numbers = 0..feed::per_key(scale);
    queue.publish(numbers.flat_map(|number| (0..scale.keys).map(move |key| Event { key, number })));
    let (edge, spec, from) = (edge.clone(), spec.clone(), queue.clone());
    let pipeline = Pipeline::builder("sender")
        .start("queue", move || Ok(source::pulled(from.queue(), PullOptions::new())))
        .acknowledged()
        .finish("orders.out", move || Ok(sink(&edge, &spec)));
    (pipeline.start().await.unwrap(), queue)
}

/// Handles the events of the partitions that this process owns, until it is asked to leave.
pub(super) async fn work(edge: NatsEdge, spec: EdgeSpec, name: &str, recorder: Recorder, leave: &Path) {
    let retry = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
    let options = SourceOptions::new(name).retry(retry);
    let pipeline = Pipeline::builder("worker")
        .start("orders.in", move || {
            Ok(EdgeSource::new(edge.clone(), spec.clone(), format(), options.clone()))
        })
        .acknowledged()
        .finish(StepOptions::named("record").max_demand(16), move || Ok(recorder.clone()));
    let running = pipeline.start().await.unwrap();
    while !leave.exists() {
        sleep(PAUSE).await;
    }
    running.drain(Duration::from_secs(60)).await.unwrap();
}

/// Writes each event into the file.
#[derive(Clone, Debug)]
pub(super) struct Recorder {
    pub(super) log: Log,
    pub(super) pace: Duration,
    /// The event that ends the process.
    pub(super) deadly: Option<Event>,
}

impl Consumer for Recorder {
    type Event = Delivery<Event>;

    async fn handle_events(
        &mut self,
        events: Events<'_, Delivery<Event>>,
        _: &mut Context<'_>,
    ) -> StageResult {
        for delivery in events {
            let (event, token) = delivery.into_parts();
            sleep(self.pace).await;
            if self.deadly == Some(event) {
                std::process::abort();
            }
            self.log.handled(&format!("{} {}", event.key, event.number))?;
            token.acknowledge();
        }
        Ok(())
    }
}
