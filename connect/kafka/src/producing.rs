//! Produces messages and collects their acknowledgements.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{FutureProducer, FutureRecord};

/// A message for a topic.
pub(crate) struct Parcel<'a> {
    pub(crate) topic: &'a str,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) payload: &'a [u8],
    pub(crate) headers: OwnedHeaders,
}

/// Produces all messages, then returns the outcomes, in order. The list ends early where the queue of the client is full.
pub(crate) async fn produce_all(
    producer: &FutureProducer,
    parcels: impl IntoIterator<Item = Parcel<'_>>,
) -> Vec<Result<(), KafkaError>> {
    let mut pending = Vec::new();
    for Parcel { topic, key, payload, headers } in parcels {
        let mut record = FutureRecord::<[u8], [u8]>::to(topic).payload(payload).headers(headers);
        record.key = key;
        match producer.send_result(record) {
            Ok(delivery) => pending.push(Ok(delivery)),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) if !pending.is_empty() => {
                break;
            }
            Err((error, _)) => pending.push(Err(error)),
        }
    }
    let mut outcomes = Vec::with_capacity(pending.len());
    // Acknowledgements arrive in order. Behind the last one, all others are there, without a wake-up for each.
    for delivery in pending.into_iter().rev() {
        outcomes.push(match delivery {
            Err(error) => Err(error),
            Ok(delivery) => match delivery.await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err((error, _))) => Err(error),
                Err(_) => Err(KafkaError::Canceled),
            },
        });
    }
    outcomes.reverse();
    outcomes
}
