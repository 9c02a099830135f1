//! Stores frames in a partition.

use std::time::Duration;

use async_nats::HeaderMap;
use bytes::Bytes;
use stage_connect::{ConnectError, MessageId, Push, PutError};

use super::publisher::{Answered, Message, Publisher};

/// The first and the longest wait for room in a partition.
const ROOM: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(50)];

/// Stores frames in one partition, one after the other, each under its id.
#[derive(Debug)]
pub struct NatsOutlet {
    publisher: Publisher,
    subject: String,
    /// The wait if the partition is full again.
    wait: Duration,
}

impl NatsOutlet {
    pub(super) const fn new(publisher: Publisher, subject: String) -> Self {
        Self { publisher, subject, wait: ROOM[0] }
    }

    fn full(&mut self) -> PutError {
        let after = self.wait;
        self.wait = (self.wait * 2).min(ROOM[1]);
        PutError::Full { after }
    }
}

impl Push for NatsOutlet {
    type Message = Bytes;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.publisher.connect().await
    }

    async fn put(&mut self, messages: &[(MessageId, Bytes)]) -> Result<usize, PutError> {
        for (index, (id, frame)) in messages.iter().enumerate() {
            let message = Message {
                subject: &self.subject,
                id: id.as_str(),
                headers: HeaderMap::new(),
                payload: frame.clone(),
            };
            let failure = match self.publisher.publish(message).await {
                Ok(Answered::Stored) => {
                    self.wait = ROOM[0];
                    continue;
                }
                Ok(Answered::SubjectFull | Answered::Full) => self.full(),
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
