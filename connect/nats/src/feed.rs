//! The inbox of a reader, over which its requests follow one another.

use async_nats::{Message, Subscriber};
use futures_util::StreamExt;
use stage_connect::ConnectError;

use crate::link::Link;

/// A subscription to the answers of requests for one message each. It is kept while each request is answered, since a
/// subscription for each of them would cost the server more than the request.
pub(crate) struct Feed {
    name: String,
    messages: Subscriber,
    /// The number of the last request, to which its reports are addressed.
    request: u64,
}

impl Feed {
    /// Subscribes; `at` names the reader in errors.
    pub(crate) async fn open(link: &Link, at: &str) -> Result<Self, ConnectError> {
        let (what, name) = ("cannot read", link.client.new_inbox());
        let subscribed = link.patiently(link.client.subscribe(format!("{name}.*"))).await;
        let messages = subscribed
            .map_err(|error| error.at(at, what))?
            .map_err(|error| ConnectError::gone(at, what, error.to_string()))?;
        Ok(Self { name, messages, request: 0 })
    }

    /// Returns the subject for the answers to the next request.
    pub(crate) fn begin(&mut self) -> String {
        self.request += 1;
        format!("{}.{}", self.name, self.request)
    }

    /// Returns the next message or report; `None` once the connection has ended. The report of an earlier request is
    /// ignored. Messages have the subject of their stream, so they do not tell which request they answer. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            let message = self.messages.next().await?;
            if message.status.is_none() || !self.is_of_earlier(&message.subject) {
                return Some(message);
            }
        }
    }

    fn is_of_earlier(&self, subject: &str) -> bool {
        let number = subject.rsplit('.').next().and_then(|number| number.parse::<u64>().ok());
        number.is_some_and(|number| number < self.request)
    }

    /// Ends the subscription; messages on their way are received.
    pub(crate) async fn drain(&mut self) -> Result<(), impl std::error::Error + use<>> {
        self.messages.drain().await
    }
}
