//! Messages per second through publish, consume and acknowledge: the connector beside the client library by hand.
//!
//! ```text
//! cargo bench -p stage-rabbitmq --bench messages -- [MESSAGES]
//! ```
//!
//! Both sides publish persistent messages with ids, in windows of the same size whose calls begin together, and wait for
//! the confirms of each. They receive 200 at once, acknowledge these by one call, and ask whether that was processed. By
//! hand, one consumer with that prefetch stays; the connector begins one for each pull, so that nothing is fetched beyond
//! demand. They alternate.
//!
//! A server that is busy writes persistent messages to its disk about every 200 ms, and confirms them afterwards. Each
//! window waits for that, so shorter ones would measure little else.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::try_join_all;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Consumer};
use stage_connect::laws::{Outcome, beside, by_hand, numbers};
use stage_connect::{Disposition, MessageId, Push, PutError};
use stage_rabbitmq::{Outgoing, PublishOptions, RabbitPull, RabbitPush, ReadOptions};
use support::RabbitServer;

const BATCH: u16 = 200;
const WINDOW: usize = 2_000;
const ROUNDS: usize = 5;
const PAYLOAD: usize = 100;

async fn plain(channel: &Channel, consumer: &mut Consumer, messages: usize) -> Outcome<Duration> {
    let begun = Instant::now();
    for _ in 0..messages / WINDOW {
        let publish = |number: usize| {
            let id = number.to_string().into();
            let properties = BasicProperties::default().with_delivery_mode(2).with_message_id(id);
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            channel.basic_publish("".into(), "plain".into(), options, &[7; PAYLOAD], properties)
        };
        let confirms = try_join_all((0..WINDOW).map(publish)).await?;
        try_join_all(confirms).await?;
    }
    for number in 1..=messages {
        let delivery = consumer.next().await.ok_or("the server has ended the consumer")??;
        if number % usize::from(BATCH) == 0 {
            delivery.acker.ack(BasicAckOptions { multiple: true }).await?;
            // The answer to a later question means that the acknowledgement was processed.
            declare(channel, "plain").await?;
        }
    }
    Ok(begun.elapsed())
}

async fn ours(server: &RabbitServer, messages: usize) -> Outcome<Duration> {
    let (mut pull, mut settle) =
        by_hand::opened(RabbitPull::new(server.server(), ReadOptions::new("ours"))).await;
    let mut push = RabbitPush::new(server.server(), PublishOptions::to_queue("ours").window(WINDOW));
    push.connect().await?;
    let message = |number| (MessageId::new(format!("{number}")), Outgoing::new(vec![7_u8; PAYLOAD]));
    let begun = Instant::now();
    for _ in 0..messages / WINDOW {
        let window: Vec<_> = (0..WINDOW).map(message).collect();
        put(&mut push, &window).await?;
    }
    let mut done = 0;
    while done < messages {
        let taken = by_hand::take(&mut pull, BATCH.into(), Duration::from_secs(1)).await;
        by_hand::settle_all(&mut settle, &taken, Disposition::Accept).await;
        done += taken.len();
    }
    Ok(begun.elapsed())
}

/// Stores all messages. By hand, a publisher that the server blocks waits in the same way.
async fn put(push: &mut RabbitPush, messages: &[(MessageId, Outgoing)]) -> Outcome<()> {
    let mut rest = messages;
    while !rest.is_empty() {
        match push.put(rest).await {
            Ok(stored) => rest = &rest[stored..],
            Err(PutError::Full { after }) => tokio::time::sleep(after).await,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

async fn declare(channel: &Channel, queue: &str) -> Outcome<()> {
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.into(), durable, FieldTable::default()).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let [messages] = numbers([20_000])?;
    let server = RabbitServer::alone().ok_or("rabbitmq-server is not installed")?;
    let (_connection, channel) = server.channel().await;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    declare(&channel, "plain").await?;
    channel.basic_qos(BATCH, BasicQosOptions::default()).await?;
    let consume = channel.basic_consume(
        "plain".into(),
        "".into(),
        BasicConsumeOptions::default(),
        FieldTable::default(),
    );
    let mut consumer = consume.await?;
    let names = ["the client by hand", "the connector"];
    let by_hand = async || plain(&channel, &mut consumer, messages).await;
    beside(names, messages, ROUNDS, by_hand, async || ours(&server, messages).await).await
}
