//! Stores dead letters, and tries again after transient errors.

use bytes::Bytes;
use stage_connect::{MessageId, Push, PutError};
use tokio::time::sleep;

use super::lane::{Halt, failed};
use super::shared::{Phase, Shared};
use crate::calls::Calls;
use crate::letter::Letter;

/// The connection by which dead letters are stored.
pub(crate) struct Letters<P> {
    outlet: P,
    open: bool,
}

impl<P: Push<Message = Bytes>> Letters<P> {
    pub(crate) const fn new(outlet: P) -> Self {
        Self { outlet, open: false }
    }

    /// Stores a letter.
    pub(crate) async fn store<T>(
        &mut self,
        letter: &Letter,
        calls: &mut Calls,
        shared: &Shared<T>,
    ) -> Result<(), Halt> {
        let Letter { position, attempts, cause, .. } = letter;
        tracing::warn!(position, attempts, cause, "an event of an edge is dead");
        let message = [(MessageId::new(position.clone()), letter.write())];
        loop {
            calls.pause().await;
            let put = async {
                if !self.open {
                    self.outlet.connect().await?;
                    self.open = true;
                }
                match self.outlet.put(&message).await {
                    Ok(_) => Ok(None),
                    Err(PutError::Full { after }) => Ok(Some(after)),
                    Err(PutError::Connect(error)) => Err(error),
                    Err(PutError::Refused { cause, .. }) => {
                        tracing::error!(cause, "the server refuses a dead letter");
                        Ok(None)
                    }
                }
            };
            match calls.answer("cannot store a dead letter", put).await {
                Ok(None) => return Ok(()),
                Ok(Some(after)) => sleep(after).await,
                Err(error) => {
                    self.open = false;
                    failed(calls, shared, error)?;
                    if shared.phase() == Phase::Closed {
                        return Err(Halt);
                    }
                }
            }
        }
    }
}
