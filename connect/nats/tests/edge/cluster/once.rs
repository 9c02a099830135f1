//! Two edges in a row: what workers make of the events of the first one is stored once in the second one.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use stage_core::ack::Delivery;
use stage_core::{Backoff, Emitter, Events, Pipeline, ProducerConsumer, StageResult, StepOptions};
use stage_edge::{Edge, EdgeSource, EdgeSpec, Frame, SourceOptions};
use stage_nats::edge::NatsEdge;
use tokio::time::{sleep, timeout};

use super::crew::{Crew, Kind};
use super::judge::Judge;
use super::pipeline::{Event, Recorder, format, send, sink};
use super::{PAUSE, SILENCE, Scale, feed};
use crate::support::NatsServer;
use crate::{LEASE, start};

/// The first edge: small frames, so that each partition has many.
pub(super) fn orders(scale: Scale, lease: Duration) -> EdgeSpec {
    scale.spec(lease).frame_bytes(400).whole_frames(true)
}

/// The second edge, which keeps all frames. It has other partitions, so a frame of the first one becomes several.
fn totals(lease: Duration) -> EdgeSpec {
    EdgeSpec::new("shop", "totals").partitions(3).frames_kept(1_000_000).lease(lease).setup(true).once(true)
}

/// Passes events on.
#[derive(Clone, Debug)]
struct Passing(Recorder);

impl ProducerConsumer for Passing {
    type In = Delivery<Event>;
    type Out = Delivery<Event>;

    async fn handle_events(
        &mut self,
        events: Events<'_, Delivery<Event>>,
        out: &mut Emitter<'_, Delivery<Event>>,
    ) -> StageResult {
        sleep(self.0.pace).await;
        for delivery in events {
            let Event { key, number } = *delivery.peek();
            self.0.log.handled(&format!("{key} {number}"))?;
            out.emit(delivery);
        }
        Ok(())
    }
}

/// Receives from the first edge and sends to the second one, until this process is asked to leave.
pub(super) async fn work(edge: NatsEdge, orders: EdgeSpec, name: &str, recorder: Recorder, leave: &Path) {
    let retry = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
    let options = SourceOptions::new(name).retry(retry);
    let (to, totals) = (edge.clone(), totals(orders.lease));
    let pipeline = Pipeline::builder("worker")
        .start("orders.in", move || {
            Ok(EdgeSource::new(edge.clone(), orders.clone(), format(), options.clone()))
        })
        .acknowledged()
        .step(StepOptions::named("record").max_demand(16), move || Ok(Passing(recorder.clone())))
        .finish("totals.out", move || Ok(sink(&to, &totals)));
    let running = pipeline.start().await.unwrap();
    while !leave.exists() {
        sleep(PAUSE).await;
    }
    running.drain(Duration::from_secs(60)).await.unwrap();
}

/// Returns the numbers of each key, in the order in which the server has stored them.
async fn stored(server: &NatsServer) -> BTreeMap<u32, Vec<u32>> {
    let context = async_nats::jetstream::new(server.client().await);
    let stream = context.get_stream("EDGE_shop_totals").await.unwrap();
    let (state, format) = (&stream.cached_info().state, format());
    let mut numbers: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for sequence in state.first_sequence..=state.last_sequence {
        let message = stream.get_raw_message(sequence).await.unwrap();
        let frame = Frame::read(message.payload).unwrap();
        let decode = format.decoder(&frame.header).unwrap();
        for event in frame.events() {
            let Event { key, number } = decode(&event.bytes).unwrap();
            numbers.entry(key).or_default().push(number);
        }
    }
    numbers
}

#[tokio::test]
async fn what_workers_make_is_stored_once_and_in_order_while_they_are_killed() {
    let scale = Scale::from_environment();
    let scale = Scale { kills: scale.kills.max(5), ..scale };
    let (orders, totals) = (orders(scale, LEASE), totals(LEASE));
    let Some((server, edge)) = start(&orders).await else { return };
    edge.open(&totals).await.unwrap();
    let mut crew = Crew::new(&server, &orders, Duration::from_micros(100)).running(Kind::Once);
    crew.join_all(scale.workers);
    let mut judge = Judge::new(&crew, scale);
    let (sender, queue) = send(&edge, &orders, scale).await;
    for kill in 1..=scale.kills {
        judge.until(kill * (scale.events / (scale.kills + 1))).await;
        crew.replace();
    }
    judge.until_all().await;
    timeout(SILENCE, queue.until(|counts| counts.all() == 0)).await.unwrap();
    let is_empty = async || edge.lag(&orders).await.unwrap().iter().all(|lag| lag.frames == 0);
    timeout(SILENCE, async {
        while !is_empty().await {
            sleep(PAUSE).await;
        }
    })
    .await
    .unwrap();
    judge.print("two edges in a row");
    let stored = stored(&server).await;
    assert_eq!(stored.len(), scale.keys as usize);
    for (key, numbers) in stored {
        assert!(numbers.iter().copied().eq(0..feed::per_key(scale)), "key {key}: {numbers:?}");
    }
    sender.drain(SILENCE).await.unwrap();
}
