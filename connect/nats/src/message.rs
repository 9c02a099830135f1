//! Messages of a stream, received and to be published.

use async_nats::HeaderMap;
use async_nats::header::{IntoHeaderName, IntoHeaderValue};
use bytes::Bytes;

/// A message of a stream.
///
/// ```
/// use stage_nats::{HeaderMap, NatsMessage};
///
/// /// Returns the region of an order, the second word of its subject.
/// fn region(order: &NatsMessage) -> Option<&str> {
///     order.subject.split('.').nth(1)
/// }
///
/// // A handler is tested without a server.
/// let order = NatsMessage {
///     subject: "orders.eu.17".to_owned(),
///     headers: HeaderMap::new(),
///     payload: "3 apples".into(),
///     sequence: 1,
/// };
/// assert_eq!(region(&order), Some("eu"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsMessage {
    /// The subject to which it was published.
    pub subject: String,
    /// The headers; empty if it has none.
    pub headers: HeaderMap,
    /// The content.
    pub payload: Bytes,
    /// The number of the message in its stream, from 1.
    pub sequence: u64,
}

/// A message to be published.
///
/// ```
/// use stage_nats::Outgoing;
///
/// let message = Outgoing::new("3 apples").subject("orders.eu").header("customer", "17");
/// assert_eq!(message.headers.get("customer").unwrap().as_str(), "17");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// The subject; `None` for that of the options.
    pub subject: Option<String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The content.
    pub payload: Bytes,
}

impl Outgoing {
    /// Returns a message without headers, for the subject of the options.
    pub fn new(payload: impl Into<Bytes>) -> Self {
        Self { subject: None, headers: HeaderMap::new(), payload: payload.into() }
    }

    /// Sets the subject.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Adds a header. `Nats-Msg-Id` is replaced by the id under which the message is published.
    ///
    /// # Panics
    ///
    /// Panics if the name or the value contains a line break, or the name another character that headers cannot have.
    #[must_use]
    pub fn header(mut self, name: impl IntoHeaderName, value: impl IntoHeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}
