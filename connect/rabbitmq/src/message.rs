//! Messages of a queue, received and to be published.

use bytes::Bytes;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};

/// The header with the number of failed attempts.
const FAILURES: &str = "x-stage-failures";

/// A message of a queue.
///
/// ```
/// use stage_rabbitmq::{BasicProperties, RabbitMessage};
///
/// /// Returns the region of an order, the second word of its routing key.
/// fn region(order: &RabbitMessage) -> Option<&str> {
///     order.routing_key.split('.').nth(1)
/// }
///
/// // A handler is tested without a server.
/// let order = RabbitMessage {
///     exchange: "shop".to_owned(),
///     routing_key: "orders.eu".to_owned(),
///     properties: BasicProperties::default(),
///     payload: "3 apples".into(),
/// };
/// assert_eq!(region(&order), Some("eu"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RabbitMessage {
    /// The exchange to which it was published; empty for the default exchange. After a retry: the default exchange.
    pub exchange: String,
    /// The routing key under which it was published. After a retry: the name of the queue.
    pub routing_key: String,
    /// The properties, with the headers.
    pub properties: BasicProperties,
    /// The content.
    pub payload: Bytes,
}

/// A message to be published.
///
/// ```
/// use stage_rabbitmq::Outgoing;
///
/// let message = Outgoing::new("3 apples").routing_key("orders.eu").header("customer", "17");
/// assert_eq!(message.payload, "3 apples");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outgoing {
    /// The routing key; `None` for that of the options.
    pub routing_key: Option<String>,
    /// The properties. `message_id` is replaced by the id under which the message is published, and the delivery mode by
    /// that of the options, unless it is set.
    pub properties: BasicProperties,
    /// The content.
    pub payload: Bytes,
}

impl Outgoing {
    /// Returns a message without properties, for the routing key of the options.
    pub fn new(payload: impl Into<Bytes>) -> Self {
        Self { routing_key: None, properties: BasicProperties::default(), payload: payload.into() }
    }

    /// Sets the routing key.
    #[must_use]
    pub fn routing_key(mut self, key: impl Into<String>) -> Self {
        self.routing_key = Some(key.into());
        self
    }

    /// Adds a header with a text. A name of more than 255 bytes is cut off.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        let value = AMQPValue::LongString(value.into().into());
        self.properties = with_headers(self.properties, [(name, value)]);
        self
    }
}

/// Returns the number of failed attempts of a message.
pub(crate) fn failures(properties: &BasicProperties) -> u32 {
    let value = properties.headers().as_ref().and_then(|headers| headers.inner().get(FAILURES));
    match value {
        Some(AMQPValue::LongLongInt(failures)) => u32::try_from(*failures).unwrap_or(u32::MAX),
        _ => 0,
    }
}

/// Returns the properties of a message after its `failures` failed attempts.
pub(crate) fn failed(properties: &BasicProperties, failures: u32) -> BasicProperties {
    with_headers(properties.clone(), [(FAILURES, AMQPValue::LongLongInt(failures.into()))])
}

/// Adds headers to those of the message.
pub(crate) fn with_headers<'a>(
    properties: BasicProperties,
    added: impl IntoIterator<Item = (&'a str, AMQPValue)>,
) -> BasicProperties {
    let mut headers: FieldTable = properties.headers().clone().unwrap_or_default();
    for (name, value) in added {
        headers.insert(short(name), value);
    }
    properties.with_headers(headers)
}

/// Returns a short string, cut off where the protocol ends it.
pub(crate) fn short(text: &str) -> ShortString {
    let mut end = text.len().min(255);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_beside_the_other_headers() {
        let message = Outgoing::new("x").header("customer", "17");
        assert_eq!(failures(&message.properties), 0);
        let properties = failed(&failed(&message.properties, 1), 2);
        assert_eq!(failures(&properties), 2);
        assert!(properties.headers().as_ref().unwrap().inner().contains_key("customer"));
    }

    #[test]
    fn a_long_name_is_cut_at_a_character() {
        assert_eq!(short(&"é".repeat(200)).as_str().len(), 254);
    }
}
