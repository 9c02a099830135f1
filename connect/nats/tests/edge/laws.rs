//! The laws of connectors, for the inlet of a partition and for that of a pool.

use std::ops::Range;
use std::time::Duration;

use async_nats::jetstream::consumer::PullConsumer;
use bytes::Bytes;
use stage_connect::laws::{Counts, LawServer};
use stage_edge::{Edge, EdgeSpec, Epoch, Partition};
use stage_nats::edge::{NatsEdge, NatsInlet};

use crate::outlets::put;
use crate::start;
use crate::support::NatsServer;

struct Server {
    nats: NatsServer,
    edge: NatsEdge,
    spec: EdgeSpec,
    published: u32,
}

impl Server {
    async fn start(spec: EdgeSpec) -> Option<Self> {
        let spec = spec.ack_wait(Duration::from_secs(2)).setup(true);
        let (nats, edge) = start(&spec).await?;
        Some(Self { nats, edge, spec, published: 0 })
    }

    async fn publish(&mut self, numbers: Range<u64>) {
        let numbers = u32::try_from(numbers.start).unwrap()..u32::try_from(numbers.end).unwrap();
        assert_eq!(numbers.start, self.published, "ids are numbers");
        self.published = numbers.end;
        // A client other than the connector under test.
        put(&NatsEdge::new(self.nats.server()), &self.spec, Partition(0), numbers).await;
    }

    async fn counts(&self, consumer: &str) -> Counts {
        let context = async_nats::jetstream::new(self.nats.client().await);
        let messages = async |stream: &str| match context.get_stream(stream).await {
            Ok(stream) => stream.cached_info().state.messages,
            Err(_) => 0,
        };
        let (all, dead) = (messages("EDGE_law_orders").await, messages("DEAD_law").await);
        let consumer: Result<PullConsumer, _> =
            context.get_consumer_from_stream(consumer, "EDGE_law_orders").await;
        let in_flight = consumer.map_or(0, |consumer| consumer.cached_info().num_ack_pending as u64);
        Counts { ready: all.saturating_sub(in_flight), in_flight, dead }
    }
}

fn number(frame: &Bytes) -> u64 {
    std::str::from_utf8(frame).unwrap().parse().unwrap()
}

macro_rules! law_server {
    ($name:ident, $spec:expr, $consumer:literal, $inlet:expr) => {
        struct $name(Server);

        impl LawServer for $name {
            type Pull = NatsInlet;

            /// A release is a negative acknowledgement, and the delivery behind it counts.
            const COUNTS_RELEASES: bool = true;

            async fn start() -> Option<Self> {
                Server::start($spec).await.map(Self)
            }

            fn clients(&self) -> impl Fn() -> NatsInlet + Send + 'static {
                let (edge, spec) = (self.0.edge.clone(), self.0.spec.clone());
                move || ($inlet)(&edge, &spec)
            }

            fn number(frame: &Bytes) -> u64 {
                number(frame)
            }

            async fn publish(&mut self, numbers: Range<u64>) {
                self.0.publish(numbers).await;
            }

            async fn counts(&mut self) -> Counts {
                self.0.counts($consumer).await
            }

            async fn stop(&mut self) {
                self.0.nats.kill();
            }

            async fn restart(&mut self) {
                self.0.nats.restart().await;
            }
        }
    };
}

law_server!(Pool, EdgeSpec::new("law", "orders"), "pool", |edge: &NatsEdge, spec: &EdgeSpec| edge.pool(spec));
law_server!(
    OnePartition,
    EdgeSpec::new("law", "orders").partitions(1),
    "0-1",
    |edge: &NatsEdge, spec: &EdgeSpec| edge.inlet(spec, Partition(0), Epoch(1))
);

mod pool {
    stage_connect::laws!(super::Pool);
}

/// All laws but `no_more_is_pulled_than_was_asked_for`, which waits for four frames in flight.
mod partition {
    stage_connect::laws!(
        super::OnePartition:
        every_message_is_handled_and_leaves_the_server
        messages_of_a_lost_client_come_back
        a_dropped_pull_loses_nothing
        a_slow_sink_holds_up_the_server
        a_drain_ends_a_long_poll
        a_long_pause_keeps_its_leases
        a_failed_message_comes_back
        a_poisoned_message_is_set_aside
        a_stopped_message_is_not_counted
        a_server_that_goes_away_is_awaited
        broken_connections_lose_nothing
    );
}
