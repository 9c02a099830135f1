//! Acknowledges messages, and sets failed ones aside.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use lapin::options::{BasicAckOptions, ConfirmSelectOptions};
use lapin::types::AMQPValue;
use lapin::{BasicProperties, Channel};
use stage_connect::{ConnectError, Disposition, Settle};
use tokio::time::timeout;

use crate::error::{failed, late};
use crate::message::{self, RabbitMessage, with_headers};
use crate::options::{QueueKind, ReadOptions};
use crate::publish::{Confirmed, Parcel, publish_all};
use crate::server::Server;
use crate::session::{PATIENCE, REQUEUE, Session, all, ask, create_queue, dead_letters_to};

/// How much longer a queue of retries lives than the messages in it, in milliseconds.
const IDLE: u64 = 3_600_000;

/// Identifies one delivery of a message. It keeps the content, which a retry or a dead letter publishes again.
///
/// The example of [`RabbitPull`](crate::RabbitPull) settles one.
#[derive(Clone, Debug)]
pub struct Receipt {
    tag: u64,
    session: Arc<Session>,
    payload: Bytes,
    properties: BasicProperties,
    failures: u32,
}

impl Receipt {
    pub(crate) fn new(tag: u64, session: Arc<Session>, message: &RabbitMessage) -> Self {
        let failures = message::failures(&message.properties);
        let (payload, properties) = (message.payload.clone(), message.properties.clone());
        Self { tag, session, payload, properties, failures }
    }

    pub(crate) const fn attempt(&self) -> u32 {
        self.failures.saturating_add(1)
    }

    /// Returns whether the delivery can be settled. A lost channel has given its messages back, and a repeated list
    /// contains receipts that are settled.
    fn is_open(&self) -> bool {
        self.session.channel.status().connected() && self.session.tags().is_open(self.tag)
    }

    /// Acknowledges this delivery alone.
    async fn acknowledge(&self) -> lapin::Result<()> {
        if !self.session.tags().settle(self.tag) {
            return Ok(());
        }
        self.session.channel.basic_ack(self.tag, BasicAckOptions::default()).await
    }
}

/// The names that both halves share.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) server: Server,
    pub(crate) options: ReadOptions,
}

impl Reader {
    /// Returns the server and the object, for messages.
    pub(crate) fn describe(&self) -> String {
        format!("{} queue `{}`", self.server.name(), self.options.queue)
    }

    /// Returns the name of the queue in which messages wait for this time.
    pub(crate) fn retry_queue(&self, millis: u64) -> String {
        format!("{}.retry.{millis}", self.options.queue)
    }
}

/// The half of a [`RabbitPull`](crate::RabbitPull) that reports to the server. Acknowledgements go through the channel
/// that delivered, as the protocol demands; retries and dead letters through a connection of this half.
///
/// The example of [`RabbitPull`](crate::RabbitPull) settles messages with it.
#[derive(Debug)]
pub struct RabbitSettle {
    reader: Arc<Reader>,
    publisher: Option<Session>,
}

impl RabbitSettle {
    pub(crate) const fn new(reader: Arc<Reader>) -> Self {
        Self { reader, publisher: None }
    }

    async fn publisher(&mut self) -> Result<Session, ConnectError> {
        if let Some(session) = self.publisher.take().filter(|session| session.channel.status().connected()) {
            return Ok(session);
        }
        let at = self.reader.describe();
        let session = Session::open(&self.reader.server, &at).await?;
        let confirmed = session.channel.confirm_select(ConfirmSelectOptions::default());
        ask(&at, "cannot connect", confirmed).await?;
        Ok(session)
    }

    /// Publishes one message to a queue that exists, and waits until it is stored.
    async fn store(
        &mut self,
        channel: &Channel,
        queue: &str,
        payload: &[u8],
        properties: BasicProperties,
    ) -> Result<(), ConnectError> {
        let at = self.reader.describe();
        let what = format!("cannot publish to `{queue}`");
        let parcel = Parcel { exchange: "", routing_key: queue, payload, properties };
        let published = timeout(PATIENCE, publish_all(channel, [parcel])).await;
        match published.map_err(|_| late(&at, &what))? {
            (_, Some(error)) => Err(failed(&at, &what, &error)),
            (answers, None) => match answers.first() {
                Some(Confirmed::Stored) | None => Ok(()),
                Some(Confirmed::Full) => Err(ConnectError::gone(at, what, "the queue is full")),
                Some(Confirmed::Unroutable(text)) => Err(ConnectError::gone(at, what, text.clone())),
            },
        }
    }

    /// Publishes a message to the queue in which it waits, or directly to its own.
    async fn retry(&mut self, receipt: &Receipt, after: Duration) -> Result<(), ConnectError> {
        let session = self.publisher().await?;
        let queue = self.reader.options.queue.clone();
        let waits = match delay(after) {
            0 => queue,
            millis => {
                let mut arguments = dead_letters_to(&queue);
                let number = |number: u64| AMQPValue::LongLongInt(i64::try_from(number).unwrap_or(i64::MAX));
                arguments.insert("x-message-ttl".into(), number(millis));
                arguments.insert("x-expires".into(), number(millis.saturating_add(IDLE)));
                let waits = self.reader.retry_queue(millis);
                let created = create_queue(&session.channel, &waits, QueueKind::Classic, arguments);
                ask(&self.reader.describe(), "cannot create the queue of retries", created).await?;
                waits
            }
        };
        let properties = message::failed(&receipt.properties, receipt.attempt());
        self.store(&session.channel, &waits, &receipt.payload, properties).await?;
        self.publisher = Some(session);
        Ok(())
    }

