//! The connection by which frames enter a partition of an edge.

use std::time::Duration;

use bytes::Bytes;
use stage_connect::{ConnectError, MessageId, Push, PutError};
use tokio::time::sleep;

use crate::calls::Calls;

/// Stores one frame after the other.
pub(crate) struct Entrance<P> {
    outlet: P,
    open: bool,
    calls: Calls,
}

/// The outcome of a frame.
pub(crate) enum Stored {
    Yes,
    Refused(String),
}

impl<P: Push<Message = Bytes>> Entrance<P> {
    pub(crate) fn new(outlet: P, seed: u64) -> Self {
        let calls = Calls::new(outlet.describe(), seed);
        Self { outlet, open: false, calls }
    }

    #[cfg(feature = "flow")]
    pub(crate) fn server(&self) -> &str {
        self.calls.server()
    }

    /// Stores a frame, and tries again after each transient error. Calls `waits` with the reason for each wait, and with
    /// `None` once the frame is stored.
    pub(crate) async fn store(
        &mut self,
        frame: (MessageId, Bytes),
        mut waits: impl FnMut(Option<String>),
    ) -> Result<Stored, ConnectError> {
        let frames = [frame];
        loop {
            self.calls.pause().await;
            let error = match self.put(&frames).await {
                Ok(Ok(0)) => self.calls.silence("nothing was stored", Duration::ZERO),
                Ok(Ok(_)) => {
                    self.calls.succeeded();
                    waits(None);
                    return Ok(Stored::Yes);
                }
                Ok(Err(PutError::Full { after })) => {
                    self.calls.succeeded();
                    waits(Some(format!("room in {}, which is full", self.calls.server())));
                    sleep(after).await;
                    continue;
                }
                Ok(Err(PutError::Refused { cause, .. })) => return Ok(Stored::Refused(cause)),
                Ok(Err(PutError::Connect(error))) | Err(error) => error,
            };
            self.open = false;
            let error = self.calls.away(error)?;
            waits(Some(format!("the server {error}")));
        }
    }

    async fn put(&mut self, frames: &[(MessageId, Bytes)]) -> Result<Result<usize, PutError>, ConnectError> {
        if !self.open {
            self.calls.answer("cannot connect", self.outlet.connect()).await?;
            self.open = true;
        }
        let put = async {
            match self.outlet.put(frames).await {
                Err(PutError::Connect(error)) => Err(error),
                other => Ok(other),
            }
        };
        self.calls.answer("cannot store a frame", put).await
    }
}
