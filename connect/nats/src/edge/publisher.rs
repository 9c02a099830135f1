//! Publishes one message after the other.

use async_nats::HeaderMap;
use bytes::Bytes;
use serde_json::json;
use stage_connect::ConnectError;

use super::bucket::json_of;
use super::line::Line;
use super::owned::Before;
use super::setup::OVERHEAD;
use crate::error::ApiError;
use crate::inbox::{Answer, Asked, Inbox};

/// Publishes to one stream, with one message in flight, so that a stream that was full never stores a later message
/// before an earlier one.
#[derive(Debug)]
pub(super) struct Publisher {
    line: Line,
    stream: String,
    at: String,
    before: Before,
    inbox: Option<Inbox>,
}

/// A message with the id under which it is stored once.
pub(super) struct Message<'a> {
    pub(super) subject: &'a str,
    pub(super) id: &'a str,
    pub(super) headers: HeaderMap,
    pub(super) payload: Bytes,
}

/// The answer of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// It is stored, now or before.
    Stored,
    /// Its subject has as many messages as it may have.
    SubjectFull,
    /// The stream or the server has no room.
    Full,
    /// It would be refused every time.
    Refused(String),
}

impl Publisher {
    pub(super) fn new(line: Line, stream: String, at: String) -> Self {
        Self { line, stream, at, before: Before::First, inbox: None }
    }

    pub(super) fn describe(&self) -> &str {
        &self.at
    }

    /// Connects, and makes sure that the stream exists.
    pub(super) async fn connect(&mut self) -> Result<(), ConnectError> {
        let what = "cannot connect";
        self.inbox = None;
        let link = self.line.link().await?;
        let info = link.api(&format!("STREAM.INFO.{}", self.stream), &json!({})).await;
        match info.map_err(|error| error.at(&self.at, what))? {
            Ok(_) => {}
            // A server that is starting may not have found its streams yet.
            Err(error) if error.code == ApiError::STREAM_NOT_FOUND && self.before == Before::First => {
                let wrong = format!("there is no stream `{}`", self.stream);
                return Err(ConnectError::fatal(&self.at, wrong, "open the edge with `setup`"));
            }
            Err(error) => return Err(error.at(&self.at, what)),
        }
        let inbox = Inbox::open(&link).await.map_err(|error| error.at(&self.at, what))?;
        (self.inbox, self.before) = (Some(inbox), Before::Again);
        Ok(())
    }

    /// Publishes a message and waits for the acknowledgement of the stream.
    pub(super) async fn publish(&mut self, message: Message<'_>) -> Result<Answered, ConnectError> {
        let Some(mut inbox) = self.inbox.take() else {
            return Err(ConnectError::gone(&self.at, "cannot publish", "not connected"));
        };
        let answered = publish(&mut inbox, message, &self.at).await?;
        self.inbox = Some(inbox);
        Ok(answered)
    }
}

/// Publishes a message over an open inbox.
pub(super) async fn publish(
    inbox: &mut Inbox,
    Message { subject, id, mut headers, payload }: Message<'_>,
    at: &str,
) -> Result<Answered, ConnectError> {
    let what = "cannot publish";
    let (size, most) = (payload.len() + OVERHEAD, inbox.link.client.max_payload());
    if size > most {
        let cause = format!("the frame needs {size} bytes with its headers, of at most {most}");
        return Ok(Answered::Refused(cause));
    }
    headers.insert("Nats-Msg-Id", id);
    let asked = Asked { subject: subject.to_owned(), headers, payload };
    let mut answers = inbox.ask(vec![asked]).await.map_err(|error| error.at(at, what))?;
    let Some(Answer::Message(answer)) = answers.pop() else {
        return Err(ConnectError::gone(at, what, "no stream stores the subject at present"));
    };
    match ApiError::of(&json_of(&answer.payload, at)?) {
        None => Ok(Answered::Stored),
        Some(error) if error.is_subject_full() => Ok(Answered::SubjectFull),
        Some(error) if error.is_full() => Ok(Answered::Full),
        Some(error) if error.is_refusal() => Ok(Answered::Refused(error.to_string())),
        Some(error) => Err(error.at(at, what)),
    }
}
