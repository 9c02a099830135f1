//! Dead letters.

use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use async_nats::{HeaderMap, HeaderValue};
use bytes::Bytes;
use serde_json::json;
use stage_connect::{ConnectError, MessageId, Push, PutError};
use stage_edge::{DeadEvent, Letters};

use super::line::Line;
use super::names::Names;
use super::publisher::{Answered, Message, Publisher, publish};
use super::reader::Reader;
use crate::inbox::Inbox;
use crate::link::Link;

/// Stores dead letters, each under its id. The stream keeps one message per subject, and the id is part of the subject, so a
/// letter is stored once whenever it is repeated. Its number is that of the message.
#[derive(Debug)]
pub struct NatsLetters {
    publisher: Publisher,
    line: Line,
    names: Names,
}

impl NatsLetters {
    pub(super) const fn new(publisher: Publisher, line: Line, names: Names) -> Self {
        Self { publisher, line, names }
    }

    /// Returns the first letter of the edge from a number on.
    async fn first(
        &self,
        link: &Link,
        stream: &Stream<()>,
        from: u64,
    ) -> Result<Option<StreamMessage>, ConnectError> {
        let (at, what) = (self.publisher.describe(), "cannot read dead letters");
        let subject = self.names.letters_of_edge();
        let read = link.patiently(stream.get_first_raw_message_by_subject(&subject, from)).await;
        match read.map_err(|error| error.at(at, what))? {
            Ok(message) => Ok(Some(message)),
            Err(error) if matches!(error.kind(), LastRawMessageErrorKind::NoMessageFound) => Ok(None),
            Err(error) => Err(ConnectError::gone(at, what, error)),
        }
    }

    fn letter(&self, message: &StreamMessage) -> stage_edge::Letter {
        stage_edge::Letter::read(&message.payload).unwrap_or_else(|_| {
            // A frame that is dead as a whole.
            let header = |name: &str| message.headers.get(name).map(HeaderValue::as_str).unwrap_or_default();
            let attempts = header(ATTEMPTS).parse().unwrap_or(1);
            let position = message.subject.rsplit('.').next().unwrap_or_default();
            stage_edge::Letter::of_message(
                self.names.edge(),
                position,
                attempts,
                header(CAUSE),
                &message.payload,
            )
        })
    }
}

/// The headers of a frame that is dead as a whole.
const CAUSE: &str = "Stage-Cause";
const ATTEMPTS: &str = "Stage-Attempts";

impl Letters for NatsLetters {
    async fn list(&self, after: u64, limit: usize) -> Result<Vec<DeadEvent>, ConnectError> {
        let (at, what) = (self.publisher.describe(), "cannot read dead letters");
        let link = self.line.link().await?;
        let context = self.line.server().jetstream(&link);
        let stream = context.get_stream_no_info(self.names.dead()).await;
        let stream = stream.map_err(|error| ConnectError::gone(at, what, error))?;
        let (mut letters, mut from) = (Vec::new(), after.saturating_add(1));
        while letters.len() < limit {
            let Some(message) = self.first(&link, &stream, from).await? else { break };
            from = message.sequence + 1;
            letters.push(DeadEvent::new(message.sequence, self.letter(&message)));
        }
        Ok(letters)
    }

    async fn remove(&self, number: u64) -> Result<bool, ConnectError> {
        let (at, what) = (self.publisher.describe(), "cannot remove a dead letter");
        let link = self.line.link().await?;
        let call = format!("STREAM.MSG.DELETE.{}", self.names.dead());
        match link
            .api(&call, &json!({ "seq": number, "no_erase": true }))
            .await
            .map_err(|error| error.at(at, what))?
        {
            Ok(_) => Ok(true),
            Err(error) if error.is_no_message() => Ok(false),
            Err(error) => Err(error.at(at, what)),
        }
    }
}

impl Push for NatsLetters {
    type Message = Bytes;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.publisher.connect().await
    }

    async fn put(&mut self, messages: &[(MessageId, Bytes)]) -> Result<usize, PutError> {
        for (index, (id, letter)) in messages.iter().enumerate() {
            let subject = self.names.letter(id.as_str());
            let (headers, payload) = (HeaderMap::new(), letter.clone());
            let message = Message { subject: &subject, id: &subject, headers, payload };
            let failure = match self.publisher.publish(message).await {
                // A subject that is full has this letter.
                Ok(Answered::Stored | Answered::SubjectFull) => continue,
                Ok(Answered::Full) => PutError::Full { after: std::time::Duration::from_secs(1) },
                Ok(Answered::Refused(cause)) => PutError::Refused { index, cause },
                Err(error) => error.into(),
            };
            return failure.behind(index);
        }
        Ok(messages.len())
    }

    fn describe(&self) -> String {
        self.publisher.describe().to_owned()
    }
}

/// A frame that is dead as a whole.
pub(super) struct Letter<'a> {
    pub(super) id: &'a str,
    pub(super) frame: Bytes,
    pub(super) cause: &'a str,
    pub(super) attempts: u32,
}

/// Stores a frame as a dead letter, with headers that describe its end.
pub(super) async fn bury(
    inbox: &mut Inbox,
    reader: &Reader,
    Letter { id, frame, cause, attempts }: Letter<'_>,
) -> Result<(), ConnectError> {
    let (at, what) = (reader.describe(), "cannot store a dead letter");
    let subject = reader.names.letter(id);
    let mut headers = HeaderMap::new();
    headers.insert(CAUSE, cause.replace(['\r', '\n'], " ").as_str());
    headers.insert(ATTEMPTS, attempts.to_string().as_str());
    let message = Message { subject: &subject, id: &subject, headers, payload: frame };
    match publish(inbox, message, &at).await? {
        Answered::Stored | Answered::SubjectFull => Ok(()),
        Answered::Full => Err(ConnectError::gone(at, what, "its stream is full")),
        Answered::Refused(cause) => Err(ConnectError::gone(at, what, cause)),
    }
}
