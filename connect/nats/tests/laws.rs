//! The laws of connectors, against a NATS server.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::ops::Range;
use std::time::Duration;

use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::{Context, new};
use stage_connect::laws::{Counts, LawServer};
use stage_nats::{NatsMessage, NatsPull, ReadOptions};
use support::NatsServer;

struct Nats(NatsServer);

impl Nats {
    async fn context(&self) -> Context {
        new(self.0.client().await)
    }

    async fn messages(&self, stream: &str) -> u64 {
        match self.context().await.get_stream(stream).await {
            Ok(stream) => stream.cached_info().state.messages,
            Err(_) => 0,
        }
    }
}

impl LawServer for Nats {
    type Pull = NatsPull;

    /// A release is a negative acknowledgement, and the delivery behind it counts.
    const COUNTS_RELEASES: bool = true;

    async fn start() -> Option<Self> {
        let server = NatsServer::start(&[]).await?;
        server.server().create_stream("ORDERS", &["orders"]).await.unwrap();
        Some(Self(server))
    }

    fn clients(&self) -> impl Fn() -> NatsPull + Send + 'static {
        let server = self.0.server();
        move || NatsPull::new(server.clone(), ReadOptions::new("ORDERS", "g").lease(Duration::from_secs(2)))
    }

    fn number(message: &NatsMessage) -> u64 {
        std::str::from_utf8(&message.payload).unwrap().parse().unwrap()
    }

    async fn publish(&mut self, numbers: Range<u64>) {
        let context = self.context().await;
        for number in numbers {
            context.publish("orders", number.to_string().into()).await.unwrap().await.unwrap();
        }
    }

    async fn counts(&mut self) -> Counts {
        let consumer: Result<PullConsumer, _> =
            self.context().await.get_consumer_from_stream("g", "ORDERS").await;
        let dead = self.messages("DEAD_ORDERS").await;
        match consumer {
            Ok(consumer) => {
                let info = consumer.cached_info();
                Counts { ready: info.num_pending, in_flight: info.num_ack_pending as u64, dead }
            }
            Err(_) => Counts { ready: self.messages("ORDERS").await, in_flight: 0, dead },
        }
    }

    async fn stop(&mut self) {
        self.0.kill();
    }

    async fn restart(&mut self) {
        self.0.restart().await;
    }
}

stage_connect::laws!(Nats);
