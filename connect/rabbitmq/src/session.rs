//! A connection with one channel.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::maybe_done;
use lapin::message::Delivery;
use lapin::options::{BasicNackOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection};
use stage_connect::ConnectError;
use tokio::time::timeout;

use crate::error::{NOT_FOUND, code, failed, late};
use crate::message::short;
use crate::options::QueueKind;
use crate::server::Server;
use crate::tags::Tags;

/// The longest wait for an answer of the server.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The longest name of a queue.
const NAME: usize = 255;

/// Gives a message back to its queue.
pub(crate) const REQUEUE: BasicNackOptions = BasicNackOptions { requeue: true, multiple: false };

/// A connection with one channel. Acknowledgements belong to the channel of their delivery.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) connection: Connection,
    pub(crate) channel: Channel,
    tags: Mutex<Tags>,
}

/// Begins calls in their order, then awaits all of them. The thread of the client sends what it finds at once; a call
/// that is awaited before the next one begins costs a hand-over to that thread, and a packet.
pub(crate) async fn all<F: Future>(calls: Vec<F>) -> Vec<F::Output> {
    let mut begun = Vec::with_capacity(calls.len());
    for call in calls {
        let mut call = Box::pin(maybe_done(call));
        poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_ready())).await;
        begun.push(call);
    }
    let mut outcomes = Vec::with_capacity(begun.len());
    for mut call in begun {
        call.as_mut().await;
        outcomes.extend(call.as_mut().take_output());
    }
    outcomes
}

/// Awaits a call of the client.
pub(crate) async fn ask<T>(
    at: &str,
    what: &str,
    call: impl Future<Output = lapin::Result<T>>,
) -> Result<T, ConnectError> {
    timeout(PATIENCE, call).await.map_err(|_| late(at, what))?.map_err(|error| failed(at, what, &error))
}

impl Session {
    pub(crate) async fn open(server: &Server, at: &str) -> Result<Self, ConnectError> {
        let what = "cannot connect";
        let connection = ask(at, what, server.connect()).await?;
        let channel = ask(at, what, connection.create_channel()).await?;
        Ok(Self { connection, channel, tags: Mutex::default() })
    }

    /// Notes deliveries of the channel.
    pub(crate) fn receive(&self, deliveries: &[Delivery]) {
        let mut tags = self.tags();
        for delivery in deliveries {
            tags.receive(delivery.delivery_tag);
        }
    }

    /// Gives messages back to the queue that were not handed out.
    pub(crate) fn release(&self, deliveries: Vec<Delivery>) {
        if deliveries.is_empty() {
            return;
        }
        for Delivery { delivery_tag, .. } in deliveries {
            // The call is sent and needs no answer: if the channel has ended, the server has requeued the message.
            let _ = self.channel.basic_nack(delivery_tag, REQUEUE).now_or_never();
            // Afterwards, since an acknowledgement of many passes deliveries that are noted as settled.
            self.tags().settle(delivery_tag);
        }
    }

    /// Returns the deliveries that are not settled.
    pub(crate) fn tags(&self) -> MutexGuard<'_, Tags> {
        self.tags.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the connection, which may be broken.
    pub(crate) async fn close(&self) {
        let _ = timeout(PATIENCE, self.connection.close(200, short("OK"))).await;
    }

    /// Returns whether a queue exists. The channel of this session ends if it does not.
    pub(crate) async fn has_queue(&self, queue: &str, at: &str) -> Result<bool, ConnectError> {
        let what = "cannot find the queue";
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let declared = self.channel.queue_declare(short(queue), passive, FieldTable::default());
        match timeout(PATIENCE, declared).await.map_err(|_| late(at, what))? {
            Ok(_) => Ok(true),
            Err(error) if code(&error) == Some(NOT_FOUND) => Ok(false),
            Err(error) => Err(failed(at, what, &error)),
        }
    }

    /// Waits until the server has processed everything that was sent on this channel. The queue is one that exists.
    pub(crate) async fn flush(&self, queue: &str) -> lapin::Result<()> {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        self.channel.queue_declare(short(queue), passive, FieldTable::default()).await.map(drop)
    }
}

/// Refuses a name that the protocol cannot carry.
pub(crate) fn check_name(at: &str, name: &str) -> Result<(), ConnectError> {
    if name.len() <= NAME {
        return Ok(());
    }
    let wrong = format!("a name has {} bytes, of at most {NAME}", name.len());
    Err(ConnectError::fatal(at, wrong, "choose a shorter name"))
}

/// Returns the arguments of a queue whose dead messages go to `queue`.
pub(crate) fn dead_letters_to(queue: &str) -> FieldTable {
    let text = |text: &str| AMQPValue::LongString(text.into());
    let mut arguments = FieldTable::default();
    arguments.insert("x-dead-letter-exchange".into(), text(""));
    arguments.insert("x-dead-letter-routing-key".into(), text(queue));
    arguments
}

/// Creates a durable queue.
pub(crate) async fn create_queue(
    channel: &Channel,
    queue: &str,
    kind: QueueKind,
    mut arguments: FieldTable,
) -> lapin::Result<()> {
    if kind == QueueKind::Quorum {
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    }
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(short(queue), durable, arguments).await.map(drop)
}
