//! Machines: pipelines that send to an edge, and pipelines that receive from it.

use std::sync::Arc;
use std::time::Duration;

use stage_connect::memory::MemoryServer;
use stage_connect::{PullOptions, source};
use stage_core::stats::Gauge;
use stage_core::{Backoff, Pipeline, Running, StepOptions};
use stage_edge::memory::{MemoryEdge, Network};
use stage_edge::{EdgeSink, EdgeSource, EdgeSpec, Format, MemberId, SchemaId, SourceOptions};

use crate::recorder::{Event, Life, Recorder, Records};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn spec() -> EdgeSpec {
    EdgeSpec::new("shop", "orders").partitions(4).lease(4 * SECOND)
}

pub(crate) fn format() -> Format<Event> {
    Format::postcard(SchemaId::new("Event", 1))
}

pub(crate) fn options(machine: &str) -> SourceOptions {
    SourceOptions::new(machine).member(MemberId::new(machine)).retry(Backoff::new(SECOND, 4 * SECOND))
}

/// Returns the events of keys, in turn.
pub(crate) fn events(keys: u32, each: u32) -> Vec<Event> {
    (0..each).flat_map(|number| (0..keys).map(move |key| Event { key, number })).collect()
}

/// A machine that receives.
pub(crate) struct Machine {
    pub(crate) edge: MemoryEdge,
    pub(crate) life: Life,
    pub(crate) running: Running,
}

/// The part of a machine that differs between tests.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) records: Records,
    pub(crate) time: Duration,
    /// Each event of every key that this number divides fails once.
    pub(crate) fails: Option<u32>,
    pub(crate) checks_owner: bool,
}

impl Machine {
    pub(crate) async fn start(server: &MemoryEdge, name: &str, spec: &EdgeSpec, work: &Work) -> Self {
        Self::start_with(server, name, spec, work, None).await
    }

    /// Starts a machine that falls when it handles an event.
    pub(crate) async fn start_deadly(
        server: &MemoryEdge,
        name: &str,
        spec: &EdgeSpec,
        work: &Work,
        deadly: Event,
    ) -> Self {
        Self::start_with(server, name, spec, work, Some(deadly)).await
    }

    async fn start_with(
        server: &MemoryEdge,
        name: &str,
        spec: &EdgeSpec,
        work: &Work,
        deadly: Option<Event>,
    ) -> Self {
        let (edge, life) = (server.machine(name), Life::new());
        let recorder = Recorder {
            machine: Arc::from(name),
            life: life.clone(),
            records: work.records.clone(),
            time: work.time,
            deadly,
            fails: work.fails,
            owner: work.checks_owner.then(|| (edge.clone(), spec.entrances())),
        };
        let (from, spec, options) = (edge.clone(), spec.clone(), options(name));
        let window = if work.checks_owner { 1 } else { 16 };
        let pipeline = Pipeline::builder(name)
            .start("orders.in", move || {
                Ok(EdgeSource::new(from.clone(), spec.clone(), format(), options.clone()))
            })
            .acknowledged()
            .finish(StepOptions::named("record").max_demand(window), move || Ok(recorder.clone()));
        let running = pipeline.start().await.expect("a start");
        Self::new(edge, life, running)
    }

    /// Returns the machine of a running pipeline, whose last step ends with `life`.
    pub(crate) fn new(edge: MemoryEdge, life: Life, running: Running) -> Self {
        Self { edge, life, running }
    }

    /// Waits until the machine has fallen.
    pub(crate) async fn fallen(&self) {
        self.life.ended().await;
    }

    pub(crate) fn waiting_for(&self) -> Vec<String> {
        self.running.monitor().status().steps.iter().filter_map(|step| step.waiting_for.clone()).collect()
    }

    /// Returns the gauges of the source.
    pub(crate) fn gauges(&self) -> Vec<Gauge> {
        self.running.stats().into_iter().flat_map(|stats| stats.gauges).collect()
    }

    /// Ends the machine without notice.
    pub(crate) fn crash(self) {
        self.life.end();
        self.edge.set_network(Network::Down);
        // The remains of the process reach nothing any more.
        tokio::spawn(async move { drop(self.running.stop().await) });
    }

    /// Drains the machine beside the test. After the deadline it is stopped.
    pub(crate) fn leave_soon(self) {
        tokio::spawn(async move { drop(self.running.drain(30 * SECOND).await) });
    }

    /// Drains the machine.
    pub(crate) async fn leave(self) {
        self.running.drain(60 * SECOND).await.expect("a drain");
    }
}

/// Starts a machine that sends the events of a queue.
pub(crate) async fn sender(
    server: &MemoryEdge,
    spec: &EdgeSpec,
    events: Vec<Event>,
) -> (Running, MemoryServer<Event>) {
    let queue = MemoryServer::new().with_lease(3600 * SECOND);
    queue.publish(events);
    let (edge, spec, from) = (server.machine("sender"), spec.clone(), queue.clone());
    let pipeline = Pipeline::builder("sender")
        .start("queue", move || Ok(source::pulled(from.queue(), PullOptions::new())))
        .acknowledged()
        .finish("orders.out", move || {
            let key = |event: &Event, into: &mut Vec<u8>| {
                into.extend(postcard::to_stdvec(&event.key)?);
                Ok(())
            };
            let (edge, spec) = (edge.clone(), spec.clone());
            Ok(if spec.is_pool() {
                EdgeSink::pool(edge, spec, format())
            } else {
                EdgeSink::by(edge, spec, format(), key)
            })
        });
    (pipeline.start().await.expect("a start"), queue)
}
