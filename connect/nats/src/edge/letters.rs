//! Dead letters.

use async_nats::HeaderMap;
use bytes::Bytes;
use stage_connect::{ConnectError, MessageId, Push, PutError};

use super::names::Names;
use super::publisher::{Answered, Message, Publisher, publish};
use super::reader::Reader;
use crate::inbox::Inbox;

/// Stores dead letters, each under its id. The stream keeps one message per subject, and the id is part of the subject, so a
/// letter is stored once whenever it is repeated.
#[derive(Debug)]
pub struct NatsLetters {
    publisher: Publisher,
    names: Names,
}

impl NatsLetters {
    pub(super) const fn new(publisher: Publisher, names: Names) -> Self {
        Self { publisher, names }
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
    headers.insert("Stage-Cause", cause.replace(['\r', '\n'], " ").as_str());
    headers.insert("Stage-Attempts", attempts.to_string().as_str());
    let message = Message { subject: &subject, id: &subject, headers, payload: frame };
    match publish(inbox, message, &at).await? {
        Answered::Stored | Answered::SubjectFull => Ok(()),
        Answered::Full => Err(ConnectError::gone(at, what, "its stream is full")),
        Answered::Refused(cause) => Err(ConnectError::gone(at, what, cause)),
    }
}