    async fn bury(&mut self, receipt: &Receipt, cause: &str) -> Result<(), ConnectError> {
        let session = self.publisher().await?;
        let (queue, dead) = (self.reader.options.queue.clone(), self.reader.options.dead());
        let text = |text: &str| AMQPValue::LongString(text.into());
        let headers = [
            ("x-stage-cause", text(cause)),
            ("x-stage-queue", text(&queue)),
            ("x-stage-attempts", AMQPValue::LongLongInt(receipt.attempt().into())),
        ];
        let properties = with_headers(receipt.properties.clone(), headers);
        self.store(&session.channel, &dead, &receipt.payload, properties).await?;
        self.publisher = Some(session);
        Ok(())
    }
}

/// Returns a delay in milliseconds, of at most a year, rounded up to a power of two, so that the number of queues of
/// retries is small and each holds one delay only: a queue releases its messages in their order.
fn delay(after: Duration) -> u64 {
    const YEAR: u128 = 365 * 24 * 3_600_000;
    match u64::try_from(after.as_millis().min(YEAR)).unwrap_or(u64::MAX) {
        0 if after.is_zero() => 0,
        millis => millis.max(1).next_power_of_two(),
    }
}

/// Returns the sessions of these receipts, each once.
fn sessions(settled: &[(Receipt, Disposition)]) -> Vec<&Arc<Session>> {
    let mut sessions: Vec<&Arc<Session>> = Vec::new();
    for (receipt, _) in settled {
        if sessions.iter().all(|session| !Arc::ptr_eq(session, &receipt.session)) {
            sessions.push(&receipt.session);
        }
    }
    sessions
}

/// Tells a session which of its messages are accepted and which are released.
async fn tell(session: &Arc<Session>, settled: &[(Receipt, Disposition)]) -> lapin::Result<()> {
    if !session.channel.status().connected() {
        return Ok(());
    }
    let (mut accepted, mut nacks) = (Vec::new(), Vec::new());
    for (receipt, disposition) in settled.iter().filter(|(receipt, _)| Arc::ptr_eq(&receipt.session, session))
    {
        match disposition {
            Disposition::Accept => accepted.push(receipt.tag),
            Disposition::Release if session.tags().settle(receipt.tag) => {
                nacks.push(session.channel.basic_nack(receipt.tag, REQUEUE));
            }
            Disposition::Release | Disposition::Retry { .. } | Disposition::Dead { .. } => {}
        }
    }
    // Behind the releases: an acknowledgement of many would settle a delivery that is noted as settled and not told.
    let released = all(nacks).await;
    let acknowledged = session.tags().acknowledge(accepted);
    let mut acks = Vec::new();
    if let Some(tag) = acknowledged.up_to {
        acks.push(session.channel.basic_ack(tag, BasicAckOptions { multiple: true }));
    }
    for tag in acknowledged.single {
        acks.push(session.channel.basic_ack(tag, BasicAckOptions::default()));
    }
    released.into_iter().chain(all(acks).await).collect()
}

/// Notes that a channel is lost, so that its messages are delivered again.
fn note_loss(at: &str, error: &lapin::Error) {
    tracing::debug!(%error, "{at}: a channel was lost before its messages were settled");
}

impl Settle for RabbitSettle {
    type Receipt = Receipt;

    async fn settle(&mut self, settled: &[(Receipt, Disposition)]) -> Result<(), ConnectError> {
        let (at, what) = (self.reader.describe(), "cannot settle");
        let sessions = sessions(settled);
        for session in &sessions {
            if let Err(error) = tell(session, settled).await {
                note_loss(&at, &error);
            }
        }
        for (receipt, disposition) in settled.iter().filter(|(receipt, _)| receipt.is_open()) {
            match disposition {
                Disposition::Accept | Disposition::Release => continue,
                Disposition::Retry { after } => self.retry(receipt, *after).await?,
                Disposition::Dead { cause } => self.bury(receipt, cause).await?,
            }
            if let Err(error) = receipt.acknowledge().await {
                note_loss(&at, &error);
            }
        }
        // The protocol has no answer to an acknowledgement; the answer to a later question means that it was processed.
        for session in sessions.into_iter().filter(|session| session.channel.status().connected()) {
            if timeout(PATIENCE, session.flush(&self.reader.options.queue)).await.is_err() {
                return Err(late(&at, what));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_powers_of_two_and_never_shorter() {
        let delays: Vec<_> =
            [0, 1, 3, 1000, 1024].map(Duration::from_millis).into_iter().map(delay).collect();
        assert_eq!(delays, [0, 1, 4, 1024, 1024]);
        assert_eq!(delay(Duration::from_micros(1)), 1);
        assert_eq!(delay(Duration::MAX), 1 << 35);
    }
}
