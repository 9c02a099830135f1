//! The receiving half of a connector.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::acks::Acks;
use crate::error::ConnectError;
use crate::settle::Settle;

/// A message as the server delivered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled<M, R> {
    /// The message.
    pub message: M,
    /// Identifies this delivery of the message to the server.
    pub receipt: R,
    /// The number of this delivery, from 1, as far as the server counts. A server that does not count reports 1.
    pub attempt: u32,
}

/// Receives the messages of one queue, stream or partition.
///
/// A partition is owned under one epoch; a lost epoch is a [fenced](ConnectError::fenced) error.
pub trait Pull: Send + 'static {
    /// The message.
    type Message: Send + 'static;
    /// Identifies a delivery to the server.
    type Receipt: Clone + Send + Sync + 'static;
    /// The half that reports dispositions.
    type Settle: Settle<Receipt = Self::Receipt>;

    /// The unit in which the server takes acknowledgements.
    const ACKS: Acks;

    /// Opens the connection. Called before the first [`pull`](Self::pull) and after an error of one; between calls
    /// the source waits with back-off.
    ///
    /// With [`Acks::Prefix`], the next message is the one behind the last position that was settled, also if more were
    /// pulled before.
    ///
    /// # Errors
    ///
    /// [`ConnectError`]: `gone` is repeated, the others end the source.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again.
    fn connect(&mut self) -> impl Future<Output = Result<(), ConnectError>> + Send;

    /// Returns the half that reports to the server, with a connection of its own. Called once per run of the source,
    /// before the first [`connect`](Self::connect). It lives in another task.
    fn settle_half(&mut self) -> Self::Settle;

    /// Returns at least one and at most `at_most` messages, or none after `wait`.
    ///
    /// Never asks the server for more than `at_most` messages, and holds back none: messages that are not returned are
    /// available to other consumers.
    ///
    /// # Errors
    ///
    /// [`ConnectError`]. After `gone`, [`connect`](Self::connect) follows.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no message: the server delivers it again, or the next call returns it.
    #[allow(clippy::type_complexity, reason = "a name for the result would hide what a connector returns")]
    fn pull(
        &mut self,
        at_most: NonZeroUsize,
        wait: Duration,
    ) -> impl Future<Output = Result<Vec<Pulled<Self::Message, Self::Receipt>>, ConnectError>> + Send;

    /// Returns whether no message can come any more: the input is finite and was read, and nothing that is in hand can
    /// come back from the server.
    fn is_finished(&self) -> bool {
        false
    }

    /// Returns a header of a message, if the messages of the server have headers. The source reads `traceparent` and
    /// `tracestate` (feature `trace`). Default: there are none.
    fn header<'a>(message: &'a Self::Message, name: &str) -> Option<Cow<'a, str>> {
        let _ = (message, name);
        None
    }

    /// Returns the server and the object for error messages, such as ``nats://127.0.0.1:4222 stream `orders` ``. It
    /// contains no secret.
    fn describe(&self) -> String;
}
