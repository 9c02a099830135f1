//! The task that stores the frames of one partition.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use stage_connect::{ConnectError, ErrorKind, MessageId, Push, PutError};
use tokio::time::{sleep, sleep_until};

use super::filling::{Filled, Filling};
use crate::calls::Calls;
use crate::frame::Header;

pub(super) struct Lane<P> {
    pub(super) outlet: P,
    pub(super) filling: Arc<Filling>,
    pub(super) linger: Duration,
    pub(super) calls: Calls,
    /// The header of the next frame.
    pub(super) header: Header,
    /// The edge and partition, the first part of each message's id.
    pub(super) place: String,
    pub(super) open: bool,
}

/// The outcome of a frame.
enum Stored {
    Yes,
    Refused(String),
}

impl<P: Push<Message = Bytes>> Lane<P> {
    /// Stores frames until the sink is dropped, or an error ends it.
    pub(super) async fn run(mut self) {
        loop {
            self.filling.until(|filling| filling.since().is_some()).await;
            if let Some(full_at) = self.filling.since().and_then(|since| since.checked_add(self.linger)) {
                tokio::select! {
                    biased;
                    () = self.filling.until(|filling| !filling.has_room()) => {}
                    () = sleep_until(full_at) => {}
                }
            }
            let Filled { writer, tokens, _hold } = self.filling.take();
            let message = (self.id(), writer.finish(&self.header));
            match self.store(message).await {
                Ok(Stored::Yes) => tokens.acknowledge(),
                Ok(Stored::Refused(cause)) => tokens.reject(&cause),
                Err(error) => return self.filling.fail(error),
            }
            self.header.id.sequence += 1;
        }
    }

    fn id(&self) -> MessageId {
        MessageId::new(format!("{}.{}", self.place, self.header.id))
    }

    /// Stores a frame, as often as it takes.
    async fn store(&mut self, message: (MessageId, Bytes)) -> Result<Stored, ConnectError> {
        let messages = [message];
        loop {
            self.calls.pause().await;
            if !self.open {
                let connected = self.calls.answer("cannot connect", self.outlet.connect()).await;
                self.open = connected.is_ok();
                if let Err(error) = connected {
                    self.failed(error)?;
                    continue;
                }
            }
            let put = async {
                match self.outlet.put(&messages).await {
                    Err(PutError::Connect(error)) => Err(error),
                    other => Ok(other),
                }
            };
            match self.calls.answer("cannot store a frame", put).await {
                Ok(Ok(0)) => self.failed(self.calls.silence("nothing was stored", Duration::ZERO))?,
                Ok(Ok(_)) => {
                    self.calls.succeeded();
                    self.filling.set_waiting_for(None);
                    return Ok(Stored::Yes);
                }
                Ok(Err(PutError::Full { after })) => {
                    self.calls.succeeded();
                    let full = format!("room in {}, which is full", self.calls.server());
                    self.filling.set_waiting_for(Some(full));
                    sleep(after).await;
                }
                Ok(Err(PutError::Refused { cause, .. })) => return Ok(Stored::Refused(cause)),
                Ok(Err(PutError::Connect(error))) | Err(error) => self.failed(error)?,
            }
        }
    }

    fn failed(&mut self, error: ConnectError) -> Result<(), ConnectError> {
        self.open = false;
        match error.kind() {
            ErrorKind::Gone => {
                self.calls.failed();
                tracing::warn!(%error, "waiting for the server");
                self.filling.set_waiting_for(Some(format!("the server {error}")));
                Ok(())
            }
            ErrorKind::Fenced | ErrorKind::Fatal => Err(error),
        }
    }
}
