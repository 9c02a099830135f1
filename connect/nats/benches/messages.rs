//! Messages per second through publish, read and acknowledge: the connector beside the client library by hand.
//!
//! ```text
//! cargo bench -p stage-nats --bench messages -- [MESSAGES]
//! ```
//!
//! Both sides publish in batches of the same size and wait for the answers of the stream, read as many at once by one
//! durable consumer, and wait until the server has confirmed the acknowledgement of each message. They alternate.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use async_nats::jetstream::Context;
use async_nats::jetstream::consumer::{PullConsumer, pull};
use futures_util::TryStreamExt;
use futures_util::future::try_join_all;
use stage_connect::laws::{Outcome, beside, by_hand, numbers};
use stage_connect::{Disposition, MessageId, Push};
use stage_nats::{NatsPull, NatsPush, Outgoing, PublishOptions, ReadOptions};
use support::NatsServer;

const BATCH: usize = 200;
const ROUNDS: usize = 5;
const PAYLOAD: usize = 100;

async fn plain(
    context: &Context,
    consumer: &PullConsumer,
    id: &mut usize,
    messages: usize,
) -> Outcome<Duration> {
    let begun = Instant::now();
    for _ in 0..messages / BATCH {
        let mut answers = Vec::with_capacity(BATCH);
        for _ in 0..BATCH {
            *id += 1;
            let mut headers = async_nats::HeaderMap::new();
            headers.insert("Nats-Msg-Id", format!("plain-{id}"));
            answers.push(context.publish_with_headers("plain", headers, vec![7_u8; PAYLOAD].into()).await?);
        }
        for answer in answers {
            answer.await?;
        }
    }
    let mut done = 0;
    while done < messages {
        let batch = consumer.fetch().max_messages(BATCH).messages().await?;
        let taken: Vec<_> = batch.map_err(|error| error.to_string()).try_collect().await?;
        let acknowledged = try_join_all(taken.iter().map(async_nats::jetstream::Message::double_ack)).await;
        acknowledged.map_err(|error| error.to_string())?;
        done += taken.len();
    }
    Ok(begun.elapsed())
}

async fn ours(server: &NatsServer, id: &mut usize, messages: usize) -> Outcome<Duration> {
    let options = ReadOptions::new("OURS", "g");
    let (mut pull, mut settle) = by_hand::opened(NatsPull::new(server.server(), options)).await;
    let mut push = NatsPush::new(server.server(), PublishOptions::to("ours"));
    push.connect().await?;
    let begun = Instant::now();
    for _ in 0..messages / BATCH {
        let message = |number| (MessageId::new(format!("ours-{number}")), Outgoing::new(vec![7_u8; PAYLOAD]));
        let batch: Vec<_> = (*id..*id + BATCH).map(message).collect();
        *id += BATCH;
        by_hand::put_all(&mut push, &batch).await;
    }
    let mut done = 0;
    while done < messages {
        let taken = by_hand::take(&mut pull, BATCH, Duration::from_secs(1)).await;
        by_hand::settle_all(&mut settle, &taken, Disposition::Accept).await;
        done += taken.len();
    }
    Ok(begun.elapsed())
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let [messages] = numbers([20_000])?;
    let server = NatsServer::start(&[]).await.ok_or("nats-server is not installed")?;
    server.server().create_stream("PLAIN", &["plain"]).await?;
    server.server().create_stream("OURS", &["ours"]).await?;
    let context = async_nats::jetstream::new(server.client().await);
    let consumer =
        pull::Config { durable_name: Some("g".to_owned()), max_ack_pending: 20_000, ..Default::default() };
    let consumer = context.create_consumer_on_stream(consumer, "PLAIN").await?;
    let names = ["the client by hand", "the connector"];
    let (mut plain_id, mut our_id) = (0, 0);
    let by_hand = async || plain(&context, &consumer, &mut plain_id, messages).await;
    beside(names, messages, ROUNDS, by_hand, async || ours(&server, &mut our_id, messages).await).await
}
