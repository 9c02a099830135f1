//! Publishes messages and collects their confirms.

use lapin::options::BasicPublishOptions;
use lapin::{BasicProperties, Channel, Confirmation};

use crate::message::short;

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
    let mut pending = Vec::new();
    let mut failure = None;
    for Parcel { exchange, routing_key, payload, properties } in parcels {
        // A message that no queue takes is returned, and not lost.
        let mandatory = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let sent =
            channel.basic_publish(short(exchange), short(routing_key), mandatory, payload, properties).await;
        match sent {
            Ok(confirm) => pending.push(confirm),
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    let mut answers = Vec::with_capacity(pending.len());
    for confirm in pending {
        answers.push(match confirm.await {
            Ok(Confirmation::Ack(Some(returned))) => Confirmed::Unroutable(returned.reply_text.to_string()),
            Ok(Confirmation::Ack(None) | Confirmation::NotRequested) => Confirmed::Stored,
            Ok(Confirmation::Nack(_)) => Confirmed::Full,
            Err(error) => return (answers, Some(error)),
        });
    }
    (answers, failure)
}
