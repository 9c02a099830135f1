//! The outcome of a delivery, in the words of a server.

use std::time::Duration;

/// The outcome of one delivery, as it is reported to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The message was handled, and leaves the server.
    Accept,
    /// No handler looked at the message: it is available again at once, and the attempt does not count.
    Release,
    /// Handling failed: the message is available again after this time, and the attempt counts.
    Retry {
        /// The least time until the next delivery; zero for at once.
        after: Duration,
    },
    /// The message is set aside as a dead letter and is not delivered again.
    Dead {
        /// The last error, in one line.
        cause: String,
    },
}
