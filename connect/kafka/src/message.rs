//! Messages of a topic, received and to be produced.

use bytes::Bytes;
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};

/// A message of a topic.
///
/// ```
/// use stage_kafka::KafkaMessage;
///
/// /// Returns the customer of an order, which is its key.
/// fn customer(order: &KafkaMessage) -> Option<&[u8]> {
///     order.key.as_deref()
/// }
///
/// // A handler is tested without a cluster.
/// let order = KafkaMessage {
///     partition: 0,
///     offset: 7,
///     key: Some("customer-17".into()),
///     headers: Vec::new(),
///     payload: "3 apples".into(),
/// };
/// assert_eq!(customer(&order), Some(&b"customer-17"[..]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaMessage {
    /// The partition, from 0.
    pub partition: i32,
    /// The place of the message in its partition.
    pub offset: i64,
    /// The key; `None` if it has none.
    pub key: Option<Bytes>,
    /// The headers, in order. A header without a value has an empty one.
    pub headers: Vec<(String, Bytes)>,
    /// The content; empty if it has none.
    pub payload: Bytes,
}

impl KafkaMessage {
    /// Copies a message. Its key, its content and the values of its headers share one buffer.
    pub(crate) fn copy(message: &BorrowedMessage<'_>) -> Self {
        let (key, payload) = (message.key(), message.payload().unwrap_or_default());
        let headers = message.headers();
        let headers = || headers.into_iter().flat_map(Headers::iter);
        let values = || headers().map(|header| header.value.unwrap_or_default());
        let parts = || [key.unwrap_or_default(), payload].into_iter().chain(values());
        let mut buffer = Vec::with_capacity(parts().map(<[u8]>::len).sum());
        parts().for_each(|part| buffer.extend_from_slice(part));
        let mut buffer = Bytes::from(buffer);
        let key = key.map(|key| buffer.split_to(key.len()));
        let payload = buffer.split_to(payload.len());
        let copied = |header: Header<'_, &[u8]>| {
            (header.key.to_owned(), buffer.split_to(header.value.unwrap_or_default().len()))
        };
        let headers = headers().map(copied).collect();
        Self { partition: message.partition(), offset: message.offset(), key, headers, payload }
    }
}

/// A message to be produced.
///
/// ```
/// use stage_kafka::Outgoing;
///
/// let message = Outgoing::new("3 apples").key("customer-17").header("kind", "order");
/// assert_eq!(message.headers.len(), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// The key, which determines the partition; `None` for any partition.
    pub key: Option<Bytes>,
    /// The headers, in order.
    pub headers: Vec<(String, Bytes)>,
    /// The content.
    pub payload: Bytes,
}

impl Outgoing {
    /// Returns a message without a key and headers.
    pub fn new(payload: impl Into<Bytes>) -> Self {
        Self { key: None, headers: Vec::new(), payload: payload.into() }
    }

    /// Sets the key. Messages of equal keys go to one partition, in order.
    #[must_use]
    pub fn key(mut self, key: impl Into<Bytes>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Bytes>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Returns the headers in the form of the client, with one more.
    pub(crate) fn headers_with(&self, name: &str, value: &str) -> OwnedHeaders {
        let mut headers = OwnedHeaders::new_with_capacity(self.headers.len() + 1);
        for (name, value) in &self.headers {
            headers = headers.insert(rdkafka::message::Header { key: name, value: Some(&**value) });
        }
        headers.insert(rdkafka::message::Header { key: name, value: Some(value) })
    }
}
