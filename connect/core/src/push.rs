//! The sending half of a connector.

use std::time::Duration;

use crate::error::ConnectError;
use crate::message_id::MessageId;

/// Stores messages in one queue, stream or table.
pub trait Push: Send + 'static {
    /// The message.
    type Message: Send + Sync + 'static;

    /// Opens the connection. Called when the pipeline starts, and again after an error of this method or of
    /// [`put`](Self::put); between calls the sink waits with back-off. Dropped if the server does not answer in time, or
    /// if the sink is asked to end while it has nothing to store.
    ///
    /// # Errors
    ///
    /// [`ConnectError`]: `gone` is repeated, the others end the sink.
    fn connect(&mut self) -> impl Future<Output = Result<(), ConnectError>> + Send;

    /// Stores the messages in order. Returns how many of the leading ones are stored durably by the server's word, at
    /// least one of a list that is not empty.
    ///
    /// After an error the sink puts the messages that are not known to be stored again, with the same ids, so a server
    /// that knows ids stores each once.
    ///
    /// # Errors
    ///
    /// [`PutError`].
    fn put(
        &mut self,
        messages: &[(MessageId, Self::Message)],
    ) -> impl Future<Output = Result<usize, PutError>> + Send;

    /// Sets a header of a message, in place of one of this name, if messages have headers. The sink of deliveries sets
    /// `traceparent` and `tracestate` (feature `trace`). A value that a header cannot have is left out. Default: nothing
    /// is set.
    fn set_header(message: &mut Self::Message, name: &str, value: &str) {
        let _ = (message, name, value);
    }

    /// Returns the server and the object for error messages. It contains no secret.
    fn describe(&self) -> String;
}

/// Error of [`Push::put`].
#[derive(stage_macros::ErrorDebug, thiserror::Error)]
pub enum PutError {
    /// The server has no room: nothing of the list is known to be stored. The same list follows after this time.
    #[error("the server is full")]
    Full {
        /// The time until the next attempt.
        after: Duration,
    },
    /// The connection failed.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server refuses one message for good. The messages before it are stored; those after it are not.
    #[error("the server refuses a message: {cause}")]
    Refused {
        /// The place of the message in the list, from 0.
        index: usize,
        /// The reason given by the server, in one line.
        cause: String,
    },
}

impl PutError {
    /// Returns the result of a [`put`](Push::put) that stored the `stored` leading messages and then met this error: their
    /// number, if there are any, since the next call meets the error again. A refusal is reported at once, as it says which
    /// messages are stored.
    ///
    /// # Errors
    ///
    /// The error, unless messages are stored before it.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use stage_connect::PutError;
    ///
    /// let full = || PutError::Full { after: Duration::from_secs(1) };
    /// assert_eq!(full().behind(2)?, 2);
    /// assert!(full().behind(0).is_err());
    /// # Ok::<(), PutError>(())
    /// ```
    pub fn behind(self, stored: usize) -> Result<usize, Self> {
        match self {
            Self::Full { .. } | Self::Connect(_) if stored > 0 => Ok(stored),
            error => Err(error),
        }
    }
}
