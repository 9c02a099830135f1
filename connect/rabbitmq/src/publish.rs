//! Publishes messages and collects their confirms.

use lapin::options::BasicPublishOptions;
use lapin::{BasicProperties, Channel, Confirmation};

use crate::message::short;
use crate::session::all;

/// The content, in bytes, that the client has copied and not sent.
const AT_ONCE: usize = 1 << 20;

/// The answer of the server to one message.
pub(crate) enum Confirmed {
    Stored,
    /// A queue is full.
    Full,
    /// No queue takes the message.
    Unroutable(String),
}

/// A message with its way.
pub(crate) struct Parcel<'a> {
    pub(crate) exchange: &'a str,
    pub(crate) routing_key: &'a str,
    pub(crate) payload: &'a [u8],
    pub(crate) properties: BasicProperties,
}

/// Publishes all messages on a channel with confirms, then returns the answers, in order. The list ends early where the
/// connection failed, with the error.
pub(crate) async fn publish_all(
    channel: &Channel,
    parcels: impl IntoIterator<Item = Parcel<'_>>,
) -> (Vec<Confirmed>, Option<lapin::Error>) {
    // A message that no queue takes is returned, and not lost.
    let mandatory = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let (mut calls, mut sent, mut size) = (Vec::new(), Vec::new(), 0);
    for Parcel { exchange, routing_key, payload, properties } in parcels {
        let (exchange, routing_key) = (short(exchange), short(routing_key));
        calls.push(channel.basic_publish(exchange, routing_key, mandatory, payload, properties));
        size += payload.len();
        if size >= AT_ONCE {
            sent.extend(all(std::mem::take(&mut calls)).await);
            size = 0;
        }
    }
    sent.extend(all(calls).await);
    let mut confirmed = Vec::with_capacity(sent.len());
    // The server mostly confirms in order. Behind the last confirm, the others are there, without a wake-up for each.
    for confirm in sent.into_iter().rev() {
        confirmed.push(match confirm {
            Ok(confirm) => confirm.await,
            Err(error) => Err(error),
        });
    }
    let mut answers = Vec::with_capacity(confirmed.len());
    for confirmed in confirmed.into_iter().rev() {
        answers.push(match confirmed {
            Ok(Confirmation::Ack(Some(returned))) => Confirmed::Unroutable(returned.reply_text.to_string()),
            Ok(Confirmation::Ack(None) | Confirmation::NotRequested) => Confirmed::Stored,
            Ok(Confirmation::Nack(_)) => Confirmed::Full,
            Err(error) => return (answers, Some(error)),
        });
    }
    (answers, None)
}
