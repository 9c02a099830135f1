//! Entries per second through append, read and acknowledge: the connector beside the client library by hand.
//!
//! ```text
//! cargo bench -p stage-redis --bench messages -- [MESSAGES]
//! ```
//!
//! Both sides append in batches of the same size, read as many at once by one consumer of a group, and acknowledge each
//! batch, over one connection for each half; the server writes every change to its disk. They alternate.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::streams::StreamReadReply;
use stage_connect::laws::{Outcome, beside, by_hand, numbers};
use stage_connect::{Disposition, MessageId, Push};
use stage_redis::{Append, Fields, ReadOptions, RedisPull, RedisPush};
use support::RedisServer;

const BATCH: usize = 200;
const ROUNDS: usize = 5;
const PAYLOAD: usize = 100;

async fn plain(link: &mut MultiplexedConnection, messages: usize) -> Outcome<Duration> {
    let payload = vec![7_u8; PAYLOAD];
    let begun = Instant::now();
    for _ in 0..messages / BATCH {
        let mut pipe = redis::pipe();
        for _ in 0..BATCH {
            pipe.cmd("XADD").arg("plain").arg("*").arg("payload").arg(&payload).ignore();
        }
        pipe.query_async::<()>(link).await?;
    }
    let mut done = 0;
    while done < messages {
        let mut read = redis::cmd("XREADGROUP");
        read.arg("GROUP").arg("g").arg("one").arg("COUNT").arg(BATCH).arg("STREAMS").arg("plain").arg(">");
        let reply: StreamReadReply = read.query_async(link).await?;
        let mut acknowledge = redis::cmd("XACK");
        acknowledge.arg("plain").arg("g");
        for entry in reply.keys.iter().flat_map(|key| &key.ids) {
            acknowledge.arg(&entry.id);
            done += 1;
        }
        acknowledge.query_async::<()>(link).await?;
    }
    Ok(begun.elapsed())
}

async fn ours(server: &RedisServer, messages: usize) -> Outcome<Duration> {
    let options = ReadOptions::new("ours", "g");
    let (mut pull, mut settle) = by_hand::opened(RedisPull::new(server.server(), options)).await;
    // As by hand, the server looks for no ids.
    let mut push = RedisPush::new(server.server(), Append::to("ours").once_within(Duration::ZERO));
    push.connect().await?;
    let message = |number| (MessageId::new(format!("{number}")), Fields::payload(vec![7_u8; PAYLOAD]));
    let begun = Instant::now();
    for _ in 0..messages / BATCH {
        let batch: Vec<_> = (0..BATCH).map(message).collect();
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
    let server = RedisServer::start(&[]).await.ok_or("redis-server is not installed")?;
    let mut link = server.link().await?;
    redis::cmd("XGROUP")
        .arg("CREATE")
        .arg("plain")
        .arg("g")
        .arg("0")
        .arg("MKSTREAM")
        .query_async::<()>(&mut link)
        .await?;
    let names = ["the client by hand", "the connector"];
    let by_hand = async || plain(&mut link, messages).await;
    beside(names, messages, ROUNDS, by_hand, async || ours(&server, messages).await).await
}
