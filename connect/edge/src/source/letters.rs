//! Stores a dead letter, as often as it takes.

use bytes::Bytes;
use stage_connect::{MessageId, Push, PutError};
use tokio::time::sleep;

use super::lane::{Halt, failed};
use super::shared::{Phase, Shared};
use crate::calls::Calls;

/// Stores a letter. `open` tells whether the connection for letters is.
pub(crate) async fn store_letter<P: Push<Message = Bytes>, T>(
    letters: &mut P,
    open: &mut bool,
    calls: &mut Calls,
    shared: &Shared<T>,
    message: &[(MessageId, Bytes)],
) -> Result<(), Halt> {
    loop {
        calls.pause().await;
        let put = async {
            if !*open {
                letters.connect().await?;
                *open = true;
            }
            match letters.put(message).await {
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
                *open = false;
                failed(calls, shared, error)?;
                if shared.phase() == Phase::Closed {
                    return Err(Halt);
                }
            }
        }
    }
}
