//! The laws of connectors, against a RabbitMQ server.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::ops::Range;
use std::sync::Arc;

use lapin::BasicProperties;
use lapin::options::{BasicPublishOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use stage_connect::laws::{Counts, LawServer};
use stage_rabbitmq::{RabbitMessage, RabbitPull, ReadOptions, Server};
use support::proxy::Proxy;
use support::{RabbitServer, new_queue};

/// A queue of the shared server, behind a relay that goes away in place of the server.
struct Rabbit {
    server: Arc<RabbitServer>,
    proxy: Proxy,
    queue: String,
}

impl LawServer for Rabbit {
    type Pull = RabbitPull;

    async fn start() -> Option<Self> {
        let server = RabbitServer::shared()?;
        let (proxy, queue) = (Proxy::start(server.port()).await, new_queue());
        let (_connection, channel) = server.channel().await;
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        channel.queue_declare(queue.as_str().into(), durable, FieldTable::default()).await.unwrap();
        Some(Self { server, proxy, queue })
    }

    fn clients(&self) -> impl Fn() -> RabbitPull + Send + 'static {
        let server = Server::new(&format!("amqp://127.0.0.1:{}", self.proxy.port())).unwrap();
        let queue = self.queue.clone();
        move || RabbitPull::new(server.clone(), ReadOptions::new(&*queue))
    }

    fn number(message: &RabbitMessage) -> u64 {
        std::str::from_utf8(&message.payload).unwrap().parse().unwrap()
    }

    async fn publish(&mut self, numbers: Range<u64>) {
        let (_connection, channel) = self.server.channel().await;
        channel.confirm_select(lapin::options::ConfirmSelectOptions::default()).await.unwrap();
        for number in numbers {
            let payload = number.to_string();
            let confirm = channel.basic_publish(
                "".into(),
                self.queue.as_str().into(),
                BasicPublishOptions::default(),
                payload.as_bytes(),
                BasicProperties::default(),
            );
            assert!(confirm.await.unwrap().await.unwrap().is_ack());
        }
    }

    async fn counts(&mut self) -> Counts {
        self.server.counts(&self.queue)
    }

    async fn break_connections(&mut self) {
        self.proxy.cut();
    }

    async fn stop(&mut self) {
        self.proxy.set_up(false);
    }

    async fn restart(&mut self) {
        self.proxy.set_up(true);
    }
}

stage_connect::laws!(Rabbit);
