//! Publishes many messages and collects their answers, in one inbox.

use async_nats::{HeaderMap, Message, StatusCode};
use bytes::Bytes;
use futures_util::StreamExt;

use crate::link::{Link, Unanswered};

/// A message that is answered.
pub(crate) struct Asked {
    pub(crate) subject: String,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Bytes,
}

/// The answer to one message.
pub(crate) enum Answer {
    /// Nothing listens to the subject.
    NoResponders,
    Message(Message),
}

/// Publishes all messages, then returns the answers in the order of the messages.
pub(crate) async fn ask_all(link: &Link, asked: Vec<Asked>) -> Result<Vec<Answer>, Unanswered> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let failed = |error: &dyn std::error::Error| Unanswered::Lost(error.to_string());
    let count = asked.len();
    let inbox = link.client.new_inbox();
    let exchange = async {
        let mut answers_in =
            link.client.subscribe(format!("{inbox}.*")).await.map_err(|error| failed(&error))?;
        for (number, Asked { subject, headers, payload }) in asked.into_iter().enumerate() {
            let reply = format!("{inbox}.{number}");
            let published = if headers.is_empty() {
                link.client.publish_with_reply(subject, reply, payload).await
            } else {
                link.client.publish_with_reply_and_headers(subject, reply, headers, payload).await
            };
            published.map_err(|error| failed(&error))?;
        }
        let mut answers: Vec<Option<Answer>> = std::iter::repeat_with(|| None).take(count).collect();
        let mut missing = count;
        while missing > 0 {
            let Some(message) = answers_in.next().await else { return Err(link.silence()) };
            let number = message.subject.rsplit('.').next().and_then(|number| number.parse::<usize>().ok());
            let Some(place) = number.and_then(|number| answers.get_mut(number)) else { continue };
            if place.is_none() {
                missing -= 1;
            }
            *place = Some(if message.status == Some(StatusCode::NO_RESPONDERS) {
                Answer::NoResponders
            } else {
                Answer::Message(message)
            });
        }
        Ok(answers.into_iter().flatten().collect())
    };
    link.patiently(exchange).await?
}
