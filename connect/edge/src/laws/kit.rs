//! Pipelines on both sides of a pool.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use stage_connect::memory::MemoryServer;
use stage_connect::{PullOptions, source};
use stage_core::ack::Delivery;
use stage_core::{Backoff, Pipeline, Running};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::sleep;

use crate::edge::Edge;
use crate::format::Format;
use crate::schema::SchemaId;
use crate::sink::EdgeSink;
use crate::source::{EdgeSource, SourceOptions};
use crate::spec::EdgeSpec;

/// The time between two questions to a server.
const BETWEEN: Duration = Duration::from_millis(5);
/// Long enough for a busy machine.
pub(super) const LONG: Duration = Duration::from_secs(60);

/// A pool whose frames have few events.
pub(super) fn spec() -> EdgeSpec {
    EdgeSpec::new("law", "numbers").frame_bytes(120).setup(true)
}

pub(super) fn format() -> Format<u32> {
    Format::postcard(SchemaId::new("Number", 1))
}

pub(super) fn quick() -> SourceOptions {
    SourceOptions::new("law").retry(Backoff::new(BETWEEN, 10 * BETWEEN))
}

/// Starts a pipeline that sends numbers; the queue is empty once they are stored.
pub(super) async fn sender(
    edge: impl Edge,
    spec: &EdgeSpec,
    numbers: Range<u32>,
) -> (Running, MemoryServer<u32>) {
    let queue = MemoryServer::new().with_lease(60 * LONG);
    queue.publish(numbers);
    let (spec, from) = (spec.clone(), queue.clone());
    let pipeline = Pipeline::builder("sender")
        .start("queue", move || Ok(source::pulled(from.queue(), PullOptions::new())))
        .acknowledged()
        .finish("numbers.out", move || Ok(EdgeSink::pool(edge.clone(), spec.clone(), format())));
    (pipeline.start().await.expect("the sender starts"), queue)
}

/// A pipeline whose deliveries are in the hands of the law.
pub(super) struct Machine {
    pub(super) running: Running,
    pub(super) deliveries: UnboundedReceiver<Delivery<u32>>,
}

impl Machine {
    pub(super) async fn start(edge: impl Edge, spec: &EdgeSpec, options: SourceOptions) -> Self {
        let (sender, deliveries) = unbounded_channel();
        let spec = spec.clone();
        let pipeline = Pipeline::builder("machine")
            .start("numbers.in", move || {
                Ok(EdgeSource::new(edge.clone(), spec.clone(), format(), options.clone()))
            })
            .finish_fn("hand", move |delivery: Delivery<u32>| {
                // A law that has ended takes nothing more: the delivery goes back.
                let _ = sender.send(delivery);
            });
        Self { running: pipeline.start().await.expect("the machine starts"), deliveries }
    }

    pub(super) async fn next(&mut self) -> Delivery<u32> {
        self.deliveries.recv().await.expect("the pipeline goes on")
    }

    pub(super) async fn leave(self) {
        self.running.drain(LONG).await.expect("a drain");
    }
}

/// Returns the next delivery of either machine.
pub(super) async fn next_of(one: &mut Machine, two: &mut Machine) -> Delivery<u32> {
    tokio::select! {
        delivery = one.next() => delivery,
        delivery = two.next() => delivery,
    }
}

/// The numbers that were handled, and how often each was.
#[derive(Debug, Default)]
pub(super) struct Seen(pub(super) BTreeMap<u32, u32>);

impl Seen {
    pub(super) fn accept(&mut self, delivery: Delivery<u32>) {
        if !delivery.token().is_rejected() {
            *self.0.entry(*delivery).or_default() += 1;
        }
        delivery.acknowledge();
    }

    pub(super) fn distinct(&self) -> usize {
        self.0.len()
    }

    #[track_caller]
    pub(super) fn expect_once(&self, numbers: Range<u32>) {
        let expected: BTreeMap<u32, u32> = numbers.map(|number| (number, 1)).collect();
        assert_eq!(self.0, expected, "each number is handled once");
    }
}

/// Returns the number of frames on the server.
pub(super) async fn frames(edge: &impl Edge, spec: &EdgeSpec) -> u64 {
    let lag = edge.lag(spec).await.expect("the server answers");
    assert_eq!(lag.len(), 1, "a pool has one lag");
    lag[0].frames
}

/// Waits until nothing is left on the server.
pub(super) async fn until_empty(edge: &impl Edge, spec: &EdgeSpec) {
    while frames(edge, spec).await > 0 {
        sleep(BETWEEN).await;
    }
}

/// Waits until a sender waits for room.
pub(super) async fn until_full(sender: &Running) {
    let waits = || {
        let steps = sender.monitor().status().steps;
        steps.iter().any(|step| step.waiting_for.as_ref().is_some_and(|text| text.contains("which is full")))
    };
    while !waits() {
        sleep(BETWEEN).await;
    }
}
