//! Publishes messages and collects their answers, in one inbox.

use std::time::Duration;

use async_nats::{HeaderMap, Message, StatusCode, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::link::{Link, Unanswered};

/// A message that is answered.
#[derive(Clone)]
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

/// A subscription to answers. Messages are numbered, so the answer to a call that was dropped is ignored.
#[derive(Debug)]
pub(crate) struct Inbox {
    pub(crate) link: Link,
    name: String,
    answers: Subscriber,
    /// The number of the next message.
    next: usize,
}

impl Inbox {
    /// Subscribes to a new subject.
    pub(crate) async fn open(link: &Link) -> Result<Self, Unanswered> {
        let name = link.client.new_inbox();
        let subscribed = link.patiently(link.client.subscribe(format!("{name}.*"))).await?;
        let answers = subscribed.map_err(|error| Unanswered::Lost(error.to_string()))?;
        Ok(Self { link: link.clone(), name, answers, next: 0 })
    }

    /// Publishes all messages, then returns the answers in the order of the messages. Cancel safe: an answer that
    /// arrives later is ignored.
    pub(crate) async fn ask(&mut self, asked: Vec<Asked>) -> Result<Vec<Answer>, Unanswered> {
        let mut answers = none_of(&asked);
        let link = self.link.clone();
        link.patiently(self.exchange(asked, &mut answers)).await??;
        Ok(answers.into_iter().flatten().collect())
    }

    /// Publishes all messages, then returns the answers that arrive within `limit`, in the order of the messages.
    pub(crate) async fn ask_within(
        &mut self,
        asked: Vec<Asked>,
        limit: Duration,
    ) -> Result<Vec<Option<Answer>>, Unanswered> {
        let mut answers = none_of(&asked);
        let link = self.link.clone();
        if let Ok(exchanged) = timeout(limit, link.patiently(self.exchange(asked, &mut answers))).await {
            exchanged??;
        }
        Ok(answers)
    }

    /// Publishes messages, and waits until each has an answer.
    async fn exchange(
        &mut self,
        asked: Vec<Asked>,
        answers: &mut [Option<Answer>],
    ) -> Result<(), Unanswered> {
        let first = self.next;
        self.next += asked.len();
        for (number, Asked { subject, headers, payload }) in (first..).zip(asked) {
            let reply = format!("{}.{number}", self.name);
            let client = &self.link.client;
            let published = if headers.is_empty() {
                client.publish_with_reply(subject, reply, payload).await
            } else {
                client.publish_with_reply_and_headers(subject, reply, headers, payload).await
            };
            published.map_err(|error| Unanswered::Lost(error.to_string()))?;
        }
        let mut missing = answers.len();
        while missing > 0 {
            let Some(message) = self.answers.next().await else { return Err(self.link.silence()) };
            let number = message.subject.rsplit('.').next().and_then(|number| number.parse::<usize>().ok());
            let place = number.and_then(|number| number.checked_sub(first));
            let Some(place) = place.and_then(|place| answers.get_mut(place)) else { continue };
            if place.is_none() {
                missing -= 1;
            }
            *place = Some(if message.status == Some(StatusCode::NO_RESPONDERS) {
                Answer::NoResponders
            } else {
                Answer::Message(message)
            });
        }
        Ok(())
    }
}

fn none_of(asked: &[Asked]) -> Vec<Option<Answer>> {
    asked.iter().map(|_| None).collect()
}

/// Asks once, in an inbox of its own.
pub(crate) async fn ask_all(link: &Link, asked: Vec<Asked>) -> Result<Vec<Answer>, Unanswered> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    Inbox::open(link).await?.ask(asked).await
}
