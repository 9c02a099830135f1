//! One run of a consumer.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use stage_connect::ConnectError;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::error::failed;
use crate::message::short;
use crate::session::{PATIENCE, Session, ask};

/// How long the rest of a batch may take after the first message.
const STRAGGLERS: Duration = Duration::from_millis(5);

/// The largest prefetch of the protocol.
const MOST: u16 = u16::MAX;

/// Consumes at most `at_most` messages: the first ones that arrive, or none after `wait` or a `stop`.
///
/// The prefetch of a consumer is the number that it still may deliver, and nothing is acknowledged while it runs. So the
/// server delivers no more than that, on every kind of queue; one limit per channel would be simpler, but quorum queues
/// do not know it.
pub(crate) async fn read(
    session: Arc<Session>,
    queue: String,
    at: String,
    at_most: usize,
    wait: Duration,
    stop: Arc<Notify>,
) -> Result<Vec<Delivery>, ConnectError> {
    let what = "cannot consume";
    let channel = &session.channel;
    let prefetch = u16::try_from(at_most).unwrap_or(MOST);
    let limit = channel.basic_qos(prefetch, BasicQosOptions::default());
    let consume = channel.basic_consume(
        short(&queue),
        short(""),
        BasicConsumeOptions::default(),
        FieldTable::default(),
    );
    // The limit is sent first, and one round trip answers both.
    let both = async { tokio::try_join!(biased; limit, consume) };
    let ((), mut consumer) = ask(&at, what, both).await?;
    let mut received = Vec::new();
    let first = tokio::select! {
        first = consumer.next() => Some(first),
        () = sleep(wait) => None,
        () = stop.notified() => None,
    };
    let ended = || ConnectError::gone(&at, what, "the server has ended the consumer");
    if let Some(first) = first {
        received.push(first.ok_or_else(ended)?.map_err(|error| failed(&at, what, &error))?);
        while received.len() < usize::from(prefetch) {
            match timeout(STRAGGLERS, consumer.next()).await {
                Ok(Some(Ok(delivery))) => received.push(delivery),
                // An error, or the end of the consumer, is met again by the next call.
                Ok(_) => return Ok(received),
                Err(_) => break,
            }
        }
    }
    // A consumer that has delivered its limit is silent until something is acknowledged, which is sent after its end.
    let nowait = received.len() == usize::from(prefetch);
    let cancelled =
        timeout(PATIENCE, channel.basic_cancel(consumer.tag(), BasicCancelOptions { nowait })).await;
    // Messages on their way arrive before the server confirms the end. After a failure it delivers them again.
    if let Ok(Ok(())) = cancelled {
        while let Ok(Some(Ok(delivery))) = timeout(PATIENCE, consumer.next()).await {
            received.push(delivery);
        }
    }
    Ok(received)
}
